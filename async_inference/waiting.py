"""Polling: asking again because the answer is not there yet.

That the question itself fails is another matter, with another policy: see :mod:`async_inference.retrying`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar

from async_inference import backoff
from async_inference.exceptions import InvalidRequest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from async_inference.clock import Clock

Answer = TypeVar("Answer")

_EXPECTED: Final = "expected seconds, or None for no bound"


@dataclass(frozen=True, kw_only=True, slots=True)
class PollingPolicy:
    """How often to ask for a result, at intervals that grow: short jobs are noticed soon, long ones cost little.

    Each interval is drawn from its upper half. Full jitter would ask twice in a row for nothing; none would keep the
    pollers of a batch in step.

    Raises:
        ConfigurationError: a value is out of its bounds.

    Example:
        >>> policy = PollingPolicy(initial_seconds=2, factor=2, maximum_seconds=10)
        >>> intervals = policy.intervals(random=lambda: 1.0)
        >>> [next(intervals) for _ in range(5)]
        [2.0, 4.0, 8.0, 10.0, 10.0]
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


def patience(timeout: float | None) -> float:
    """Return the seconds that a caller's ``timeout`` allows: none at least, without end for ``None``.

    Raises:
        InvalidRequest: it is no number.
    """
    if timeout is None:
        return math.inf
    try:
        is_number = not math.isnan(timeout)
    except TypeError:
        raise InvalidRequest(f"timeout: got {type(timeout).__name__}, {_EXPECTED}") from None
    if not is_number:
        raise InvalidRequest(f"timeout: got nan, {_EXPECTED}")
    return max(0.0, timeout)


def wait(
    ask: Callable[[], Answer | None], *, until: float, deadline: float, policy: PollingPolicy, clock: Clock
) -> Answer | None:
    """Ask until there is an answer, at most until ``until``, and return it.

    The question that ends at or after ``until`` is the last, so that slow answers prolong the wait by one at most.

    Args:
        ask: Returns ``None`` as long as there is no answer.
        until: A moment of the monotonic clock; one that has passed means to ask once.
        deadline: A moment of wall time at which to ask, whatever the interval; whether to go on then is for ``ask``.
        policy: The intervals between questions.
        clock: Time and chance.

    Returns:
        The answer, or ``None`` if there was none in time.
    """
    for interval in policy.intervals(clock.random):
        answer = ask()
        left = until - clock.monotonic()
        if answer is not None or left <= 0:
            return answer
        clock.sleep(max(0.0, min(interval, left, deadline - clock.now())))
    raise AssertionError("unreachable")  # pragma: no cover - the intervals never end
