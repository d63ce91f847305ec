"""The journal of a batch: one chain of segments in S3, of which each is written once and never changed.

A segment is created with ``If-None-Match: *`` under the next number. So the chain has one order, the same for
everybody, and whoever has appended a segment has read all before it. Its events say what became of submissions, which
items are settled, and which attempts are *intended*: an attempt is submitted only after the segment that has its intent
is written, by the process that wrote it, once. An attempt is *open* until an event of a later segment says what became
of its submission: accepted, refused, or unknown.

**A stalled owner can submit nothing that the next owner does not know of.** Whoever takes the batch over reads the
chain to its end, segment *k*, and appends segment *k + 1*, in which every open attempt becomes unknown. Let an earlier
owner go on after that, however much later. It submits attempts only whose intents it has written. It cannot have
written one after *k*: its own next number is at most *k + 1*, which is taken, so its next append meets 412 and it
stops. So every attempt that it may yet submit is in a segment up to *k*, where the new owner has read it: either with
its outcome, after which it is not submitted any more, or open, and then it is unknown from *k + 1* on. Numbers of
attempts only grow, so no name is used twice. If the earlier owner's append wins the race for *k + 1*, the new owner's
meets 412, reads on and tries the next number.

**A lost response changes nothing of this.** A conditional write whose response is lost may be found written when it is
tried again. The segment that is there then tells by its writer, a random number of each append, whose it is. If nothing
answers at all, the owner stops without submitting; whether its segment is there, or arrives later, is for the next
owner to see, whose own append settles it.

**Each input ends with exactly one result.** The state machine (:mod:`async_inference.batches.state`) settles an item
once, and the chain is its only input; two owners never both extend the same chain. A settlement is handed to the
caller's files only after the segment that has it is written, so no file ever shows what another owner could decide
differently. And nothing is lost: inputs are in S3 before the batch exists, an item that is not settled is pending, on
its way under an attempt whose locations are in the chain, or open; and open attempts become unknown, which makes the
item pending again, at once or when no result can come any more.

**The window** in which a crash costs a second inference: the open attempts, those whose intents are written and whose
outcomes are not. The next group of intents is written only in a segment that has the outcomes of all before, so they
are one group, at most ``GROUP_SIZE`` items. :class:`~async_inference.batches.summary.BatchSummary` counts them.

The lease (:mod:`async_inference.batches.lease`) plays no part in this: it keeps two owners from wasting each other's
time, the chain keeps them from doing harm.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, Final, TypeAlias
from uuid import uuid4

from async_inference.batches import events
from async_inference.batches.owner import Owner
from async_inference.exceptions import InvalidRequest
from async_inference.storage import AlreadyExists

if TYPE_CHECKING:
    from async_inference.batches.events import Event
    from async_inference.batches.naming import Names
    from async_inference.storage import ObjectStore

SCHEMA: Final = 1
"""The newest form of a segment that this code reads and the one that it writes."""

GROUP_SIZE: Final = 32
"""Attempts whose intents are written together: the window of a crash, and what one write in S3 is paid for."""

JSON_LINES: Final = "application/jsonl"

_AT_A_TIME: Final = 64
"""Segments that are fetched before the first of them is looked at."""

Fetch: TypeAlias = Callable[[int], bytes]
InParallel: TypeAlias = Callable[[Fetch, Iterable[int]], Iterable[bytes]]


class Fenced(Exception):  # noqa: N818 - a signal within the library, never seen by its callers
    """Somebody else has appended to the journal.

    Attributes:
        owner: Who.
    """

    def __init__(self, owner: Owner) -> None:
        super().__init__(str(owner))
        self.owner = owner


@dataclass(frozen=True, slots=True)
class _Head:
    """The first line of a segment."""

    schema: int
    writer: str
    owner: Owner


class Journal:
    """One process's view of the chain.

    Args:
        objects: S3.
        names: Of the batch.
        owner: Who this process is.
        in_parallel: Applies a function to many numbers, in their order; by default one after the other.
    """

    def __init__(self, objects: ObjectStore, names: Names, owner: Owner, *, in_parallel: InParallel = map) -> None:
        self._objects = objects
        self._names = names
        self._owner = owner
        self._in_parallel = in_parallel
        self.length = 0
        """The number of the last segment that was read or appended."""

    def read(self) -> Iterator[Event]:
        """Yield the events of the segments after those that were read or appended, to the end of the chain.

        Raises:
            InvalidRequest: a segment is of a newer schema, malformed or missing.
            PermissionDenied: it may not be read.
            EndpointUnavailable: S3 could not be asked.
        """
        while numbers := self._listed():
            for start in range(0, len(numbers), _AT_A_TIME):
                yield from self._events(numbers[start : start + _AT_A_TIME])

    def read_again(self, length: int) -> Iterator[Event]:
        """Yield the events of the first ``length`` segments, without any effect on what is appended next."""
        for start in range(1, length + 1, _AT_A_TIME):
            numbers = range(start, min(start + _AT_A_TIME, length + 1))
            for sequence, content in zip(numbers, self._in_parallel(self._fetch, numbers), strict=True):
                yield from self._parse(sequence, content)

    def append(self, happened: Iterable[Event]) -> None:
        """Write the next segment.

        Raises:
            Fenced: somebody else has.
            PermissionDenied: it may not be written.
            EndpointUnavailable: S3 could not be reached; the segment may have been written.
        """
        sequence = self.length + 1
        head = _Head(SCHEMA, uuid4().hex, self._owner)
        lines = [json.dumps(asdict(head)), *map(events.to_line, happened)]
        content = "".join(f"{line}\n" for line in lines).encode()
        try:
            self._objects.create(self._names.journal_segment(sequence), content, content_type=JSON_LINES)
        except AlreadyExists:
            written, _ = self._split(sequence, self._fetch(sequence))
            if written.writer != head.writer:
                raise Fenced(written.owner) from None
        self.length = sequence

    def _listed(self) -> range:
        """Return the numbers of the next segments that are there, up to 1,000."""
        after = self._names.journal_segment(self.length).key
        page = self._objects.list_page(self._names.configuration.bucket, self._names.journal_prefix, start_after=after)
        found = range(self.length + 1, self.length + 1 + len(page.keys))
        for number, key in zip(found, page.keys, strict=True):
            if key != self._names.journal_segment(number).key:
                raise self._damaged(number, f"is missing, though there is {PurePosixPath(key).name}")
        return found

    def _events(self, numbers: range) -> Iterator[Event]:
        for sequence, content in zip(numbers, self._in_parallel(self._fetch, numbers), strict=True):
            yield from self._parse(sequence, content)
            self.length = sequence

    def _fetch(self, sequence: int) -> bytes:
        content = self._objects.get(self._names.journal_segment(sequence), lambda _, body: body.read())
        if content is None:
            raise self._damaged(sequence, "is missing")
        return content

    def _parse(self, sequence: int, content: bytes) -> Iterator[Event]:
        _, lines = self._split(sequence, content)
        for line in lines:
            try:
                yield events.from_line(line)
            except InvalidRequest as error:
                raise self._damaged(sequence, f"is malformed: {error}") from error

    def _split(self, sequence: int, content: bytes) -> tuple[_Head, list[bytes]]:
        first, *lines = content.splitlines() or [b""]
        try:
            members: dict[str, Any] = json.loads(first)
            schema = members["schema"]
            if type(schema) is int and schema > SCHEMA:
                raise self._damaged(sequence, f"has schema {schema}, this version of async_inference reads {SCHEMA}")
            return _Head(schema, members["writer"], Owner(**members["owner"])), lines
        except (KeyError, TypeError, ValueError) as error:
            raise self._damaged(sequence, "is malformed: its first line is no head of a segment") from error

    def _damaged(self, sequence: int, problem: str) -> InvalidRequest:
        name = PurePosixPath(self._names.journal_segment(sequence).key).name
        return InvalidRequest(f"batch {self._names.batch_id}: segment {name} of its journal {problem}")
