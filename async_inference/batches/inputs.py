"""The inputs of a batch as their caller passes them, and what each is called."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Final

from async_inference.exceptions import InvalidRequest
from async_inference.locations import S3Location
from async_inference.messages import shown

if TYPE_CHECKING:
    from async_inference.submitting.payloads import Payload

_LONGEST_SEGMENT: Final = 200
"""Bytes of a file's or folder's name: file systems have 255, and results add an ending."""

_LONGEST_NAME: Final = 1_000
_FAILURE: Final = ".error"
"""Between the name and ``.json`` in the name of the file that says why there is no result."""


@dataclass(frozen=True, slots=True)
class BatchItem:
    """One input of a batch, with a name of the caller's.

    Example:
        >>> BatchItem("invoices/0001", b"...", content_type="image/png").name
        'invoices/0001'
    """

    name: str
    """What its result is called: unique in the batch, up to 1,000 characters; slashes make folders."""

    payload: Payload
    """As for :meth:`~async_inference.AsyncEndpoint.submit`."""

    content_type: str | None = None
    """As for :meth:`~async_inference.AsyncEndpoint.submit`; by default that of the batch."""


class ItemNames:
    """Gives each item of a batch a name of its own, which can be part of a path."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def given(self, item: int, name: object) -> str:
        """Return the name that the caller chose.

        Raises:
            InvalidRequest: it cannot be the name of a file, or another item has it.
        """
        checked = check_name(item, name)
        if not self._claim(checked):
            raise _unusable(item, name, "another item has it, or one whose files would be called the same")
        return checked

    def found(self, item: int, payload: object) -> str:
        """Return a name after what the payload is called itself, with the item's number if that is not enough."""
        name = _own_name(payload)
        if name is None or _problem(name) is not None:
            name = f"{item:08}"
        if not self._claim(name):
            name = f"{item:08}-{name}"
            self._claim(name)
        return name

    def _claim(self, name: str) -> bool:
        names = {name, f"{name}{_FAILURE}"}
        if names & self._taken:
            return False
        self._taken |= names
        return True


def check_name(item: int, name: object) -> str:
    """Return a name that can be part of a path, and never leads out of the directory that it is appended to.

    Raises:
        InvalidRequest: it is none.
    """
    problem = _problem(name)
    if problem is not None:
        raise _unusable(item, name, problem)
    return str(name)


def _unusable(item: int, name: object, problem: str) -> InvalidRequest:
    return InvalidRequest(f"item {item}: the name {shown(name)} cannot be used: {problem}")


def _own_name(payload: object) -> str | None:
    if isinstance(payload, Path):
        return payload.name
    if isinstance(payload, S3Location):
        return PurePosixPath(payload.key).name
    return None


def _problem(name: object) -> str | None:
    """Return why a name cannot be part of a path everywhere, or ``None``."""
    if not isinstance(name, str) or not 0 < len(name) <= _LONGEST_NAME:
        return f"expected 1 to {_LONGEST_NAME:,} characters"
    segments = name.split("/")
    if {"", ".", ".."} & set(segments) or "\\" in name or any(ord(character) < ord(" ") for character in name):
        return "it has an empty or dotted segment, a backslash or a control character"
    try:
        longest = max(len(os.fsencode(segment)) for segment in segments)
    except UnicodeEncodeError:
        return "it has a character that is no Unicode"
    return f"a segment of it is longer than {_LONGEST_SEGMENT} bytes" if longest > _LONGEST_SEGMENT else None
