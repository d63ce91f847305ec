"""What outputs are called: names of our choosing, so that jobs that are waited for together lie together.

SageMaker would call each output by a random name, in one folder that all callers share. By ``S3OutputPathExtension``
and ``Filename`` the outputs of one endpoint object lie in a folder of their own, in the order of submission, so that
one LIST of S3 tells of a thousand of them. What the service returns is still what counts: names are never deduced.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Final
from uuid import uuid4

from async_inference.exceptions import InvalidRequest
from async_inference.limits import FILENAME_LENGTH, FILENAME_PATTERN, OUTPUT_EXTENSION_LENGTH, OUTPUT_EXTENSION_PATTERN
from async_inference.submitting.requests import check_text

_MILLISECONDS_DIGITS: Final = 12
"""Hexadecimal, enough until the year 10889."""


@dataclass(frozen=True, slots=True)
class OutputName:
    """Where below the endpoint's output path the output of one request goes.

    Two requests of the same name overwrite each other, as far as is known: never use one twice.

    Args:
        extension: Folder below the output path, up to 512 letters, digits and ``!_.*'()/-``, without a slash at either
            end.
        filename: Name of the object, up to 32 letters, digits, ``-`` and ``_``, with at most one dot.

    Raises:
        InvalidRequest: one of them is out of its bounds.

    Example:
        >>> OutputName("batches/b-1", "00000042-001").filename
        '00000042-001'
    """

    extension: str
    filename: str

    def __post_init__(self) -> None:
        check_text(
            "output_name.extension",
            self.extension,
            OUTPUT_EXTENSION_LENGTH,
            OUTPUT_EXTENSION_PATTERN,
            fault="has characters other than letters, digits and !_.*'()/-",
        )
        check_text(
            "output_name.filename",
            self.filename,
            FILENAME_LENGTH,
            FILENAME_PATTERN,
            fault="has characters other than letters, digits, -, _ and one dot, or starts with none of the first two",
        )
        # Nobody says how SageMaker joins these, and HTTP libraries resolve dots.
        if {"", ".", ".."} & set(self.extension.split("/")):
            raise InvalidRequest("output_name.extension: has an empty segment, or one of dots only")

    def parameters(self) -> dict[str, str]:
        """Return the parameters of ``InvokeEndpointAsync``."""
        return {"S3OutputPathExtension": self.extension, "Filename": self.filename}


class OutputNames:
    """Names for the requests of one endpoint object: a folder of their own, and in it the order of submission."""

    def __init__(self) -> None:
        self._extension = uuid4().hex

    def new(self, now: float) -> OutputName:
        """Return a name that nobody else has; ``now`` is wall time, which orders the names and does no more."""
        milliseconds = f"{int(now * 1_000):0{_MILLISECONDS_DIGITS}x}"[-_MILLISECONDS_DIGITS:]
        return OutputName(self._extension, milliseconds + secrets.token_hex((32 - _MILLISECONDS_DIGITS) // 2))
