"""Where a run puts results on the caller's machine: one file for each item in a directory, or one line in a file.

Either is a copy: what counts is in S3, and what is missing here is fetched again when the batch is resumed.

A directory gets ``<name>.<ending>`` for each result, with the ending that its content type usually has, or ``.out``,
and ``<name>.error.json`` for each failure, each at once and whole. ``.async-inference-batch`` in it names the batch.

Where one file cannot be called so on this machine, since a folder has its name, a file that of one of its folders, the
name is too long, or another item's differs only in case, it is called ``<item>-<last segment>`` in the directory
itself, by the item's number in eight digits and up to 100 bytes of the name's last segment.
"""

from __future__ import annotations

import errno
import json
import mimetypes
import os
from threading import Lock
from typing import TYPE_CHECKING, Final, Protocol

from async_inference import downloads
from async_inference.batches.events import Failed, Settled, Succeeded
from async_inference.batches.inputs import check_name
from async_inference.exceptions import InvalidRequest, ResultCorrupt
from async_inference.files import ignores_case, remove_abandoned, replacement
from async_inference.locations import S3Location, require_inside

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from async_inference.configuration import EndpointConfiguration
    from async_inference.storage import Body, ObjectStore, StoredObject

MARKER: Final = ".async-inference-batch"
"""The file that says whose results a directory holds."""

_OF_ONE_PATH: Final = frozenset({errno.EISDIR, errno.ENOTDIR, errno.EEXIST, errno.ENAMETOOLONG})
"""What another name helps against; of other errors, every other item would die too."""

_LONGEST_NUMBERED: Final = 100
"""Bytes of a name after the item's number: with it and an ending far fewer than file systems allow."""

_TYPES: Final = mimetypes.MimeTypes()
"""Python's own table: the machine's would make the same results have other names elsewhere."""


class Sink(Protocol):
    """A place for results. :meth:`has` and :meth:`deliver` are called by many threads."""

    def has(self, settled: Settled) -> bool:
        """Whether the result or failure is there."""
        ...  # pragma: no cover - a protocol

    def deliver(self, settled: Settled) -> None:
        """Put it there.

        Raises:
            OSError: it cannot be written.
            AsyncInferenceError: it cannot be fetched.
        """
        ...  # pragma: no cover - a protocol

    def close(self) -> None:
        """Write nothing more."""
        ...  # pragma: no cover - a protocol


class Fetcher:
    """Reads outputs of one endpoint."""

    def __init__(self, objects: ObjectStore, configuration: EndpointConfiguration) -> None:
        self._objects = objects
        self._configuration = configuration

    def fetch(self, succeeded: Succeeded, take: Callable[[StoredObject, Body], bool]) -> None:
        """Hand the output of an item to ``take``, which returns true.

        Raises:
            ResultCorrupt: it is not there any more.
            PermissionDenied: it may not be read.
            EndpointUnavailable: S3 could not be asked.
        """
        location = S3Location.parse(succeeded.output, field="output")
        configuration = self._configuration
        require_inside(location, bucket=configuration.bucket, prefix=configuration.prefixes.output, field="output")
        if not self._objects.get(location, take):
            raise ResultCorrupt(f"the output {location} of item {succeeded.item} is not there any more")


class DirectorySink:
    """A file for each item.

    Args:
        directory: Is made if it is not there; otherwise it must be empty or hold this batch's results already.
        batch_id: Whose results.
        fetcher: Reads outputs.
        now: Seconds since the epoch, by which to tell what a killed process left half written in it.

    Raises:
        InvalidRequest: it holds other things.
        OSError: it cannot be made, or read.
    """

    def __init__(self, directory: Path, batch_id: str, fetcher: Fetcher, *, now: float) -> None:
        self._directory = directory
        self._fetcher = fetcher
        directory.mkdir(parents=True, exist_ok=True)
        marker = directory / MARKER
        if not marker.exists():
            if any(directory.iterdir()):
                raise InvalidRequest(f"results: {directory} is not empty and not of this batch: pass another directory")
            with replacement(marker) as file:
                file.write(json.dumps({"batch_id": batch_id}).encode())
        elif _batch_id(marker) != batch_id:
            raise InvalidRequest(f"results: {directory} holds results of another batch: pass another directory")
        remove_abandoned(directory, now)
        self._claims: dict[str, int] | None = {} if ignores_case(marker) else None
        self._lock = Lock()

    def has(self, settled: Settled) -> bool:
        """Whether the file is there; it is whole if it is."""
        # A folder of that name is another item's. And not Path.is_file(), which raises if the path is too long.
        return any(os.path.isfile(path) for path in (self._path(settled), self._numbered(settled)))  # noqa: PTH113

    def deliver(self, settled: Settled) -> None:
        """Write the file, without holding it in memory."""
        try:
            self._write(settled, self._path(settled))
        except OSError as error:
            if error.errno not in _OF_ONE_PATH:
                raise
            self._write(settled, self._numbered(settled))

    def close(self) -> None:
        """Nothing is open."""

    def _write(self, settled: Settled, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(settled, Failed):
            with replacement(path) as file:
                file.write(json.dumps(failure_members(settled)).encode() + b"\n")
            return
        write = downloads.to_path(path)

        def take(stored: StoredObject, body: Body) -> bool:
            write(stored, body)
            return True

        self._fetcher.fetch(settled, take)

    def _path(self, settled: Settled) -> Path:
        # The journal is in a bucket that others can write to.
        path = self._directory / f"{check_name(settled.item, settled.name)}{_ending(settled)}"
        return path if self._claim(path, settled.item) else self._numbered(settled)

    def _claim(self, path: Path, item: int) -> bool:
        """Whether no other item has the path in another case, if that is the same here; who asks first has it."""
        if self._claims is None:
            return True
        with self._lock:
            return self._claims.setdefault(str(path).casefold(), item) == item

    def _numbered(self, settled: Settled) -> Path:
        last = os.fsencode(settled.name.rpartition("/")[2])[:_LONGEST_NUMBERED].decode(errors="ignore")
        return self._directory / f"{settled.item:08}-{last}{_ending(settled)}"


def failure_members(failed: Failed) -> dict[str, object]:
    """Return what both kinds of sinks say of a failure."""
    return {
        "item": failed.item,
        "name": failed.name,
        "status": "failed",
        "error": failed.error,
        "message": failed.message,
    }


def _ending(settled: Settled) -> str:
    if isinstance(settled, Failed):
        return ".error.json"
    plain = (settled.content_type or "").partition(";")[0].strip().lower()
    return _TYPES.guess_extension(plain) or ".out"


def _batch_id(marker: Path) -> object:
    try:
        return json.loads(marker.read_bytes())["batch_id"]
    except (KeyError, TypeError, ValueError):
        return None
