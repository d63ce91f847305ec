"""Named patterns of requests, the same every time for the same seed."""

from __future__ import annotations

import math
from random import Random
from typing import TYPE_CHECKING, Final

from scaling_simulator.exceptions import SimulationError
from scaling_simulator.traces import Request

if TYPE_CHECKING:
    from collections.abc import Callable

HOUR: Final = 3_600.0
DAY: Final = 24 * HOUR
_IDLE: Final = 4 * HOUR
"""Before the first request of a pattern that begins with an endpoint at rest: longer than a first deploy takes."""

_LONGEST_JOB: Final = 3_500.0


def _arrivals(random: Random, per_hour: Callable[[float], float], peak: float, until: float) -> list[float]:
    """Return a Poisson process whose rate varies, by thinning one of the ``peak`` rate."""
    times, time = [], 0.0
    while (time := time + random.expovariate(peak / HOUR)) < until:
        if random.random() * peak < per_hour(time):
            times.append(time)
    return times


def _steady(random: Random, per_hour: float, seconds: float, until: float) -> list[Request]:
    times = _arrivals(random, lambda _: per_hour, per_hour, until)
    return [Request(time=time, service_seconds=seconds, size_bytes=1_000_000) for time in times]


def single(_: Random) -> list[Request]:
    """Return one request of a minute after hours of nothing."""
    return [Request(time=_IDLE + 17.0, service_seconds=60.0, size_bytes=1_000_000)]


def trickle(_: Random) -> list[Request]:
    """Return a request of 20 s every 10 min for a day: always below any target."""
    return [Request(time=600.0 * index + 7.0, service_seconds=20.0, size_bytes=1_000_000) for index in range(144)]


def burst(_: Random) -> list[Request]:
    """Return 1,000 requests of 20 s at once, after hours of nothing."""
    return [Request(time=_IDLE + 0.01 * index, service_seconds=20.0, size_bytes=1_000_000) for index in range(1_000)]


def diurnal(random: Random) -> list[Request]:
    """Return a working week of days and nights: up to 60 requests of about a minute an hour, few at night."""

    def per_hour(time: float) -> float:
        wave = 0.5 - 0.5 * math.cos(2 * math.pi * (time % DAY) / DAY)
        return 60.0 * wave**3 if time // DAY < 5 else 2.0  # noqa: PLR2004 - days from Monday to Friday

    times = _arrivals(random, per_hour, 60.0, 7 * DAY)
    return [Request(time=time, service_seconds=random.expovariate(1 / 60), size_bytes=1_000_000) for time in times]


def short(random: Random) -> list[Request]:
    """Return a day of jobs of 2 s, a hundred an hour."""
    return _steady(random, 100.0, 2.0, DAY)


def medium(random: Random) -> list[Request]:
    """Return a day of jobs of 5 min, six an hour."""
    return _steady(random, 6.0, 300.0, DAY)


def long(random: Random) -> list[Request]:
    """Return two days of jobs of 55 min, one in two hours."""
    return _steady(random, 0.5, 3_300.0, 2 * DAY)


def heavy_tail(random: Random) -> list[Request]:
    """Return a day of jobs of which most take seconds and some most of an hour, fifteen an hour."""
    times = _arrivals(random, lambda _: 15.0, 15.0, DAY)
    seconds = [min(_LONGEST_JOB, 10.0 * random.paretovariate(0.8)) for _ in times]
    return [
        Request(time=time, service_seconds=work, size_bytes=1_000_000)
        for time, work in zip(times, seconds, strict=True)
    ]


PATTERNS: Final[dict[str, Callable[[Random], list[Request]]]] = {
    "single": single,
    "trickle": trickle,
    "burst": burst,
    "diurnal": diurnal,
    "short": short,
    "medium": medium,
    "long": long,
    "heavy-tail": heavy_tail,
}
"""By name."""


def pattern(name: str, seed: int = 1) -> list[Request]:
    """Return the requests of the pattern.

    Raises:
        SimulationError: there is none of that name.
    """
    if name not in PATTERNS:
        raise SimulationError(f"pattern {name!r} is none of {', '.join(PATTERNS)}")
    return PATTERNS[name](Random(seed))  # noqa: S311 - chance that repeats
