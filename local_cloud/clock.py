"""Simulated time: a cold start of minutes and a rest of an hour pass in seconds, all at one rate."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class SimulatedClock:
    """A clock on which ``scale`` seconds pass per real second, starting at the real present.

    Args:
        scale: simulated seconds per real second; positive.
        start: the first moment, in seconds since the epoch.
        monotonic: real seconds from any origin.
    """

    def __init__(
        self, scale: float = 1.0, *, start: float | None = None, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self.scale = scale
        self._monotonic = monotonic
        self._start = time.time() if start is None else start
        self._origin = monotonic()

    def now(self) -> float:
        """Return the simulated moment in seconds since the epoch."""
        return self._start + (self._monotonic() - self._origin) * self.scale

    def real_seconds(self, simulated: float) -> float:
        """Return how many real seconds ``simulated`` seconds take."""
        return simulated / self.scale

    async def sleep(self, simulated: float) -> None:
        """Wait for ``simulated`` seconds."""
        await asyncio.sleep(self.real_seconds(simulated))

    async def sleep_until(self, moment: float) -> None:
        """Wait until the clock shows ``moment``; not at all if that is past."""
        await self.sleep(max(0.0, moment - self.now()))


def iso_timestamp(moment: float) -> str:
    """Return ``moment`` (seconds since the epoch) as AWS writes it: UTC with milliseconds and a ``Z``."""
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
