"""Polling: asking again because the answer is not there yet.

That the question itself fails is another matter, with another policy: see :mod:`async_inference.retrying`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from async_inference import backoff

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from async_inference.clock import Clock

Answer = TypeVar("Answer")


@dataclass(frozen=True, kw_only=True, slots=True)
class PollingPolicy:
    """How often to ask for a result, at intervals that grow: short jobs are noticed soon, long ones cost little.

    Each interval is drawn from its upper half. Full jitter would ask twice in a row for nothing; none would keep the
    pollers of a batch in step.

    Raises:
        ConfigurationError: a value is out of its bounds.
    """

    initial_seconds: float = 5.0
    """The longest first interval; more than 0."""

    factor: float = 1.5
    """How much longer each next interval may be; at least 1."""

    maximum_seconds: float = 30.0
    """The longest interval; at least ``initial_seconds``."""

    def __post_init__(self) -> None:
        backoff.check(
            "polling", initial_seconds=self.initial_seconds, factor=self.factor, maximum_seconds=self.maximum_seconds
        )

    def intervals(self, random: Callable[[], float]) -> Iterator[float]:
        """Yield seconds to wait between one question and the next, for ever."""
        for longest in backoff.growing(self.initial_seconds, self.factor, self.maximum_seconds):
            yield longest * (0.5 + random() / 2)


def wait(ask: Callable[[], Answer | None], *, until: float, policy: PollingPolicy, clock: Clock) -> Answer | None:
    """Ask until there is an answer, at most until ``until``, and return it.

    The last question is asked at or after ``until``, so an answer that came in the last interval is not missed.

    Args:
        ask: Returns ``None`` as long as there is no answer.
        until: Seconds since the epoch; a moment that has passed means to ask once.
        policy: The intervals between questions.
        clock: Time and chance.

    Returns:
        The answer, or ``None`` if there was none in time.
    """
    for interval in policy.intervals(clock.random):
        asked_at = clock.now()
        answer = ask()
        if answer is not None or asked_at >= until:
            return answer
        clock.sleep(max(0.0, min(interval, until - clock.now())))
    raise AssertionError("unreachable")  # pragma: no cover - the intervals never end
