"""The polling policy: bounds of its intervals, and that a wait ends, with one last question."""

from __future__ import annotations

import math
from itertools import islice, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from async_inference import ConfigurationError, PollingPolicy
from async_inference.waiting import wait
from tests.unit.async_inference.fake_aws import FakeTime

POLICIES = st.builds(
    lambda initial, factor, more: PollingPolicy(initial_seconds=initial, factor=factor, maximum_seconds=initial + more),
    st.floats(0.1, 60),
    st.floats(1, 4),
    st.floats(0, 60),
)
LUCK = st.floats(0, 1)


def test_the_default_grows_from_5_to_30_seconds() -> None:
    """Without luck each interval is at its longest."""
    intervals = list(islice(PollingPolicy().intervals(lambda: 1.0), 7))

    assert intervals == [5.0, 7.5, 11.25, 16.875, 25.3125, 30.0, 30.0]


@given(POLICIES, LUCK)
def test_intervals_stay_within_their_bounds(policy: PollingPolicy, luck: float) -> None:
    """Never below half the first, never above the maximum, never shrinking under the same luck."""
    intervals = list(islice(policy.intervals(lambda: luck), 20))

    assert min(intervals) >= policy.initial_seconds / 2
    assert max(intervals) <= policy.maximum_seconds
    assert all(earlier <= later for earlier, later in pairwise(intervals))


@given(POLICIES, LUCK, st.floats(0, 600), st.floats(0, 20))
def test_a_wait_without_answer_ends_with_one_question_at_its_deadline(
    policy: PollingPolicy, luck: float, patience: float, question_seconds: float
) -> None:
    """Exactly one question ends at or after it, and no pause goes beyond it; wall time has no say."""
    time = FakeTime(luck=luck, step=-3_600)
    until = time.monotonic + patience
    asked_at: list[float] = []
    answered_at: list[float] = []

    def ask() -> None:
        asked_at.append(time.monotonic)
        time.advance(question_seconds)
        answered_at.append(time.monotonic)

    assert wait(ask, until=until, deadline=math.inf, policy=policy, clock=time.clock) is None

    assert len([moment for moment in answered_at if moment >= until]) == 1
    assert asked_at[-1] <= until
    assert time.monotonic <= until + question_seconds


@given(POLICIES, LUCK, st.floats(0, 600), st.floats(0, 600))
def test_an_answer_within_the_deadline_is_never_missed(
    policy: PollingPolicy, luck: float, patience: float, appears_after: float
) -> None:
    """It is returned within one interval of its appearance."""
    time = FakeTime(luck=luck)
    start = time.monotonic
    appears_at = start + min(appears_after, patience)

    answer = wait(
        lambda: "answer" if time.monotonic >= appears_at else None,
        until=start + patience,
        deadline=math.inf,
        policy=policy,
        clock=time.clock,
    )

    assert answer == "answer"
    assert time.monotonic - appears_at <= policy.maximum_seconds


@given(POLICIES, LUCK, st.floats(0, 600))
def test_a_question_is_asked_at_the_deadline(policy: PollingPolicy, luck: float, seconds: float) -> None:
    """No interval goes beyond that moment of wall time."""
    time = FakeTime(luck=luck)
    deadline = time.now + seconds

    moment = wait(
        lambda: time.now if time.now >= deadline else None,
        until=math.inf,
        deadline=deadline,
        policy=policy,
        clock=time.clock,
    )

    assert deadline == moment


def test_an_answer_that_is_there_costs_one_question_and_no_pause() -> None:
    """Even when the deadline has passed."""
    time = FakeTime()

    assert wait(lambda: "answer", until=0, deadline=0, policy=PollingPolicy(), clock=time.clock) == "answer"
    assert time.slept == []


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"initial_seconds": 0.0}, "polling: initial_seconds is 0.0, expected more than 0"),
        ({"initial_seconds": float("nan")}, "polling: initial_seconds is nan, expected more than 0"),
        ({"factor": 0.9}, "polling: factor is 0.9, expected at least 1"),
        ({"maximum_seconds": 4.0}, "polling: maximum_seconds is 4.0, expected at least initial_seconds"),
        ({"maximum_seconds": float("inf")}, "polling: maximum_seconds is inf, expected at least initial_seconds"),
    ],
)
def test_a_policy_that_cannot_work_is_refused(values: dict[str, float], message: str) -> None:
    """When it is made, in one line that names the value."""
    with pytest.raises(ConfigurationError) as caught:
        PollingPolicy(**values)

    assert message == str(caught.value)
