"""What can happen to an item of a batch: the lines of its journal.

Each line is a JSON object whose ``event`` is the name of a class below in lower case, and whose other members are the
fields of that class. Moments are seconds since the epoch; places are ``s3://`` URIs.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from async_inference.exceptions import InvalidRequest
from async_inference.messages import shown

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Intended:
    """The attempt is about to be submitted: from now on it may arrive."""

    item: int
    attempt: int


@dataclass(frozen=True, slots=True)
class Accepted:
    """SageMaker has the attempt and said where its outcome will be."""

    item: int
    attempt: int
    output: str
    failure: str | None
    at: float


@dataclass(frozen=True, slots=True)
class Refused:
    """The attempt certainly did not arrive, and never will."""

    item: int
    attempt: int


@dataclass(frozen=True, slots=True)
class Unknown:
    """Nobody can say whether the attempt arrived."""

    item: int
    attempt: int
    at: float


@dataclass(frozen=True, slots=True)
class Ended:
    """Nothing can come of the attempt any more, and the item is not settled by that."""

    item: int
    attempt: int


@dataclass(frozen=True, slots=True)
class Succeeded:
    """The item is settled: its result lies at ``output``."""

    item: int
    attempt: int
    name: str
    output: str
    content_type: str | None


@dataclass(frozen=True, slots=True)
class Failed:
    """The item is settled: it has no result; ``error`` is the name of the exception that says why."""

    item: int
    attempt: int
    """0 if it was never submitted."""

    name: str
    error: str
    message: str


Settled: TypeAlias = Succeeded | Failed
Event: TypeAlias = Intended | Accepted | Refused | Unknown | Ended | Succeeded | Failed

_EVENTS: Final[Mapping[str, type[Event]]] = {
    kind.__name__.lower(): kind for kind in (Intended, Accepted, Refused, Unknown, Ended, Succeeded, Failed)
}


def to_line(event: Event) -> str:
    """Return the event as one line of JSON."""
    # Not asdict(), which copies deeply: there may be millions of events.
    members = {name: getattr(event, name) for name in event.__slots__}
    return json.dumps({"event": type(event).__name__.lower()} | members)


def from_line(line: bytes) -> Event:
    """Read what :func:`to_line` wrote.

    Raises:
        InvalidRequest: it is something else.
    """
    try:
        members = json.loads(line)
        return _EVENTS[members.pop("event")](**members)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise InvalidRequest(f"{shown(line.decode(errors='replace'))} is no event that this version knows") from error
