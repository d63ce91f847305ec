"""Steps: their intervals, their arithmetic, and which sets of them are accepted."""

from __future__ import annotations

import math

import pytest

from scaling_engine.exceptions import ScalingConfigurationError
from scaling_engine.steps import AdjustmentType, StepAdjustment, adjusted_capacity, require_contiguous


@pytest.mark.parametrize(("difference", "inside"), [(-0.1, False), (0, True), (9.9, True), (10, False)])
def test_above_the_threshold_the_lower_bound_is_inclusive(difference: float, inside: bool) -> None:  # noqa: FBT001 - expected value
    """For alarms on large values the interval 0 to 10 contains 0 and not 10."""
    step = StepAdjustment(lower_bound=0, upper_bound=10, adjustment=1)
    assert inside == step.contains(difference, upward=True)


@pytest.mark.parametrize(("difference", "inside"), [(0.1, False), (0, True), (-9.9, True), (-10, False)])
def test_below_the_threshold_the_upper_bound_is_inclusive(difference: float, inside: bool) -> None:  # noqa: FBT001 - expected value
    """For alarms on small values the interval -10 to 0 contains 0 and not -10."""
    step = StepAdjustment(lower_bound=-10, upper_bound=0, adjustment=-1)
    assert inside == step.contains(difference, upward=False)


@pytest.mark.parametrize(
    ("adjustment_type", "capacity", "adjustment", "expected"),
    [
        (AdjustmentType.CHANGE_IN_CAPACITY, 3, 5, 8),
        (AdjustmentType.CHANGE_IN_CAPACITY, 3, -5, 0),
        (AdjustmentType.EXACT_CAPACITY, 3, 5, 5),
        (AdjustmentType.EXACT_CAPACITY, 3, 0, 0),
        (AdjustmentType.PERCENT_CHANGE_IN_CAPACITY, 10, 10, 11),
        (AdjustmentType.PERCENT_CHANGE_IN_CAPACITY, 10, 127, 22),
        (AdjustmentType.PERCENT_CHANGE_IN_CAPACITY, 1, 67, 2),
        (AdjustmentType.PERCENT_CHANGE_IN_CAPACITY, 1, -58, 0),
        (AdjustmentType.PERCENT_CHANGE_IN_CAPACITY, 23, -29, 17),
        (AdjustmentType.PERCENT_CHANGE_IN_CAPACITY, 0, 50, 0),
        (AdjustmentType.PERCENT_CHANGE_IN_CAPACITY, 10, 0, 10),
    ],
)
def test_adjustments_follow_the_documented_examples(
    adjustment_type: AdjustmentType, capacity: int, adjustment: int, expected: int
) -> None:
    """Changes add, exact capacities replace, percentages round toward zero but never a fraction of one to nothing."""
    step = StepAdjustment(lower_bound=0, adjustment=adjustment)
    assert expected == adjusted_capacity(capacity, step, adjustment_type, 0)


@pytest.mark.parametrize(("adjustment", "expected"), [(25, 6), (100, 8), (-25, 2), (0, 4)])
def test_a_percentage_changes_at_least_the_minimum_magnitude(adjustment: int, expected: int) -> None:
    """25 percent of 4 would be 1, but a minimum of 2 makes it 2, as in the guide; a change of 0 stays 0."""
    step = StepAdjustment(lower_bound=0, adjustment=adjustment)
    assert expected == adjusted_capacity(4, step, AdjustmentType.PERCENT_CHANGE_IN_CAPACITY, 2)


def test_the_minimum_magnitude_is_a_matter_of_percentages_alone() -> None:
    """A change in capacity of 1 stays 1 under a minimum magnitude of 2."""
    step = StepAdjustment(lower_bound=0, adjustment=1)
    assert adjusted_capacity(4, step, AdjustmentType.CHANGE_IN_CAPACITY, 2) == 5


def test_steps_may_be_given_in_any_order() -> None:
    """The guide's scale-out and scale-in examples pass, also shuffled."""
    scale_out = [
        StepAdjustment(lower_bound=20, adjustment=30),
        StepAdjustment(lower_bound=0, upper_bound=10, adjustment=0),
        StepAdjustment(lower_bound=10, upper_bound=20, adjustment=10),
    ]
    scale_in = [
        StepAdjustment(lower_bound=-10, upper_bound=0, adjustment=0),
        StepAdjustment(upper_bound=-10, adjustment=-10),
    ]
    require_contiguous(scale_out, "policy")
    require_contiguous(scale_in, "policy")


@pytest.mark.parametrize(
    ("intervals", "message"),
    [
        ([], "policy: has no step adjustment"),
        ([(0, 10), (15, math.inf)], "policy: steps overlap or leave a gap between 10 and 15"),
        ([(0, 10), (5, math.inf)], "policy: steps overlap or leave a gap between 10 and 5"),
        ([(0, math.inf), (10, math.inf)], "policy: steps overlap or leave a gap between inf and 10"),
        ([(0, 10)], "policy: highest bound 10 is positive, make it null"),
        ([(-10, 0)], "policy: lowest bound -10 is negative, make it null"),
    ],
)
def test_steps_with_gaps_or_open_ends_are_refused(intervals: list[tuple[float, float]], message: str) -> None:
    """What PutScalingPolicy refuses is refused with the bounds that do not fit."""
    steps = [StepAdjustment(lower_bound=lower, upper_bound=upper, adjustment=1) for lower, upper in intervals]
    with pytest.raises(ScalingConfigurationError) as raised:
        require_contiguous(steps, "policy")
    assert message == str(raised.value)


@pytest.mark.parametrize(
    ("lower", "upper", "message"),
    [
        (1, 1, "step adjustment: lower bound 1 and upper bound 1 leave no interval between them"),
        (-math.inf, math.inf, "step adjustment: lower and upper bound are both null, give one of them"),
    ],
)
def test_intervals_that_are_empty_or_unbounded_are_refused(lower: float, upper: float, message: str) -> None:
    """A single step is checked on construction."""
    with pytest.raises(ScalingConfigurationError) as raised:
        StepAdjustment(lower_bound=lower, upper_bound=upper, adjustment=1)
    assert message == str(raised.value)
