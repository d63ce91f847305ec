"""Writing an output to a file, piece by piece, so that its size does not matter.

A connection may break in the middle of a gigabyte. The download then starts over, and what was written is taken back:
what is there in the end came in one response, and is as long as S3 said. botocore also compares it with S3's checksum
where the object has one of its whole content; one that was uploaded in parts may have none, and then TLS alone vouches.
"""

from __future__ import annotations

from io import RawIOBase, TextIOBase
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

from botocore.exceptions import BotoCoreError

from async_inference.exceptions import EndpointUnavailable, InvalidRequest
from async_inference.files import replacement

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import BinaryIO

    from async_inference.storage import Body, StoredObject

Write: TypeAlias = "Callable[[StoredObject, Body], None]"

_CHUNK_BYTES: Final = 1024 * 1024


def writer(to: Path | BinaryIO) -> Write:
    """Return what writes an object to ``to``, and may be called again after a failure of S3's.

    Raises:
        InvalidRequest: ``to`` is nothing that can be written to.
    """
    if isinstance(to, Path):
        if to.is_dir():
            raise InvalidRequest(f"to: {to} is a directory, expected the path of a file")
        if not to.parent.is_dir():
            raise InvalidRequest(f"to: there is no directory {to.parent}")
        return to_path(to)
    _require_binary(to)
    return _to_file(to)


def _require_binary(file: object) -> None:
    # A mistake is better told before an hour of waiting than after.
    writable = getattr(file, "writable", None)
    if isinstance(file, TextIOBase) or writable is None or not writable():
        raise InvalidRequest(
            f"to: got {type(file).__name__}, expected a Path, or a file opened for writing in binary mode"
        )


def to_path(path: Path) -> Write:
    """Return what writes an object to the file ``path``, once all of it is there."""

    def write(_: StoredObject, body: Body) -> None:
        with replacement(path) as file:
            _copy(body, file)

    return write


def _to_file(file: BinaryIO) -> Write:
    start = file.tell() if file.seekable() else None

    def write(stored: StoredObject, body: Body) -> None:
        try:
            _copy(body, file)
        except BotoCoreError as error:
            if not _set_back(file, start):
                raise EndpointUnavailable(
                    f"reading {stored.location} broke off, and the {type(file).__name__} that it is written to "
                    "cannot be set back to start over"
                ) from error
            raise

    return write


def _copy(body: Body, file: BinaryIO) -> None:
    while content := body.read(_CHUNK_BYTES):
        left = memoryview(content)
        while left:  # a raw file need not take all at once
            left = left[_taken(file, file.write(left), len(left)) :]


def _taken(file: object, said: int | None, size: int) -> int:
    """Return how many of ``size`` bytes a file took, of which it ``said`` how many, or nothing."""
    if said is not None:
        return said
    if isinstance(file, RawIOBase):  # with which that means that it would have had to wait
        raise InvalidRequest(f"to: the {type(file).__name__} takes nothing for now, expected a blocking file")
    return size


def _set_back(file: BinaryIO, start: int | None) -> bool:
    """Take back what was written, if that is possible."""
    if start is None:
        return False
    try:
        file.seek(start)
        file.truncate()
    except OSError:  # of a compressing file, for example
        return False
    return True
