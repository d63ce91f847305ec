"""How long a batch bears that submitting fails: slower and slower, and not for ever."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from async_inference import backoff

if TYPE_CHECKING:
    from async_inference.clock import Clock
    from async_inference.retrying import RetryPolicy


class Patience:
    """The pauses of a batch between submissions that fail in a way that may pass.

    Args:
        policy: Pauses with full jitter, and the budget: how long there may be failures without a success between.
        clock: Time and chance.
    """

    def __init__(self, policy: RetryPolicy, clock: Clock) -> None:
        self._policy = policy
        self._clock = clock
        self.succeeded()

    def succeeded(self) -> None:
        """Start anew."""
        policy = self._policy
        self._pauses = backoff.growing(policy.initial_seconds, policy.factor, policy.maximum_seconds)
        self._failing_since = math.inf
        self.until = -math.inf
        """The moment of the monotonic clock before which nothing should be submitted."""

    def failed(self) -> bool:
        """Wait longer; whether the budget lasts."""
        now = self._clock.monotonic()
        self._failing_since = min(self._failing_since, now)
        self.until = now + next(self._pauses) * self._clock.random()
        return self.until < self._failing_since + self._policy.budget_seconds
