"""What a caller may send, turned into what SageMaker takes: bytes, a file to upload, or a place in S3."""

from __future__ import annotations

import json
import mimetypes
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

from async_inference.exceptions import InvalidRequest
from async_inference.limits import MAX_INLINE_BYTES, MAX_PAYLOAD_BYTES
from async_inference.locations import S3Location

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

JSON: TypeAlias = "Mapping[str, JSON] | Sequence[JSON] | str | int | float | bool | None"
"""A value that :func:`json.dumps` can write."""

Payload: TypeAlias = "bytes | bytearray | memoryview | str | Path | S3Location | JSON"
"""What :meth:`~async_inference.AsyncEndpoint.submit` takes; see there."""

BINARY: Final = "application/octet-stream"
TEXT: Final = "text/plain; charset=utf-8"
JSON_TYPE: Final = "application/json"

_TYPES: Final = mimetypes.MimeTypes()
"""Python's own table: the machine's would make the type of a file depend on where it is sent from."""


@dataclass(frozen=True, slots=True)
class PreparedPayload:
    """A payload that is ready to be sent."""

    source: bytes | Path | S3Location
    """The bytes themselves, the file that holds them, or the object."""

    size: int | None
    """In bytes; ``None`` for an object in S3, which SageMaker itself checks."""

    content_type: str | None
    """What it is if the caller does not say; ``None`` where that cannot be known."""

    def inline(self) -> bytes | None:
        """Return the content if it may travel in the request itself."""
        if isinstance(self.source, S3Location) or self.size is None or self.size > MAX_INLINE_BYTES:
            return None
        content = self.source.read_bytes() if isinstance(self.source, Path) else self.source
        return content if len(content) <= MAX_INLINE_BYTES else None  # a file may have grown


def prepare(payload: Payload) -> PreparedPayload:
    """Encode ``payload`` and check its size; files are not read.

    Raises:
        InvalidRequest: it is empty, too large, unreadable or cannot be encoded.
    """
    if isinstance(payload, S3Location):
        return PreparedPayload(payload, None, None)
    if isinstance(payload, Path):
        prepared = PreparedPayload(payload, _file_size(payload), _TYPES.guess_type(payload.name)[0] or BINARY)
    else:
        content, content_type = _encode(payload)
        prepared = PreparedPayload(content, len(content), content_type)
    if not prepared.size:
        raise InvalidRequest("payload: is empty, expected at least 1 byte")
    if prepared.size > MAX_PAYLOAD_BYTES:
        raise InvalidRequest(f"payload: has {prepared.size:,} bytes, at most {MAX_PAYLOAD_BYTES:,} are allowed")
    return prepared


def _encode(payload: bytes | bytearray | memoryview | JSON) -> tuple[bytes, str]:
    if payload is None:
        raise InvalidRequest("payload: is None, expected bytes, text, a JSON-able object, a Path or an S3Location")
    if isinstance(payload, bytes | bytearray | memoryview):
        return bytes(payload), BINARY
    if isinstance(payload, str):
        return _encode_text(payload), TEXT
    try:
        return json.dumps(payload, ensure_ascii=False, allow_nan=False).encode(), JSON_TYPE
    except (TypeError, ValueError, RecursionError):
        # The error's own words may quote the payload, which neither a message nor a traceback must.
        raise InvalidRequest(f"payload: a {type(payload).__name__} that cannot be written as JSON") from None


def _encode_text(payload: str) -> bytes:
    if payload.startswith("s3://"):
        raise InvalidRequest(
            "payload: a text that starts with s3:// is ambiguous: pass S3Location.parse(text) for the object that lies "
            "there, or text.encode() for the text itself"
        )
    try:
        return payload.encode()
    except UnicodeEncodeError as error:
        raise InvalidRequest(f"payload: a text that is not valid Unicode at position {error.start}") from None


def _file_size(path: Path) -> int:
    try:
        with path.open("rb"):  # whether it can be read is better known now than in the middle of an upload
            return path.stat().st_size
    except OSError as error:
        raise InvalidRequest(f"payload: cannot read {path}: {error.strerror}") from error
