"""What a caller may send, turned into what SageMaker takes: bytes, a file or stream to upload, or a place in S3."""

from __future__ import annotations

import json
import mimetypes
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

from async_inference.exceptions import InvalidRequest
from async_inference.limits import MAX_INLINE_BYTES, MAX_PAYLOAD_BYTES
from async_inference.locations import S3Location
from async_inference.submitting.streams import BinaryFile, Stream, unreadable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

JSON: TypeAlias = "Mapping[str, JSON] | Sequence[JSON] | str | int | float | bool | None"
"""A value that :func:`json.dumps` can write."""

Payload: TypeAlias = "bytes | bytearray | memoryview | str | Path | BinaryFile | S3Location | JSON"
"""What :meth:`~async_inference.AsyncEndpoint.submit` takes; see there."""

BINARY: Final = "application/octet-stream"
TEXT: Final = "text/plain; charset=utf-8"
JSON_TYPE: Final = "application/json"

_SCHEME: Final = "s3://"
_TYPES: Final = mimetypes.MimeTypes()
"""Python's own table: the machine's would make the type of a file depend on where it is sent from."""


@dataclass(frozen=True, slots=True)
class PreparedPayload:
    """A payload that is ready to be sent."""

    source: bytes | Path | Stream | S3Location
    """The bytes themselves, the file or stream that holds them, or the object."""

    size: int | None
    """In bytes; ``None`` for a stream, of which it is not known yet but more than fits into a request, and for an
    object in S3, which SageMaker itself checks."""

    content_type: str | None
    """What it is if the caller does not say; ``None`` where that cannot be known."""

    def inline(self) -> bytes | None:
        """Return the content if it may travel in the request itself.

        Raises:
            InvalidRequest: the file can no longer be read.
        """
        if isinstance(self.source, Stream | S3Location) or self.size is None or self.size > MAX_INLINE_BYTES:
            return None
        content = _read(self.source) if isinstance(self.source, Path) else self.source
        return content if len(content) <= MAX_INLINE_BYTES else None  # a file may have grown


def prepare(payload: Payload) -> PreparedPayload:
    """Encode ``payload`` and check its size; of a file object no more is read than tells whether it fits a request.

    Raises:
        InvalidRequest: it is empty, too large, unreadable or cannot be encoded.
    """
    prepared = _prepare(payload)
    if prepared.size == 0:
        raise InvalidRequest("payload: is empty, expected at least 1 byte")
    if prepared.size is not None and prepared.size > MAX_PAYLOAD_BYTES:
        raise InvalidRequest(f"payload: has {prepared.size:,} bytes, at most {MAX_PAYLOAD_BYTES:,} are allowed")
    return prepared


def _prepare(payload: Payload) -> PreparedPayload:
    if isinstance(payload, str) and payload.startswith(_SCHEME):
        return PreparedPayload(_location(payload), None, None)
    if isinstance(payload, S3Location):
        return PreparedPayload(payload, None, None)
    if isinstance(payload, Path):
        return PreparedPayload(payload, _file_size(payload), _type_by_name(payload.name))
    if isinstance(payload, BinaryFile):
        return _prepare_stream(payload)
    content, content_type = _encode(payload)
    return PreparedPayload(content, len(content), content_type)


def _prepare_stream(file: BinaryFile) -> PreparedPayload:
    stream = Stream(file)
    content_type = _type_by_name(getattr(file, "name", None))
    content = stream.peek(MAX_INLINE_BYTES + 1)
    if len(content) > MAX_INLINE_BYTES:
        return PreparedPayload(stream, None, content_type)
    return PreparedPayload(content, len(content), content_type)


def _type_by_name(name: object) -> str:
    # The name of a file object may be a descriptor's number.
    return (_TYPES.guess_type(name)[0] if isinstance(name, str) else None) or BINARY


def _encode(payload: bytes | bytearray | memoryview | JSON) -> tuple[bytes, str]:
    if payload is None:
        raise InvalidRequest(
            "payload: is None, expected bytes, text, a JSON-able object, a Path, a binary file object or an S3Location"
        )
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
    try:
        return payload.encode()
    except UnicodeEncodeError as error:
        raise InvalidRequest(f"payload: a text that is not valid Unicode at position {error.start}") from None


def _location(payload: str) -> S3Location:
    """Read a text that can only be meant as an object's name, unless somebody else wrote it."""
    try:
        return S3Location.parse(payload)
    except InvalidRequest:
        raise InvalidRequest(
            "payload: a text that starts with s3:// but is not s3://bucket/key: "
            "correct it for the object that lies there, or pass text.encode() for the text itself"
        ) from None


def _file_size(path: Path) -> int:
    try:
        with path.open("rb"):  # whether it can be read is better known now than in the middle of an upload
            return path.stat().st_size
    except OSError as error:
        raise unreadable(path, error) from error


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise unreadable(path, error) from error
