"""How many calls are taken in a second, in real time: clients ask in real time."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable


class RateLimit:
    """A bucket of tokens for each caller: a second's worth at the start, and never more.

    Args:
        per_second: calls in a second.
        monotonic: real seconds from any origin.
    """

    def __init__(self, per_second: float, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._per_second = per_second
        self._monotonic = monotonic
        self._buckets: dict[Hashable, tuple[float, float]] = {}

    def takes(self, caller: Hashable) -> bool:
        """Return whether one more call of ``caller`` is taken now."""
        now = self._monotonic()
        tokens, since = self._buckets.get(caller, (self._per_second, now))
        tokens = min(self._per_second, tokens + (now - since) * self._per_second)
        self._buckets[caller] = (tokens - 1.0 if tokens >= 1.0 else tokens, now)
        return tokens >= 1.0
