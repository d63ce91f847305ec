"""The inputs of a batch as they lie in S3: packed into segments where they are small, on their own where they are not.

A segment is an object of JSON lines, one for each item, with its ``name``, its ``content_type`` and one of ``body``
(the bytes, in Base64), ``input`` (where they lie) and ``problem`` (why there are none that could be sent).
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from bisect import bisect_right
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from async_inference.exceptions import InvalidRequest
from async_inference.locations import S3Location

if TYPE_CHECKING:
    from async_inference.batches.naming import Names
    from async_inference.storage import ObjectStore

_MOST_ITEMS: Final = 1_000
_MOST_BYTES: Final = 8 * 1024 * 1024
_SEGMENTS_IN_MEMORY: Final = 4
"""Items are worked on nearly in order, so that the next is in one of the last segments."""


@dataclass(frozen=True, slots=True)
class Item:
    """One input as it was recorded."""

    name: str
    content_type: str | None
    payload: bytes | S3Location | None
    """``None`` if there is a problem."""

    problem: str | None = None
    """Why the input cannot be sent."""

    def to_line(self) -> bytes:
        """Return it as one line of JSON."""
        members: dict[str, Any] = {"name": self.name, "content_type": self.content_type}
        if isinstance(self.payload, bytes):
            members["body"] = b64encode(self.payload).decode()
        elif self.payload is not None:
            members["input"] = str(self.payload)
        else:
            members["problem"] = self.problem
        return json.dumps(members).encode() + b"\n"

    @classmethod
    def from_line(cls, line: bytes) -> Item:
        """Read what :meth:`to_line` wrote."""
        members = json.loads(line)
        payload: bytes | S3Location | None = None
        if "body" in members:
            payload = b64decode(members["body"])
        elif "input" in members:
            payload = S3Location.parse(members["input"], field="input")
        return cls(members["name"], members["content_type"], payload, members.get("problem"))


class ItemWriter:
    """Packs items into segments and writes them, one in memory at a time."""

    def __init__(self, objects: ObjectStore, names: Names) -> None:
        self._objects = objects
        self._names = names
        self._lines: list[bytes] = []
        self._bytes = 0
        self._segments: list[int] = []
        self.count = 0

    def add(self, item: Item) -> None:
        """Take the next item; raises what :meth:`ObjectStore.put` does."""
        line = item.to_line()
        if len(self._lines) == _MOST_ITEMS or (self._lines and self._bytes + len(line) > _MOST_BYTES):
            self._flush()
        self._lines.append(line)
        self._bytes += len(line)
        self.count += 1

    def finish(self) -> tuple[int, ...]:
        """Write what is left and return the number of the first item in each segment."""
        if self._lines:
            self._flush()
        return tuple(self._segments)

    def _flush(self) -> None:
        location = self._names.item_segment(len(self._segments))
        self._objects.put(b"".join(self._lines), location, content_type="application/jsonl")
        self._segments.append(self.count - len(self._lines))
        self._lines, self._bytes = [], 0


class ItemReader:
    """Reads items by their numbers, a segment at a time.

    Args:
        objects: S3.
        names: Of the batch.
        segments: The number of the first item in each.
    """

    def __init__(self, objects: ObjectStore, names: Names, segments: tuple[int, ...]) -> None:
        self._objects = objects
        self._names = names
        self._segments = segments
        self._lines: OrderedDict[int, list[bytes]] = OrderedDict()

    def read(self, item: int) -> Item:
        """Return one item.

        Raises:
            InvalidRequest: it is not there, though the manifest says so, or malformed.
            PermissionDenied: it may not be read.
            EndpointUnavailable: S3 could not be asked.
        """
        number = bisect_right(self._segments, item) - 1
        try:
            return Item.from_line(self._segment(number)[item - self._segments[number]])
        except (IndexError, KeyError, TypeError, ValueError) as error:
            raise InvalidRequest(f"batch {self._names.batch_id}: item {item} of its inputs is malformed") from error

    def _segment(self, number: int) -> list[bytes]:
        if number not in self._lines:
            location = self._names.item_segment(number)
            content = self._objects.get(location, lambda _, body: body.read())
            if content is None:
                raise InvalidRequest(f"batch {self._names.batch_id}: its inputs are gone: there is no {location}")
            self._lines[number] = content.splitlines()
            if len(self._lines) > _SEGMENTS_IN_MEMORY:
                self._lines.popitem(last=False)
        self._lines.move_to_end(number)
        return self._lines[number]
