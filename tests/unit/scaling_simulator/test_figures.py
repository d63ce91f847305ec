"""Figures, tables, durations and patterns."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

import pytest

from scaling_simulator.durations import Distribution
from scaling_simulator.exceptions import SimulationError
from scaling_simulator.options import Options
from scaling_simulator.patterns import PATTERNS, pattern
from scaling_simulator.report import percentile, report
from scaling_simulator.simulation import simulate
from scaling_simulator.tables import duration, table
from scaling_simulator.traces import Request

if TYPE_CHECKING:
    from scaling_simulator.template import Deployment

DOCUMENTATION = Path(__file__).resolve().parents[3] / "docs/scaling.md"
HOUR = 3_600.0
OPTIONS = Options(launch=Distribution(180, 180), model_load=Distribution(60, 60))


def test_a_report_counts_what_happened(pair: Deployment) -> None:
    """An hour of one warm instance that rests after 15 min, with two jobs of 6 min at a time."""
    requests = [Request(time=0, service_seconds=360), Request(time=0, service_seconds=360)]
    run = simulate(pair, requests, Options(horizon_seconds=HOUR))
    figures = report(run, price_per_hour=2.0, always_on=3)
    assert (figures.initial_instances, figures.requests, figures.completed, figures.cold_starts) == (1, 2, 2, 0)
    assert figures.hours == 1.0
    assert figures.instance_hours == pytest.approx(0.25)
    assert figures.busy_share == pytest.approx(0.1 / 0.25)
    assert figures.cost == pytest.approx(0.5)
    assert figures.always_on_cost == 6.0
    assert figures.rests_at_end


def test_an_endpoint_that_had_no_minute_to_rest_does_not(pair: Deployment) -> None:
    """Its first instance is still there."""
    assert not report(simulate(pair, [], Options(horizon_seconds=30))).rests_at_end


def test_every_request_is_counted_once(pair: Deployment) -> None:
    """Whatever has become of it."""
    run = simulate(pair, pattern("heavy-tail"), Options(request_ttl_seconds=400, invocation_timeout_seconds=900))
    figures = report(run)
    fates = (
        figures.completed,
        figures.timed_out,
        figures.expired,
        figures.stranded,
        figures.unfinished,
        figures.killed,
    )
    assert sum(fates) == figures.requests
    assert all(fates[:3])


@pytest.mark.parametrize(("share", "value"), [(0.5, 2.0), (0.95, 4.0), (0.25, 1.0), (1.0, 4.0)])
def test_percentiles_are_values_that_occurred(share: float, value: float) -> None:
    """The least that so many do not exceed."""
    assert percentile([1.0, 2.0, 3.0, 4.0], share) == value
    assert percentile([], share) is None


@pytest.mark.parametrize(("seconds", "text"), [(59.4, "59 s"), (90, "1 min 30 s"), (7_320, "2 h 2 min"), (None, "-")])
def test_durations_are_said_as_people_say_them(seconds: float | None, text: str) -> None:
    """For tables."""
    assert duration(seconds) == text


def test_a_table_has_a_column_for_each_template(pair: Deployment) -> None:
    """Rows without any figure are left out."""
    figures = report(simulate(pair, [Request(time=10, service_seconds=20)], OPTIONS))
    lines = table({"one": figures, "two": figures}).splitlines()
    assert lines[0].split() == ["one", "two"]
    assert [line.split() for line in lines if line.startswith("completed")] == [["completed", "1", "1"]]
    assert not any(line.startswith("cost") for line in lines)


@pytest.mark.parametrize(("text", "bounds"), [("300", (300, 300)), ("uniform:60-90", (60, 90)), ("60-90", (60, 90))])
def test_a_duration_is_within_its_bounds(text: str, bounds: tuple[float, float]) -> None:
    """Uniform where nothing else is said."""
    distribution = Distribution.parse(text)
    samples = [distribution.sample(Random(seed)) for seed in range(100)]  # noqa: S311 - chance that repeats
    assert bounds[0] <= min(samples) <= max(samples) <= bounds[1]
    assert Distribution.parse(str(distribution)) == distribution


def test_a_log_normal_duration_has_its_median_and_its_95_percent() -> None:
    """Within what 2,000 samples tell."""
    chance, distribution = Random(1), Distribution.parse("lognormal:300-600")  # noqa: S311 - chance that repeats
    samples = sorted(distribution.sample(chance) for _ in range(2_000))
    assert percentile(samples, 0.5) == pytest.approx(300, rel=0.05)
    assert percentile(samples, 0.95) == pytest.approx(600, rel=0.1)


@pytest.mark.parametrize("text", ["", "x", "normal:1-2", "90-60", "lognormal:0-1", "9" * 400])
def test_a_duration_that_means_nothing_is_refused(text: str) -> None:
    """The line says what means something."""
    with pytest.raises(SimulationError, match=r"^duration "):
        Distribution.parse(text)


@pytest.mark.parametrize("name", PATTERNS)
def test_a_pattern_is_in_order_and_repeats(name: str) -> None:
    """The same seed gives the same requests."""
    requests = pattern(name)
    assert requests == sorted(requests, key=lambda request: request.time)
    assert requests == pattern(name)
    assert all(request.service_seconds <= 3_600 for request in requests)


@pytest.mark.parametrize("name", PATTERNS)
def test_the_documentation_says_what_a_pattern_is(name: str) -> None:
    """In one line each."""
    assert f"\n| `{name}` | " in DOCUMENTATION.read_text(encoding="utf-8")
