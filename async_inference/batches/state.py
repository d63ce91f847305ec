"""What a batch has come to, and what may be done next: pure, made of the events of its journal and of nothing else.

Of each item, at any moment, one of these is true::

    untouched ──▶ on its way ──▶ settled        on its way: an attempt is open (intended, outcome of its submission not
                   │      ▲        ▲                        recorded), accepted, or unknown under on_unknown="wait"
                   ▼      │        │            pending:    the last attempt was refused, expired, or is unknown under
                  pending ┘────────┘                        on_unknown="resubmit"

At most one attempt of an item is open or accepted at a time, so a failure of that one is the item's; only unknown
attempts may exist beside it. They are a bonus: a result of theirs settles the item, that they show nothing does not.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING

from async_inference.batches.events import Accepted, Ended, Event, Failed, Intended, Refused, Succeeded, Unknown
from async_inference.exceptions import InvalidRequest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from async_inference.batches.options import OnUnknown

_UNSETTLED, _SUCCEEDED, _FAILED = 0, 1, 2


@dataclass(slots=True)
class _Track:
    """What is known of an item that was touched and is not settled, or whose submission is still open."""

    last: int = 0
    """The number of its latest attempt."""

    open: int | None = None
    accepted: Accepted | None = None
    unknown: dict[int, Unknown] = field(default_factory=dict)
    sent: int = 0
    """Attempts that arrived or may have."""

    accepted_ever: int = 0


class State:
    """A batch's state machine.

    Args:
        items: How many there are; they are numbered from 0.
        on_unknown: See :class:`~async_inference.batches.options.Options`.
        max_attempts: Likewise.
    """

    def __init__(self, items: int, *, on_unknown: OnUnknown, max_attempts: int) -> None:
        self.items = items
        self.succeeded = 0
        self.failed = 0
        self.submissions = 0
        self.unknown = 0
        self.resubmitted = 0
        self._waits = on_unknown == "wait"
        self._max_attempts = max_attempts
        self._status = bytearray(items)
        self._tracks: dict[int, _Track] = {}
        self._pending: dict[int, None] = {}
        self._on_its_way: set[int] = set()
        self._untouched_from = 0

    @property
    def on_its_way(self) -> int:
        """How many items are submitted, or being submitted, and unfinished."""
        return len(self._on_its_way)

    @property
    def is_finished(self) -> bool:
        """Whether every item is settled."""
        return self.succeeded + self.failed == self.items

    def is_settled(self, item: int) -> bool:
        """Whether the item has its one result or failure."""
        return self._status[item] != _UNSETTLED

    def candidates(self, limit: int) -> Iterator[Intended]:
        """Yield the next attempts that may be submitted, at most ``limit``; pending items come first."""
        pending = list(islice(self._pending, max(0, limit)))
        yield from (Intended(item, self._tracks[item].last + 1) for item in pending)
        untouched = range(self._untouched_from, min(self.items, self._untouched_from + limit - len(pending)))
        yield from (Intended(item, 1) for item in untouched)

    def open_attempts(self) -> list[Intended]:
        """Return the attempts that were to be submitted and of which nothing else is recorded."""
        return [Intended(item, track.open) for item, track in self._tracks.items() if track.open is not None]

    def outstanding(self) -> list[Accepted | Unknown]:
        """Return the attempts of which a result may still come, and matters; by item."""
        attempts = [
            attempt
            for item, track in self._tracks.items()
            if not self.is_settled(item)
            for attempt in (*track.unknown.values(), track.accepted)
            if attempt is not None
        ]
        return sorted(attempts, key=lambda attempt: (attempt.item, attempt.attempt))

    def judge(self, failed: Failed) -> Ended | Failed | None:
        """Decide what the failure of an attempt means.

        Returns:
            ``failed`` itself if it settles the item, :class:`Ended` if only the attempt is over, ``None`` if it does
            not matter any more.
        """
        track = self._tracks.get(failed.item)
        if track is None or self.is_settled(failed.item):
            return None
        if failed.attempt in track.unknown:
            return Ended(failed.item, failed.attempt)
        if track.accepted is None or track.accepted.attempt != failed.attempt:
            return None
        may_repeat = failed.error == "RequestExpired" and track.accepted_ever < self._max_attempts
        return Ended(failed.item, failed.attempt) if may_repeat else failed

    def apply(self, event: Event) -> None:
        """Take up what happened.

        Raises:
            InvalidRequest: it cannot have happened after all that was applied before.
        """
        if not 0 <= event.item < self.items:
            raise _impossible(event)
        track = self._tracks.setdefault(event.item, _Track())
        self._untouched_from = max(self._untouched_from, event.item + 1)
        match event:
            case Intended():
                self._intend(track, event)
            case Accepted() | Refused() | Unknown():
                self._close(track, event)
            case Ended():
                track.unknown.pop(event.attempt, None)
                if track.accepted is not None and track.accepted.attempt == event.attempt:
                    track.accepted = None
            case Succeeded() | Failed():
                self._settle(event)
        self._place(event.item, track)

    def _intend(self, track: _Track, event: Intended) -> None:
        if self.is_settled(event.item) or track.open is not None or track.accepted or event.attempt <= track.last:
            raise _impossible(event)
        track.open = track.last = event.attempt

    def _close(self, track: _Track, event: Accepted | Refused | Unknown) -> None:
        if track.open != event.attempt:
            raise _impossible(event)
        track.open = None
        if isinstance(event, Refused):
            return
        self.submissions += 1
        self.resubmitted += track.sent > 0
        track.sent += 1
        if isinstance(event, Accepted):
            track.accepted = event
            track.accepted_ever += 1
        else:
            track.unknown[event.attempt] = event
            self.unknown += 1

    def _settle(self, event: Succeeded | Failed) -> None:
        if self.is_settled(event.item):
            raise _impossible(event)
        succeeded = isinstance(event, Succeeded)
        self._status[event.item] = _SUCCEEDED if succeeded else _FAILED
        self.succeeded += succeeded
        self.failed += not succeeded

    def _place(self, item: int, track: _Track) -> None:
        """Keep what is asked for often up to date: which items are on their way, which are pending."""
        settled = self.is_settled(item)
        under_way = track.open is not None or track.accepted is not None or (self._waits and bool(track.unknown))
        if not settled and under_way:
            self._on_its_way.add(item)
        else:
            self._on_its_way.discard(item)
        if settled or under_way:
            self._pending.pop(item, None)
        else:
            self._pending[item] = None
        if settled and track.open is None:
            del self._tracks[item]


def _impossible(event: Event) -> InvalidRequest:
    kind = type(event).__name__.lower()
    return InvalidRequest(f"item {event.item}, attempt {event.attempt}: cannot be {kind} after what came before it")
