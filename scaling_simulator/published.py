"""The datapoints that have reached CloudWatch, and the statistics that alarms take of them."""

from __future__ import annotations

from functools import cache
from itertools import chain
from typing import TYPE_CHECKING, Final

from scaling_engine.gauges import HOST_NAMESPACE
from scaling_engine.metrics import Metric, Statistic

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from scaling_engine.assumptions import Assumptions
    from scaling_engine.metrics import MetricMath

MINUTE: Final = 60

_STATISTICS: Final[dict[Statistic, Callable[[Sequence[float]], float]]] = {
    Statistic.AVERAGE: lambda samples: sum(samples) / len(samples),
    Statistic.MAXIMUM: max,
    Statistic.MINIMUM: min,
    Statistic.SUM: sum,
    Statistic.SAMPLE_COUNT: len,
}

SeriesKey = tuple[str, str, frozenset[tuple[str, str]]]
"""Namespace, name and dimensions of a series."""


def series_key(metric: Metric) -> SeriesKey:
    """Return which series ``metric`` is a statistic of."""
    return metric.namespace, metric.name, metric.dimensions


class PublishedMetrics:
    """The series that a set of alarms reads.

    Args:
        watched: what the alarms watch; nothing else is kept.
        assumptions: when datapoints can be read, and what metric math makes of missing ones.
    """

    def __init__(self, watched: Iterable[Metric | MetricMath], assumptions: Assumptions) -> None:
        kept = dict.fromkeys(watched)
        sources = {one: _Source(one, assumptions) for each in kept for one in each.sources}
        self._series = {
            one: PublishedSeries(one, [sources[source] for source in one.sources], assumptions) for one in kept
        }
        self._keyed_sources = [(series_key(one), source) for one, source in sources.items()]

    def __getitem__(self, watched: Metric | MetricMath) -> PublishedSeries:
        """Return the series of what is watched."""
        return self._series[watched]

    def add_minute(self, samples: Mapping[SeriesKey, tuple[float, ...]]) -> None:
        """Keep the samples of the next minute."""
        for key, source in self._keyed_sources:
            source.add_minute(samples.get(key, ()))
        for series in self._series.values():
            series.add_minute()


class PublishedSeries:
    """The values of what one alarm watches.

    What is pointwise is computed once, when a minute's samples are added, rather than for a whole range each minute.
    """

    def __init__(self, watched: Metric | MetricMath, sources: Sequence[_Source], assumptions: Assumptions) -> None:
        self._watched = watched
        self._sources = sources
        self._assumptions = assumptions
        self._is_pointwise = watched.is_pointwise
        self._value = cache(self._computed)
        self._values: list[float | None] = []
        self._of_nothing = self._value((None,) * len(sources)) if self._is_pointwise else None

    def add_minute(self) -> None:
        """Compute the value of the minute that was added to the sources."""
        if self._is_pointwise:
            self._values.append(self._value(tuple([source.values[-1] for source in self._sources])))

    def datapoints(self, *, period_seconds: int, count: int, now: float) -> list[float | None]:
        """Return the value in each of the last ``count`` complete periods before ``now``, oldest first.

        Periods of more than a minute end with the last complete minute.
        """
        end = int(now // MINUTE)
        if period_seconds != MINUTE or not self._is_pointwise:
            return self._of_periods(period_seconds, count, end, now)
        start = max(0, end - count)
        readable = [source.readable(end, now) for source in self._sources]
        complete = max(start, min(readable, default=end))
        values = [self._of_nothing] * (count - (end - start)) + self._values[start:complete]
        return values + [self._late(minute, readable) for minute in range(complete, end)]

    def _late(self, minute: int, readable: list[int]) -> float | None:
        """Return the value of a minute of which not every source can be read yet."""
        pairs = zip(self._sources, readable, strict=True)
        return self._value(tuple([source.values[minute] if minute < known else None for source, known in pairs]))

    def _computed(self, points: tuple[float | None, ...]) -> float | None:
        """Return the value in a period in which the sources have these datapoints."""
        numbers = dict(zip(self._watched.sources, points, strict=True))
        return self._watched.datapoints(lambda metric: [numbers[metric]], self._assumptions)[0]

    def _of_periods(self, period_seconds: int, count: int, end: int, now: float) -> list[float | None]:
        sources = dict(zip(self._watched.sources, self._sources, strict=True))
        return self._watched.datapoints(
            lambda metric: sources[metric].windows(period_seconds, count, end, now), self._assumptions
        )


class _Source:
    """One published metric."""

    def __init__(self, metric: Metric, assumptions: Assumptions) -> None:
        self.values: list[float | None] = []
        self._metric = metric
        self._samples: list[tuple[float, ...]] = []
        self._delay = (
            assumptions.instance_publication_delay_seconds
            if metric.namespace == HOST_NAMESPACE
            else assumptions.publication_delay_seconds
        )

    def add_minute(self, samples: tuple[float, ...]) -> None:
        """Keep the samples of the next minute."""
        self._samples.append(samples)
        self.values.append(_statistic(self._metric, samples))

    def readable(self, end: int, now: float) -> int:
        """Return how many of the first ``end`` minutes can be read."""
        return max(0, min(end, int((now - self._delay) // MINUTE)))

    def windows(self, period_seconds: int, count: int, end: int, now: float) -> list[float | None]:
        """Return the statistic of each of the last ``count`` periods."""
        width, readable = max(1, period_seconds // MINUTE), self.readable(end, now)
        windows = (
            self._samples[max(0, edge) : max(0, min(edge + width, readable))]
            for edge in range(end - width * count, end, width)
        )
        return [_statistic(self._metric, tuple(chain.from_iterable(window))) for window in windows]


def _statistic(metric: Metric, samples: tuple[float, ...]) -> float | None:
    return float(_STATISTICS[metric.statistic](samples)) if samples else None
