"""Metrics are read by their minutes and kept no longer than documented."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from local_cloud.cloudwatch.metric_store import RETENTION_SECONDS, SAMPLE_RETENTION_SECONDS, Series, StatisticSet

START = 1_800_000_000.0


def point(moment: float, value: float, **more: object) -> dict[str, Any]:
    """Return a sample as MiniStack writes it."""
    return {"Timestamp": moment, "Value": value, "Unit": "Count", "Dimensions": {"EndpointName": "ocr"}, **more}


def series(*samples: tuple[float, float]) -> Series:
    """Return a series of samples, seconds after the start and value each."""
    filled = Series()
    for offset, value in samples:
        filled.append(point(START + offset, value))
    return filled


@pytest.mark.parametrize(
    ("statistic", "expected"),
    [("Average", 2.0), ("Maximum", 3.0), ("Minimum", 1.0), ("SampleCount", 2.0), ("Sum", 4.0)],
)
def test_the_statistics_of_a_period_are_those_of_its_samples(statistic: str, expected: float) -> None:
    """A period begins with its first moment and ends before the next one's."""
    [one] = series((-0.5, 50.0), (0, 1.0), (59.5, 3.0), (60, 70.0)).statistics(start=START, period=60, count=1)
    assert one.value(statistic) == expected


def test_a_period_without_samples_has_no_value() -> None:
    """Nothing was published, which is not zero."""
    values = [one.value("Sum") for one in series((60, 5.0)).statistics(start=START, period=60, count=3)]
    assert values == [None, 5.0, None]


def test_periods_begin_at_any_moment_and_have_any_length() -> None:
    """Those of an alarm slide with each minute, and a high-resolution metric is read by ten seconds."""
    samples = series((0, 1.0), (60, 2.0), (120, 4.0), (129, 8.0), (131, 16.0))
    sliding = samples.statistics(start=START + 60, period=120, count=1)
    assert [one.value("Sum") for one in sliding] == [30.0]
    fine = samples.statistics(start=START + 115, period=10, count=2)
    assert [one.value("Sum") for one in fine] == [4.0, 24.0]


def test_values_with_counts_and_statistic_sets_count_as_what_they_stand_for() -> None:
    """``PutMetricData`` takes both."""
    filled = Series()
    filled.append(point(START, 2.0, Count=3.0))
    filled.append(point(START, 0.0, _stat={"SampleCount": 2, "Sum": 10, "Minimum": 1, "Maximum": 9}))
    filled.append(point(START, 0.0, _stat={"SampleCount": 0, "Sum": 0, "Minimum": 0, "Maximum": 0}))
    assert filled.statistics(start=START, period=60, count=1) == [StatisticSet(5.0, 16.0, 1.0, 9.0)]


def test_ministack_reads_back_what_it_wrote() -> None:
    """Its own reading of metrics needs times, units, dimensions and statistic sets."""
    filled = series((90, 7.0))
    assert filled
    assert not Series()
    assert filled[0]["Dimensions"] == {"EndpointName": "ocr"}
    assert [(one["Timestamp"], one["Value"], one["Unit"], one["_stat"]["Sum"]) for one in filled] == [
        (START + 90, 7.0, "Count", 7.0)
    ]


def test_after_three_hours_a_minute_keeps_its_statistics_only() -> None:
    """Which is all that a long-running local cloud could hold of hundreds of samples a minute."""
    filled = series((10, 1.0), (20, 3.0))
    filled.forget(START + SAMPLE_RETENTION_SECONDS)
    assert [one["Value"] for one in filled] == [1.0, 3.0]
    filled.forget(START + SAMPLE_RETENTION_SECONDS + 1)
    [kept] = filled
    assert (kept["Timestamp"], kept["_stat"]) == (START, {"SampleCount": 2, "Sum": 4, "Minimum": 1, "Maximum": 3})
    [one] = filled.statistics(start=START, period=60, count=1)
    assert one == StatisticSet(2.0, 4.0, 1.0, 3.0)


def test_after_fifteen_days_nothing_is_left() -> None:
    """CloudWatch keeps data of one minute that long."""
    filled = series((0, 1.0), (60, 2.0))
    filled.forget(START + RETENTION_SECONDS + 1)
    assert [one["Value"] for one in filled] == [2.0]
    filled.forget(START + RETENTION_SECONDS + 61)
    assert not filled


def test_reading_costs_what_is_read() -> None:
    """An alarm's minutes are found among those of fifteen days without looking at the others."""

    class Counting(dict[int, StatisticSet]):
        looked_up = 0

        def get(self, *arguments: Any) -> Any:  # noqa: ANN401 - as of dict
            Counting.looked_up += 1
            return super().get(*arguments)

    filled = series(*((60.0 * minute, 1.0) for minute in range(21_600)))
    filled._totals = Counting(filled._totals)
    filled.statistics(start=START + 60 * 21_580, period=60, count=17)
    assert Counting.looked_up == 17


def test_functions_that_run_in_threads_publish_while_metrics_are_read() -> None:
    """No sample is lost, and no reader is disturbed."""
    filled, writers = Series(), 4

    def publish(writer: int) -> None:
        for number in range(2_000):
            filled.append(point(START + 60 * (number * writers + writer), 1.0))

    with ThreadPoolExecutor(writers) as threads:
        published = [threads.submit(publish, writer) for writer in range(writers)]
        while not all(future.done() for future in published):
            sum(1 for _ in filled)
            filled.forget(START)
    assert [future.exception() for future in published] == [None] * writers
    assert len(list(filled)) == 2_000 * writers
