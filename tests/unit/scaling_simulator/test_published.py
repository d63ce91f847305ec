"""Statistics of the minutes that can be read already."""

from __future__ import annotations

import pytest

from scaling_engine.assumptions import Assumptions
from scaling_engine.metrics import Metric, MetricMath, Statistic
from scaling_simulator.published import PublishedMetrics, series_key

METRIC = Metric(namespace="N", name="M", statistic=Statistic.AVERAGE)
SUM = Metric(namespace="N", name="M", statistic=Statistic.SUM)
COUNT = Metric(namespace="N", name="M", statistic=Statistic.SAMPLE_COUNT)
MINUTES: tuple[tuple[float, ...], ...] = ((1.0, 3.0), (), (5.0,), (7.0,))


def published(*watched: Metric | MetricMath, delay: float = 0.0) -> PublishedMetrics:
    """Return the first four minutes."""
    metrics = PublishedMetrics(watched, Assumptions(publication_delay_seconds=delay))
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
    assert metrics[metric].datapoints(period_seconds=60, count=4, now=240) == expected
    assert metrics[metric].datapoints(period_seconds=60, count=6, now=240) == [None, None, *expected]


def test_what_is_published_late_cannot_be_read_yet() -> None:
    """At 250 s with a delay of 100 s, the minutes until 120 s."""
    metrics = published(METRIC, delay=100)
    assert metrics[METRIC].datapoints(period_seconds=60, count=4, now=250) == [2.0, None, None, None]


def test_longer_periods_gather_minutes() -> None:
    """Two minutes each; the last one ends with the last complete minute."""
    metrics = published(METRIC)
    assert metrics[METRIC].datapoints(period_seconds=120, count=2, now=250) == [2.0, 6.0]


@pytest.mark.parametrize("text", ["FILL(m, 0) + 1", "m - MIN(m)"])
def test_metric_math_is_the_same_computed_by_minute_or_by_range(text: str) -> None:
    """An expression of each period alone is computed once; one of the whole range every time."""
    math = MetricMath(returned="e", expressions=(("e", text),), metrics=(("m", METRIC),))
    raw: list[float | None] = [2.0, None, 5.0, None]
    assert math.datapoints(lambda _: raw) == published(math, delay=60)[math].datapoints(
        period_seconds=60, count=4, now=240
    )


@pytest.mark.parametrize(("leaves_out", "expected"), [(True, [2.0, 0.0]), (False, [2.0, None])])
def test_queue_and_instances_may_be_late_by_different_times(*, leaves_out: bool, expected: list[float | None]) -> None:
    """What is there already counts alone, unless metric math needs all of it."""
    instances = Metric(namespace="/aws/sagemaker/Endpoints", name="CPUUtilization", statistic=Statistic.SAMPLE_COUNT)
    math = MetricMath(returned="e", expressions=(("e", "MAX([m, 0 * i])"),), metrics=(("m", METRIC), ("i", instances)))
    late = Assumptions(publication_delay_seconds=60.0, aggregates_leave_out_missing=leaves_out)
    metrics = PublishedMetrics([math], late)
    for _ in range(2):
        metrics.add_minute({series_key(METRIC): (2.0,), series_key(instances): (0.0, 0.0)})
    assert expected == metrics[math].datapoints(period_seconds=60, count=2, now=120)
