"""The datapoints that have reached CloudWatch, and the statistics that alarms take of them."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Final

from scaling_engine.metrics import Metric, Statistic

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

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
        metrics: what the alarms read; nothing else is kept.
        delay_seconds: from a minute's end until its samples can be read.
    """

    def __init__(self, metrics: Sequence[Metric], delay_seconds: float) -> None:
        self._delay = delay_seconds
        self._samples: dict[SeriesKey, list[tuple[float, ...]]] = {series_key(metric): [] for metric in metrics}
        self._by_minute: dict[Metric, list[float | None]] = {metric: [] for metric in metrics}

    def add_minute(self, samples: Mapping[SeriesKey, tuple[float, ...]]) -> None:
        """Keep the samples of the next minute."""
        for key, series in self._samples.items():
            series.append(samples.get(key, ()))
        for metric, values in self._by_minute.items():
            values.append(_statistic(metric, samples.get(series_key(metric), ())))

    def fetch(self, metric: Metric, *, period_seconds: int, count: int, now: float) -> list[float | None]:
        """Return the statistic in each of the last ``count`` complete periods before ``now``, oldest first.

        Periods of more than a minute end with the last complete minute.
        """
        end = int(now // MINUTE)
        visible = max(0, min(end, int((now - self._delay) // MINUTE)))
        width = max(1, period_seconds // MINUTE)
        if width == 1:
            start = max(0, end - count)
            values = self._by_minute[metric][start:visible]
            return [None] * (count - (end - start)) + values + [None] * (end - max(visible, start))
        edges = range(end - width * count, end, width)
        series = self._samples[series_key(metric)]
        windows = (series[max(0, edge) : max(0, min(edge + width, visible))] for edge in edges)
        return [_statistic(metric, tuple(chain.from_iterable(window))) for window in windows]


def _statistic(metric: Metric, samples: tuple[float, ...]) -> float | None:
    return float(_STATISTICS[metric.statistic](samples)) if samples else None
