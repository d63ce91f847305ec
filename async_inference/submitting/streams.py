"""A caller's open file as something to send: read once, from where it stands, never beyond the largest payload."""

from __future__ import annotations

import zlib
from io import TextIOBase
from pathlib import Path
from typing import Final, Protocol, runtime_checkable

from async_inference.exceptions import InvalidRequest
from async_inference.limits import MAX_PAYLOAD_BYTES

_CHUNK_BYTES: Final = 1024 * 1024
"""Asked for at a time: Python's raw files set aside at once as many bytes as they are asked for."""


@runtime_checkable
class BinaryFile(Protocol):
    """A file object opened in binary mode; it need not be able to seek."""

    def read(self, size: int = -1, /) -> bytes:
        """Return up to ``size`` bytes, none at the end only."""
        ...  # pragma: no cover - a protocol


class Stream:
    """The rest of a file object.

    It is read in one pass, which uploads need: what S3 fails to take is repeated from memory. The file stays the
    caller's, who closes it.

    Args:
        file: Where to read.

    Raises:
        InvalidRequest: it was opened as text.
    """

    def __init__(self, file: BinaryFile) -> None:
        if isinstance(file, TextIOBase):
            raise _no_bytes(file)
        self._file: Final = file
        self._ahead = b""
        self._taken = 0

    def peek(self, size: int) -> bytes:
        """Return the next ``size`` bytes, fewer only at the end, and leave them to be read.

        Raises:
            InvalidRequest: as for :meth:`read`.
        """
        self._ahead += self._next(size - len(self._ahead))
        return self._ahead[:size]

    def read(self, size: int = -1, /) -> bytes:
        """Return the next ``size`` bytes, fewer only at the end, or all that is left.

        Raises:
            InvalidRequest: the file cannot be read, has no bytes but text, or is larger than a payload may be.
        """
        wanted = MAX_PAYLOAD_BYTES + 1 if size < 0 else size
        content, self._ahead = self._ahead[:wanted], self._ahead[wanted:]
        return content + self._next(wanted - len(content))

    def _next(self, size: int) -> bytes:
        """Fill up: a pipe or socket returns what it has, which the upload would take for the end."""
        chunks: list[bytes] = []
        while size > 0 and (chunk := self._chunk(size)):
            chunks.append(chunk)
            size -= len(chunk)
        return b"".join(chunks)

    def _chunk(self, size: int) -> bytes:
        try:
            chunk = self._file.read(min(size, _CHUNK_BYTES))
        except (OSError, ValueError, EOFError, zlib.error) as error:  # it is closed, or compressed and damaged
            raise unreadable(self._file, error) from error
        if not isinstance(chunk, bytes | bytearray | memoryview):
            raise _no_bytes(self._file)
        self._taken += len(chunk)
        if self._taken > MAX_PAYLOAD_BYTES:
            raise InvalidRequest(f"payload: has more than the {MAX_PAYLOAD_BYTES:,} bytes that are allowed")
        return bytes(chunk)


def unreadable(source: object, error: Exception) -> InvalidRequest:
    """Return what to raise where reading a file, or a file object, raised ``error``."""
    name = source if isinstance(source, Path) else f"the {type(source).__name__}"
    return InvalidRequest(f"payload: cannot read {name}: {getattr(error, 'strerror', None) or error}")


def _no_bytes(file: object) -> InvalidRequest:
    return InvalidRequest(
        f"payload: a {type(file).__name__} that does not read bytes, expected a blocking file in binary mode, "
        'as open(path, "rb") returns it'
    )
