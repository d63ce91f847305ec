"""The alarms' thresholds follow from what the endpoint promises."""

from __future__ import annotations

import pytest

from constructs_lib.alarm_settings import AlarmSettings
from constructs_lib.scaling_settings import ScalingSettings, WarmHours

DEFAULT = AlarmSettings()
SCALING = ScalingSettings()
HOURS = WarmHours(start="07:50", end="18:00")


@pytest.mark.parametrize(
    ("scaling", "request_ttl_seconds", "expected"),
    [
        (SCALING, 21_600, 300 + 600 + 300),
        (ScalingSettings(cold_start_seconds=61), 21_600, 11 * 60 + 60),
        (SCALING, 1_000, 780),
        (ScalingSettings(min_instances=1), 21_600, 1_200),
    ],
)
def test_a_wake_has_its_cold_start_and_a_margin(
    scaling: ScalingSettings, request_ttl_seconds: int, expected: int
) -> None:
    """In whole minutes, and no longer than what waits is there."""
    assert DEFAULT.backlog_seconds(scaling, request_ttl_seconds) == expected


@pytest.mark.parametrize(
    ("scaling", "request_ttl_seconds", "percent", "expected"),
    [
        (SCALING, 21_600, 50, 900 + 10_350),
        (SCALING, 21_600, 10, 900 + 2_070),
        (SCALING, 960, 50, 930),
        (ScalingSettings(min_instances=1), 3_600, 50, 1_800),
    ],
)
def test_the_oldest_request_may_outlive_a_wake_but_not_its_time(
    scaling: ScalingSettings, request_ttl_seconds: int, percent: int, expected: int
) -> None:
    """A cold start alone sets nothing off, and there is time left when it is set off."""
    settings = AlarmSettings(oldest_request_percent=percent)
    assert settings.oldest_request_seconds(scaling, request_ttl_seconds) == expected


@pytest.mark.parametrize(("max_job_seconds", "expected"), [(60, 900), (900, 3_600), (901, 3_660), (3_600, 14_400)])
def test_failures_are_counted_while_four_jobs_may_fail(max_job_seconds: int, expected: int) -> None:
    """In less time slow jobs could all fail without being several."""
    assert DEFAULT.window_seconds(max_job_seconds) == expected
    assert AlarmSettings(failure_window_seconds=600).window_seconds(max_job_seconds) == 600


@pytest.mark.parametrize(
    ("scaling", "expected"),
    [
        (SCALING, 0),
        (ScalingSettings(rest_after_seconds=1_800), 900),
        (ScalingSettings(warm_hours=(HOURS,)), 36_600),
        (ScalingSettings(warm_hours=(HOURS, WarmHours(start="10:00", end="12:00", days="SAT"))), 36_600),
    ],
)
def test_idle_instances_may_stay_for_the_rest_that_is_promised(scaling: ScalingSettings, expected: int) -> None:
    """And for the longest warm hours, because nothing tells an idle instance of warm hours from another."""
    promised, margin = SCALING.rest_seconds(900), 600
    assert DEFAULT.idle_seconds(scaling, 900) == promised + margin + expected
