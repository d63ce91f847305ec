"""Simulated time."""

from __future__ import annotations

from local_cloud.clock import SimulatedClock, iso_timestamp


def test_time_passes_at_the_scale() -> None:
    """Three real seconds are thirty simulated ones."""
    real = iter([5.0, 8.0])
    clock = SimulatedClock(10.0, start=1000.0, monotonic=lambda: next(real))
    assert clock.now() == 1030.0


def test_simulated_durations_take_less_real_time() -> None:
    """A simulated minute takes six real seconds at scale ten."""
    assert SimulatedClock(10.0).real_seconds(60) == 6.0


def test_timestamps_are_in_utc_with_milliseconds() -> None:
    """Timestamps have the form that SageMaker's notifications have."""
    assert iso_timestamp(1_759_044_523.333) == "2025-09-28T07:28:43.333Z"
