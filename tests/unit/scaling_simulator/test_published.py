"""Statistics of the minutes that can be read already."""

from __future__ import annotations

import pytest

from scaling_engine.metrics import Metric, MetricMath, Statistic
from scaling_simulator.published import PublishedMetrics, series_key

METRIC = Metric(namespace="N", name="M", statistic=Statistic.AVERAGE)
SUM = Metric(namespace="N", name="M", statistic=Statistic.SUM)
COUNT = Metric(namespace="N", name="M", statistic=Statistic.SAMPLE_COUNT)
MINUTES: tuple[tuple[float, ...], ...] = ((1.0, 3.0), (), (5.0,), (7.0,))


def published(*watched: Metric | MetricMath, delay: float = 0.0) -> PublishedMetrics:
    """Return the first four minutes."""
    metrics = PublishedMetrics(watched, delay)
    for samples in MINUTES:
        metrics.add_minute({series_key(METRIC): samples} if samples else {})
    return metrics


@pytest.mark.parametrize(
    ("metric", "expected"),
    [(METRIC, [2.0, None, 5.0, 7.0]), (SUM, [4.0, None, 5.0, 7.0]), (COUNT, [2.0, None, 1.0, 1.0])],
)
def test_each_minute_has_its_statistic(metric: Metric, expected: list[float | None]) -> None:
    """A minute without samples is missing; so is what was before the beginning."""
    metrics = published(metric)
    assert metrics.datapoints(metric, period_seconds=60, count=4, now=240) == expected
    assert metrics.datapoints(metric, period_seconds=60, count=6, now=240) == [None, None, *expected]


def test_what_is_published_late_cannot_be_read_yet() -> None:
    """At 250 s with a delay of 100 s, the minutes until 120 s."""
    metrics = published(METRIC, delay=100)
    assert metrics.datapoints(METRIC, period_seconds=60, count=4, now=250) == [2.0, None, None, None]


def test_longer_periods_gather_minutes() -> None:
    """Two minutes each; the last one ends with the last complete minute."""
    metrics = published(METRIC)
    assert metrics.datapoints(METRIC, period_seconds=120, count=2, now=250) == [2.0, 6.0]


@pytest.mark.parametrize("text", ["FILL(m, 0) + 1", "m - MIN(m)"])
def test_metric_math_is_the_same_computed_by_minute_or_by_range(text: str) -> None:
    """An expression of each period alone is computed once; one of the whole range every time."""
    math = MetricMath(returned="e", expressions=(("e", text),), metrics=(("m", METRIC),))
    raw: list[float | None] = [2.0, None, 5.0, None]
    assert published(math, delay=60).datapoints(math, period_seconds=60, count=4, now=240) == math.datapoints(
        lambda _: raw
    )
