r"""Results as lines of JSON in one file, in the order in which they come.

Each line is an object with ``batch_id``, ``item`` (its number, from 0), ``name`` and ``status``::

    {..., "item": 0, "name": "page.png", "status": "succeeded", "content_type": "application/json", "json": {...}}
    {..., "item": 1, "name": "note.txt", "status": "succeeded", "content_type": "text/plain", "text": "..."}
    {..., "item": 2, "name": "a.wav", "status": "succeeded", "content_type": "audio/wav", "base64": "..."}
    {..., "item": 3, "name": "bad.png", "status": "failed", "error": "ModelError", "message": "..."}

A result is under ``json`` if its content type says so and it is, under ``text`` if it is UTF-8 otherwise, and under
``base64`` if it is neither. Each result is held in memory as a whole while its line is made: for large ones, use a
directory. A line that a crash has cut off is removed when the batch is resumed, and written again.
"""

from __future__ import annotations

import json
import os
from base64 import b64encode
from contextlib import suppress
from threading import Lock
from typing import TYPE_CHECKING, Any, NoReturn

from async_inference.batches.events import Failed, Settled, Succeeded
from async_inference.batches.sinks import failure_members
from async_inference.exceptions import InvalidRequest

if TYPE_CHECKING:
    from pathlib import Path
    from typing import BinaryIO

    from async_inference.batches.sinks import Fetcher
    from async_inference.storage import Body, StoredObject


class JsonLinesSink:
    """One file with a line for each item.

    Args:
        path: The file; it is made if it is not there, and gone on with if it holds this batch's results.
        batch_id: Whose results.
        fetcher: Reads outputs.

    Raises:
        InvalidRequest: the file holds anything else, or another process writes to it.
        OSError: it cannot be read or written.
    """

    def __init__(self, path: Path, batch_id: str, fetcher: Fetcher) -> None:
        self._path = path
        self._batch_id = batch_id
        self._fetcher = fetcher
        self._lock = Lock()
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("a+b")
        try:
            _lock_for_this_process(self._file, path)
            self._delivered = self._repair()
        except BaseException:
            self._file.close()
            raise

    def has(self, settled: Settled) -> bool:
        """Whether the item has a line."""
        return settled.item in self._delivered

    def deliver(self, settled: Settled) -> None:
        """Add the item's line."""
        if isinstance(settled, Failed):
            self._write(failure_members(settled))
            return

        def take(stored: StoredObject, body: Body) -> bool:
            content = body.read()  # before anything is written: reading may be repeated
            self._write(_success_members(settled, stored.content_type, content))
            return True

        self._fetcher.fetch(settled, take)

    def close(self) -> None:
        """Close the file."""
        # What a full disk did not take, closing tries to write once more. That was told of; the next run writes it.
        with suppress(OSError):
            self._file.close()

    def _write(self, members: dict[str, Any]) -> None:
        line = json.dumps({"batch_id": self._batch_id} | members, allow_nan=False).encode() + b"\n"
        with self._lock:
            self._file.write(line)
            self._file.flush()

    def _repair(self) -> set[int]:
        """Remove a last line that is not whole, and return the items of all others."""
        delivered: set[int] = set()
        whole = 0
        self._file.seek(0)
        for number, line in enumerate(self._file, start=1):
            if not line.endswith(b"\n"):
                self._require_own_beginning(line)
                break
            delivered.add(self._item(number, line))
            whole += len(line)
        self._file.truncate(whole)
        self._file.seek(0, os.SEEK_END)
        return delivered

    def _require_own_beginning(self, cut_off: bytes) -> None:
        """Refuse to remove what may be somebody else's."""
        beginning = json.dumps({"batch_id": self._batch_id}).encode()[:-1]
        if not cut_off.startswith(beginning[: len(cut_off)]):
            raise InvalidRequest(f"results: {self._path} holds something else: pass another file")

    def _item(self, number: int, line: bytes) -> int:
        try:
            members = json.loads(line)
            item, batch_id = members["item"], members["batch_id"]
        except (KeyError, TypeError, ValueError) as error:
            raise InvalidRequest(f"results: line {number} of {self._path} is no result: pass another file") from error
        if batch_id != self._batch_id or type(item) is not int:
            raise InvalidRequest(f"results: {self._path} holds results of another batch: pass another file")
        return item


def _success_members(succeeded: Succeeded, content_type: str | None, content: bytes) -> dict[str, Any]:
    members = {"item": succeeded.item, "name": succeeded.name, "status": "succeeded", "content_type": content_type}
    return members | _content_members(content_type, content)


def _content_members(content_type: str | None, content: bytes) -> dict[str, Any]:
    plain = (content_type or "").partition(";")[0].strip().lower()
    try:
        text = content.decode()
        if plain == "application/json" or plain.endswith("+json"):
            value = json.loads(text, parse_constant=_refuse)
            json.dumps(value, allow_nan=False)  # 1e999 is read as a number that JSON cannot say
            return {"json": value}
    except UnicodeDecodeError:
        return {"base64": b64encode(content).decode()}
    except (ValueError, RecursionError):
        return {"text": text}
    return {"text": text}


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)


def _lock_for_this_process(file: BinaryIO, path: Path) -> None:
    """Keep a second process from adding lines of the same items; the system unlocks with the process's end."""
    try:
        import fcntl  # noqa: PLC0415 - not on every system
    except ImportError:  # pragma: no cover - on Windows
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        raise InvalidRequest(f"results: another process writes to {path}") from error
