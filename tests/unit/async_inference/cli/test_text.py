"""Numbers and tables as people read them."""

from __future__ import annotations

import doctest
from typing import Any

import pytest

from async_inference.batches import BatchSummary
from async_inference.cli import text
from async_inference.cli.text import columns, counted, duration, instances, summary_line
from async_inference.observation import Observation


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (-1.0, "0s"),
        (0.4, "0s"),
        (59.6, "1m"),
        (80.0, "1m 20s"),
        (3_600.0, "1h"),
        (3_605.0, "1h"),
        (7_500.0, "2h 5m"),
        (180_000.0, "2d 2h"),
    ],
)
def test_a_duration_has_its_two_largest_units(seconds: float, expected: str) -> None:
    """More would be noise."""
    assert expected == duration(seconds)


def test_columns_are_as_wide_as_their_longest_cell() -> None:
    """And nothing trails."""
    assert columns([("a", "b"), ("longer", "")]) == ["a       b", "longer"]


def test_one_is_singular() -> None:
    """And thousands are separated."""
    assert (counted(1, "job"), counted(2_000, "job")) == ("1 job", "2,000 jobs")


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        (Observation(), "unknown"),
        (Observation(instances=2, desired_instances=2), "2"),
        (Observation(instances=0, desired_instances=1), "0 of 1 wanted"),
    ],
)
def test_instances_that_are_on_their_way_are_told(seen: Observation, expected: str) -> None:
    """So that nobody wonders why nothing runs."""
    assert expected == instances(seen)


def test_a_summary_leaves_out_what_did_not_happen() -> None:
    """Unknown and repeated submissions are there when there are any."""
    numbers: dict[str, Any] = {"batch_id": "b", "items": 5, "succeeded": 3, "failed": 1, "submissions": 5}

    assert (
        summary_line(BatchSummary(**numbers, unfinished=0, unknown=0, resubmitted=0))
        == "5 items: 3 succeeded, 1 failed"
    )
    assert (
        summary_line(BatchSummary(**numbers, unfinished=1, unknown=2, resubmitted=2))
        == "5 items: 3 succeeded, 1 failed, 1 unfinished, 2 unknown submissions, 2 submitted again"
    )


def test_the_examples_run() -> None:
    """Those in the docstrings."""
    assert doctest.testmod(text).failed == 0
