"""Retrying: asking again because the question failed.

Only what may pass by itself is asked again: throttling, server errors, timeouts, connections. botocore's own retries
are off in the clients that this is used with (see :mod:`async_inference.clients`), so the two never multiply.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from async_inference import backoff
from async_inference.exceptions import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable

    from async_inference.clock import Clock

Answer = TypeVar("Answer")


@dataclass(frozen=True, kw_only=True, slots=True)
class RetryPolicy:
    """How patiently to repeat a question that failed: exponential back-off with full jitter, within a budget of time.

    Raises:
        ConfigurationError: a value is out of its bounds.

    Example:
        >>> endpoint = AsyncEndpoint(configuration, retry=RetryPolicy(budget_seconds=0))    # never ask twice
    """

    initial_seconds: float = 0.5
    """The longest first pause; more than 0."""

    factor: float = 2.0
    """How much longer each next pause may be; at least 1."""

    maximum_seconds: float = 20.0
    """The longest pause; at least ``initial_seconds``."""

    budget_seconds: float = 120.0
    """How long one question may go on failing, from its first failure on: a download that broke off after an hour
    deserves another. 0 means that it is never repeated."""

    def __post_init__(self) -> None:
        backoff.check(
            "retry", initial_seconds=self.initial_seconds, factor=self.factor, maximum_seconds=self.maximum_seconds
        )
        if not 0 <= self.budget_seconds < math.inf:
            raise ConfigurationError(f"retry: budget_seconds is {self.budget_seconds}, expected at least 0")


def call(
    question: Callable[[], Answer],
    *,
    may_repeat: Callable[[Exception], bool],
    policy: RetryPolicy,
    clock: Clock,
    until: float = math.inf,
) -> Answer:
    """Return what ``question`` returns, asking again as long as it fails in a way that may pass.

    Args:
        question: A call to AWS.
        may_repeat: Whether a failure may pass by itself, and repeating does no harm.
        policy: Pauses and budget.
        clock: Time and chance.
        until: No pause goes beyond this moment of the monotonic clock.

    Raises:
        BotoCoreError: the last failure, as botocore raised it.
        ClientError: likewise.
    """
    give_up_at: float | None = None
    for longest in backoff.growing(policy.initial_seconds, policy.factor, policy.maximum_seconds):
        try:
            return question()
        except (BotoCoreError, ClientError) as error:
            failed_at, pause = clock.monotonic(), longest * clock.random()
            if give_up_at is None:
                give_up_at = min(failed_at + policy.budget_seconds, until)
            if not may_repeat(error) or failed_at + pause >= give_up_at:
                raise
        clock.sleep(pause)
    raise AssertionError("unreachable")  # pragma: no cover - the pauses never end
