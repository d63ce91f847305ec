"""Samples of CloudWatch metrics, found by their minute and kept for a bounded time.

As CloudWatch does, a metric's samples keep their own times for three hours and one-minute statistics for fifteen days.
Unlike CloudWatch, which goes on with five minutes and with hours, older ones are gone. Source: *Amazon CloudWatch User
Guide*, "Metrics retention".
"""

from __future__ import annotations

import math
import threading
from array import array
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

SAMPLE_RETENTION_SECONDS: Final = 3 * 3_600
"""Simulated seconds for which samples keep their own times, which percentiles and periods below a minute need."""

RETENTION_SECONDS: Final = 15 * 86_400
"""Simulated seconds for which one-minute statistics are kept."""

_MINUTE: Final = 60
_COLUMNS: Final = 5

Point = Mapping[str, Any]
"""A sample as MiniStack writes and reads it."""


@dataclass(slots=True)
class StatisticSet:
    """What CloudWatch keeps of any number of samples.

    Attributes:
        sample_count: how many samples there are.
        sum: of their values.
        minimum: the least of them.
        maximum: the greatest of them.
    """

    sample_count: float = 0.0
    sum: float = 0.0
    minimum: float = math.inf
    maximum: float = -math.inf

    def add(self, other: StatisticSet) -> None:
        """Take in the samples of ``other``."""
        self.sample_count += other.sample_count
        self.sum += other.sum
        self.minimum = min(self.minimum, other.minimum)
        self.maximum = max(self.maximum, other.maximum)

    def value(self, statistic: str) -> float | None:
        """Return a statistic by CloudWatch's name (no percentile), ``None`` where there are no samples."""
        if not self.sample_count:
            return None
        values = {
            "Average": self.sum / self.sample_count,
            "Maximum": self.maximum,
            "Minimum": self.minimum,
            "SampleCount": self.sample_count,
            "Sum": self.sum,
        }
        return values[statistic]

    def members(self) -> dict[str, float]:
        """Return the members of CloudWatch's ``StatisticSet``."""
        return {"SampleCount": self.sample_count, "Sum": self.sum, "Minimum": self.minimum, "Maximum": self.maximum}


class Series:
    """The samples of one metric, which MiniStack takes for the list of them that it would keep itself."""

    def __init__(self) -> None:
        self._unit = "None"
        self._dimensions: Mapping[str, str] = {}
        self._totals: dict[int, StatisticSet] = {}
        # Five numbers a sample, its moment and its statistic set: a busy endpoint has hundreds each minute.
        self._samples: dict[int, array[float]] = {}
        # MiniStack publishes what becomes of functions from the threads that they run in.
        self._lock = threading.Lock()

    def __bool__(self) -> bool:
        return bool(self._totals)

    @property
    def unit(self) -> str:
        """The unit of the first sample, which is taken to be that of all."""
        return self._unit

    def __iter__(self) -> Iterator[Point]:
        with self._lock:
            kept = [each for minute, total in self._totals.items() for each in self._samples_of(minute, total)]
        return (self._point(moment, sample) for moment, sample in kept)

    def __getitem__(self, index: int) -> Point:
        return list(self)[index]

    def append(self, point: Point) -> None:
        """Add a sample."""
        sample = statistic_set(point)
        if not sample.sample_count:
            return
        moment = float(point["Timestamp"])
        minute = int(moment // _MINUTE)
        row = (moment, sample.sample_count, sample.sum, sample.minimum, sample.maximum)
        with self._lock:
            if not self:
                self._unit, self._dimensions = point["Unit"], point["Dimensions"]
            self._totals.setdefault(minute, StatisticSet()).add(sample)
            self._samples.setdefault(minute, array("d")).extend(row)

    def statistics(self, *, start: float, period: float, count: int) -> list[StatisticSet]:
        """Return what there is in each of ``count`` periods from ``start`` on, oldest first."""
        sets = [StatisticSet() for _ in range(count)]
        whole_minutes = start % _MINUTE == 0 and period % _MINUTE == 0
        with self._lock:
            for minute in range(int(start // _MINUTE), math.ceil((start + count * period) / _MINUTE)):
                if (total := self._totals.get(minute)) is None:
                    continue
                whole = [(float(minute * _MINUTE), total)]
                for moment, sample in whole if whole_minutes else self._samples_of(minute, total):
                    if 0 <= (index := int((moment - start) // period)) < count:
                        sets[index].add(sample)
        return sets

    def forget(self, now: float) -> None:
        """Let go what is older at ``now`` than it is kept."""
        with self._lock:
            for minute in [minute for minute in self._samples if minute * _MINUTE < now - SAMPLE_RETENTION_SECONDS]:
                del self._samples[minute]
            for minute in [minute for minute in self._totals if minute * _MINUTE < now - RETENTION_SECONDS]:
                del self._totals[minute]

    def _samples_of(self, minute: int, total: StatisticSet) -> Iterator[tuple[float, StatisticSet]]:
        """Yield a minute's samples with their times; where they are gone, all of them as one at its beginning."""
        if (rows := self._samples.get(minute)) is None:
            yield float(minute * _MINUTE), total
            return
        for index in range(0, len(rows), _COLUMNS):
            moment, *numbers = rows[index : index + _COLUMNS]
            yield moment, StatisticSet(*numbers)

    def _point(self, moment: float, sample: StatisticSet) -> Point:
        return {
            "Timestamp": moment,
            "Value": sample.sum / sample.sample_count,
            "Unit": self._unit,
            "Dimensions": self._dimensions,
            "_stat": sample.members(),
        }


def statistic_set(point: Point) -> StatisticSet:
    """Return what a point stands for: one value, a value that was seen several times, or a published statistic set."""
    if (published := point.get("_stat")) is not None:
        names = ("SampleCount", "Sum", "Minimum", "Maximum")
        return StatisticSet(*(float(published.get(name, 0.0)) for name in names))
    count, value = float(point.get("Count", 1.0)), float(point["Value"])
    return StatisticSet(count, value * count, value, value)
