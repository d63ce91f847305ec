"""Intervals that grow by a factor up to a maximum: what waiting and retrying have in common."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from async_inference.exceptions import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator


def check(policy: str, *, initial_seconds: float, factor: float, maximum_seconds: float) -> None:
    """Refuse intervals that would shrink, vanish or never end.

    Raises:
        ConfigurationError: one of the values is out of its bounds.
    """
    if not 0 < initial_seconds < math.inf:
        raise ConfigurationError(f"{policy}: initial_seconds is {initial_seconds}, expected more than 0")
    if not 1 <= factor < math.inf:
        raise ConfigurationError(f"{policy}: factor is {factor}, expected at least 1")
    if not initial_seconds <= maximum_seconds < math.inf:
        raise ConfigurationError(f"{policy}: maximum_seconds is {maximum_seconds}, expected at least initial_seconds")


def growing(initial_seconds: float, factor: float, maximum_seconds: float) -> Iterator[float]:
    """Yield ``initial_seconds``, then each time ``factor`` times as much, at most ``maximum_seconds``, for ever."""
    interval = initial_seconds
    while True:
        yield interval
        interval = min(interval * factor, maximum_seconds)
