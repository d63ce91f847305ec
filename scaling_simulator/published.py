"""The datapoints that have reached CloudWatch, and the statistics that alarms take of them."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Final

from scaling_engine.metrics import Metric, Statistic

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

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

    What is pointwise is computed once, when a minute's samples are added, rather than for a whole range each minute.

    Args:
        watched: what the alarms watch; nothing else is kept.
        delay_seconds: from a minute's end until its samples can be read.
    """

    def __init__(self, watched: Iterable[Metric | MetricMath], delay_seconds: float) -> None:
        kept = dict.fromkeys(one for each in watched for one in (each, *each.sources))
        self._delay = delay_seconds
        self._samples: dict[SeriesKey, list[tuple[float, ...]]] = {
            series_key(one): [] for one in kept if isinstance(one, Metric)
        }
        self._by_minute: dict[Metric | MetricMath, list[float | None]] = {one: [] for one in kept if one.is_pointwise}
        self._of_nothing = {one: one.datapoints(lambda _: [None])[0] for one in self._by_minute}

    def add_minute(self, samples: Mapping[SeriesKey, tuple[float, ...]]) -> None:
        """Keep the samples of the next minute."""
        for key, series in self._samples.items():
            series.append(samples.get(key, ()))
        for one, values in self._by_minute.items():
            values.append(one.datapoints(lambda metric: [_statistic(metric, samples.get(series_key(metric), ()))])[0])

    def datapoints(
        self, watched: Metric | MetricMath, *, period_seconds: int, count: int, now: float
    ) -> list[float | None]:
        """Return the value in each of the last ``count`` complete periods before ``now``, oldest first.

        Periods of more than a minute end with the last complete minute.
        """
        end = int(now // MINUTE)
        visible = max(0, min(end, int((now - self._delay) // MINUTE)))
        if period_seconds != MINUTE or not watched.is_pointwise:
            return watched.datapoints(lambda metric: self._windows(metric, period_seconds, count, end, visible))
        start, nothing = max(0, end - count), self._of_nothing[watched]
        values = self._by_minute[watched][start:visible]
        return [nothing] * (count - (end - start)) + values + [nothing] * (end - max(visible, start))

    def _windows(self, metric: Metric, period_seconds: int, count: int, end: int, visible: int) -> list[float | None]:
        width = max(1, period_seconds // MINUTE)
        series = self._samples[series_key(metric)]
        windows = (
            series[max(0, edge) : max(0, min(edge + width, visible))] for edge in range(end - width * count, end, width)
        )
        return [_statistic(metric, tuple(chain.from_iterable(window))) for window in windows]


def _statistic(metric: Metric, samples: tuple[float, ...]) -> float | None:
    return float(_STATISTICS[metric.statistic](samples)) if samples else None
