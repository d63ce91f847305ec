"""How fast work goes, and how long the rest will take."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Final

_REMEMBERED: Final = 50
"""Moments on which the rate rests: enough to be steady, few enough to forget the cold start."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Counts:
    """Where the items of some work are."""

    total: int
    submitted: int = 0
    """Requests so far, those that were repeated included."""

    running: int = 0
    """Items that are submitted and have not ended: queued, or being worked on."""

    succeeded: int = 0
    failed: int = 0

    @property
    def finished(self) -> int:
        """Those that need no more work."""
        return self.succeeded + self.failed


class Pace:
    """Items that finish in a second, by the last of them.

    Args:
        now: The moment at which the work starts.
        finished: Items that were finished before.
    """

    def __init__(self, now: float, finished: int = 0) -> None:
        self._moments = deque([(now, finished)], maxlen=_REMEMBERED)

    def note(self, now: float, finished: int) -> None:
        """Take down how many items have finished until ``now``."""
        if finished > self._moments[-1][1]:
            self._moments.append((now, finished))

    def rate(self, now: float) -> float | None:
        """Return items per second; ``None`` before the first has finished."""
        (since, before), (_, finished) = self._moments[0], self._moments[-1]
        # Measured up to now, and not to the last item, so that the rate falls while nothing finishes.
        return (finished - before) / (now - since) if finished > before and now > since else None

    def remaining_seconds(self, now: float, counts: Counts) -> float | None:
        """Return how long the rest takes at this rate; ``None`` if that cannot be said."""
        rate = self.rate(now)
        return (counts.total - counts.finished) / rate if rate else None
