"""Where an object lies in S3, and whether that is where it should."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from async_inference.exceptions import InvalidRequest
from async_inference.messages import shown

_URI: Final = re.compile(r"s3://(?P<bucket>[a-z0-9][a-z0-9.-]{1,61}[a-z0-9])/(?P<key>.+)", re.DOTALL)
_MAX_KEY_BYTES: Final = 1_024
"""The longest key that S3 has, encoded."""


@dataclass(frozen=True, slots=True)
class S3Location:
    """An object in S3.

    It is a type of its own, so that a payload that lies in S3 is never confused with a text that is the payload.

    Example:
        >>> location = S3Location.parse("s3://my-bucket/input/page.png")
        >>> location.bucket, location.key
        ('my-bucket', 'input/page.png')
        >>> str(location)
        's3://my-bucket/input/page.png'
    """

    bucket: str
    key: str

    @classmethod
    def parse(cls, uri: object, *, field: str = "location") -> S3Location:
        """Read ``s3://bucket/key``.

        Args:
            uri: The text to read.
            field: What to call it in the error.

        Raises:
            InvalidRequest: it is no such text.
        """
        match = _URI.fullmatch(uri) if isinstance(uri, str) else None
        if match is None:
            raise InvalidRequest(f"{field}: got {shown(uri)}, expected a string like s3://bucket/key")
        if _encoded_length(match["key"], field) > _MAX_KEY_BYTES:
            raise InvalidRequest(f"{field}: the key is longer than the {_MAX_KEY_BYTES} bytes that S3 allows")
        return cls(match["bucket"], match["key"])

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.key}"


def require_inside(location: S3Location, *, bucket: str, prefix: str, field: str) -> None:
    """Refuse an object that does not lie below ``prefix`` of ``bucket``.

    Segments that HTTP libraries resolve, such as ``..``, are refused too: what is asked for must be what was checked.

    Raises:
        InvalidRequest: it lies elsewhere; the message names ``field``.
    """
    inside = location.bucket == bucket and location.key.startswith(prefix) and location.key != prefix
    if not inside or {".", ".."} & set(location.key.split("/")):
        raise InvalidRequest(
            f"{field}: {shown(str(location))} is not an object below s3://{bucket}/{prefix}, where this endpoint has it"
        )


def _encoded_length(key: str, field: str) -> int:
    try:
        return len(key.encode())
    except UnicodeEncodeError as error:
        raise InvalidRequest(f"{field}: the key is not valid Unicode") from error
