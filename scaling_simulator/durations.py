"""Durations that differ from time to time, such as a launch: a distribution, written in one word."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from scaling_simulator.exceptions import SimulationError

if TYPE_CHECKING:
    from random import Random

_SPECIFICATION: Final = re.compile(r"(?:(\w+):)?(\d+(?:\.\d+)?)(?:-(\d+(?:\.\d+)?))?")
_NORMAL_95: Final = 1.645
"""Standard deviations from a normal distribution's median to its 95th percentile."""


@dataclass(frozen=True, slots=True)
class Distribution:
    """A distribution of seconds.

    Attributes:
        low: the constant, the least, or the median.
        high: the most, or the 95th percentile of a log-normal distribution.
        is_log_normal: whether it is log-normal rather than uniform.
    """

    low: float
    high: float
    is_log_normal: bool = False

    @classmethod
    def parse(cls, text: str) -> Distribution:
        """Return what ``300``, ``uniform:240-480`` or ``lognormal:300-600`` (median, 95th percentile) means.

        Raises:
            SimulationError: it means nothing.
        """
        match = _SPECIFICATION.fullmatch(text)
        kind = match[1] or "uniform" if match else None
        if match is None or kind not in ("uniform", "lognormal"):
            raise SimulationError(f"duration {text!r} is none of 300, uniform:240-480, lognormal:300-600 in seconds")
        low, high = float(match[2]), float(match[3] or match[2])
        if not math.isfinite(high):
            raise SimulationError(f"duration {text!r} never ends")
        if high < low or (kind == "lognormal" and not low):
            raise SimulationError(f"duration {text!r}: the second number must not be below the first, nor the first 0")
        return cls(low, high, kind == "lognormal")

    def sample(self, random: Random) -> float:
        """Return one duration in seconds."""
        if not self.is_log_normal:
            return self.low if self.low == self.high else random.uniform(self.low, self.high)
        return random.lognormvariate(math.log(self.low), math.log(self.high / self.low) / _NORMAL_95)

    def __str__(self) -> str:
        if self.low == self.high:
            return f"{self.low:g}"
        return f"{'lognormal' if self.is_log_normal else 'uniform'}:{self.low:g}-{self.high:g}"
