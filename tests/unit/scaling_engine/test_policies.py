"""What each kind of policy asks for when its alarm fires."""

from __future__ import annotations

from dataclasses import replace

import pytest

from scaling_engine.alarms import Alarm, ComparisonOperator, TreatMissingData
from scaling_engine.exceptions import ScalingConfigurationError
from scaling_engine.metrics import Metric
from scaling_engine.policies import MetricAggregationType, StepScalingPolicy, TargetTrackingPolicy
from scaling_engine.steps import AdjustmentType, StepAdjustment

BACKLOG = Metric(
    namespace="AWS/SageMaker", name="ApproximateBacklogSizePerInstance", dimensions=frozenset({("EndpointName", "ocr")})
)
GROW = TargetTrackingPolicy(name="Grow", metric=BACKLOG, target_value=5)
HIGH, LOW = GROW.high_alarm("High"), GROW.low_alarm("Low")
ABOVE_50 = Alarm(
    name="Above",
    metric=BACKLOG,
    comparison=ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
    threshold=50,
    period_seconds=60,
    evaluation_periods=1,
    datapoints_to_alarm=1,
)
BELOW_50 = replace(ABOVE_50, name="Below", comparison=ComparisonOperator.LESS_THAN_OR_EQUAL_TO_THRESHOLD)
# The guide's example of a scale-out and a scale-in policy.
SCALE_OUT = StepScalingPolicy(
    name="Out",
    adjustment_type=AdjustmentType.PERCENT_CHANGE_IN_CAPACITY,
    steps=(
        StepAdjustment(lower_bound=0, upper_bound=10, adjustment=0),
        StepAdjustment(lower_bound=10, upper_bound=20, adjustment=10),
        StepAdjustment(lower_bound=20, adjustment=30),
    ),
)
SCALE_IN = StepScalingPolicy(
    name="In",
    adjustment_type=AdjustmentType.PERCENT_CHANGE_IN_CAPACITY,
    steps=(
        StepAdjustment(lower_bound=-10, upper_bound=0, adjustment=0),
        StepAdjustment(lower_bound=-20, upper_bound=-10, adjustment=-10),
        StepAdjustment(upper_bound=-20, adjustment=-30),
    ),
)


def test_target_tracking_derives_the_alarms_that_aws_makes() -> None:
    """Three minutes above the target scale out, fifteen below nine tenths of it scale in."""
    high = Alarm(
        name="High",
        metric=BACKLOG,
        comparison=ComparisonOperator.GREATER_THAN_THRESHOLD,
        threshold=5,
        period_seconds=60,
        evaluation_periods=3,
        datapoints_to_alarm=3,
        treat_missing_data=TreatMissingData.MISSING,
    )
    low = replace(
        high,
        name="Low",
        comparison=ComparisonOperator.LESS_THAN_THRESHOLD,
        threshold=4.5,
        evaluation_periods=15,
        datapoints_to_alarm=15,
    )
    assert (high, low) == (HIGH, LOW)


@pytest.mark.parametrize(
    ("alarm", "metric", "capacity", "expected"),
    [
        (HIGH, 5.1, 1, 2),
        (HIGH, 10, 2, 4),
        (HIGH, 48 * 5, 1, 48),
        (HIGH, 5, 3, 3),
        (HIGH, 1, 3, 3),
        (LOW, 4, 3, 3),
        (LOW, 1, 10, 2),
        (LOW, 0.1, 3, 1),
        (LOW, 0, 3, 0),
        (LOW, 10, 1, 1),
    ],
)
def test_target_tracking_is_proportional_and_rounds_up(
    alarm: Alarm, metric: float, capacity: int, expected: int
) -> None:
    """Capacity follows metric over target, one way per alarm, and never so far in that the target is exceeded."""
    assert expected == GROW.desired_capacity(alarm, [metric], capacity)


@pytest.mark.parametrize(("alarm", "metric", "expected"), [(HIGH, 6, 2), (HIGH, 1000, 200), (LOW, 1, 0), (LOW, 0, 0)])
def test_zero_instances_count_as_one_for_the_proportion(alarm: Alarm, metric: float, expected: int) -> None:
    """At zero, a backlog above the target scales out as it would from one instance; below it, zero stays zero."""
    assert expected == GROW.desired_capacity(alarm, [metric], 0)


def test_the_most_recent_datapoint_decides() -> None:
    """Earlier datapoints of the alarm have no part in the proportion."""
    assert GROW.desired_capacity(HIGH, [100, 100, 10], 1) == 2


def test_a_metric_per_instance_multiplied_back_adds_no_instance() -> None:
    """A backlog that capacity divides into exact targets asks for that capacity, in spite of binary fractions."""
    wishes = {
        (backlog, capacity): GROW.desired_capacity(HIGH, [backlog / capacity], capacity)
        for capacity in range(1, 50)
        for backlog in range(5 * capacity, 1000, 5)
    }
    assert {key: key[0] // 5 for key in wishes} == wishes


def test_disabled_scale_in_has_nothing_to_say_to_the_low_alarm() -> None:
    """With scale-in disabled the low alarm gives no wish, so that other policies may scale in; the high one does."""
    policy = replace(GROW, disable_scale_in=True)
    assert [policy.desired_capacity(LOW, [0], 3), policy.desired_capacity(HIGH, [10], 1)] == [None, 2]


def test_target_tracking_without_datapoints_says_nothing() -> None:
    """There is no proportion of nothing."""
    assert GROW.desired_capacity(HIGH, [], 3) is None


def test_step_scaling_follows_the_guides_example() -> None:
    """10 instances become 11 at 60, 14 at 70, then 13 at 40 and 10 at 30; between 40 and 60 nothing changes."""
    expected = [10, 11, 14, 13, 10]
    capacity, actual = 10, []
    for policy, alarm, value in (
        (SCALE_OUT, ABOVE_50, 59.9),
        (SCALE_OUT, ABOVE_50, 60),
        (SCALE_OUT, ABOVE_50, 70),
        (SCALE_IN, BELOW_50, 40),
        (SCALE_IN, BELOW_50, 30),
    ):
        capacity = policy.desired_capacity(alarm, [value], capacity) or 0
        actual.append(capacity)
    assert expected == actual


@pytest.mark.parametrize(
    ("aggregation", "expected"),
    [(MetricAggregationType.MINIMUM, 10), (MetricAggregationType.AVERAGE, 11), (MetricAggregationType.MAXIMUM, 13)],
)
def test_step_scaling_aggregates_the_alarms_datapoints(aggregation: MetricAggregationType, expected: int) -> None:
    """Of 55, 65 and 75, the minimum, the average and the maximum select different steps."""
    policy = replace(SCALE_OUT, aggregation=aggregation)
    assert expected == policy.desired_capacity(ABOVE_50, [55, 65, 75], 10)


def test_a_step_with_the_wrong_bound_does_nothing() -> None:
    """A scale-in step whose lower bound is 0 never holds a value below the threshold: the alarm fires in vain."""
    policy = StepScalingPolicy(
        name="In",
        adjustment_type=AdjustmentType.CHANGE_IN_CAPACITY,
        steps=(StepAdjustment(lower_bound=0, adjustment=-1),),
    )
    assert policy.desired_capacity(BELOW_50, [10], 3) is None


@pytest.mark.parametrize(("policy", "alarm"), [(SCALE_OUT, ABOVE_50), (SCALE_IN, BELOW_50)])
def test_an_alarm_on_missing_data_counts_as_at_the_threshold(policy: StepScalingPolicy, alarm: Alarm) -> None:
    """Without a datapoint the step next to the threshold applies, in both directions."""
    nearest = replace(policy, adjustment_type=AdjustmentType.EXACT_CAPACITY, steps=exact(policy))
    assert nearest.desired_capacity(alarm, [], 3) == 7


def exact(policy: StepScalingPolicy) -> tuple[StepAdjustment, ...]:
    """Return the policy's steps with exact capacities: 7 for the one that touches the threshold, 9 for the others."""
    return tuple(
        replace(step, adjustment=7 if 0 in (step.lower_bound, step.upper_bound) else 9) for step in policy.steps
    )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"steps": ()}, "scaling policy Out: has no step adjustment"),
        (
            {
                "adjustment_type": AdjustmentType.EXACT_CAPACITY,
                "steps": (StepAdjustment(lower_bound=0, adjustment=-1),),
            },
            "scaling policy Out: an exact capacity is negative",
        ),
        ({"cooldown_seconds": -1}, "scaling policy Out: cooldown of -1 s is negative"),
        ({"min_adjustment_magnitude": -2}, "scaling policy Out: minimum adjustment magnitude -2 is negative"),
    ],
)
def test_malformed_step_policies_are_refused(changes: dict[str, object], message: str) -> None:
    """Each mistake gives one line that names the policy."""
    with pytest.raises(ScalingConfigurationError) as raised:
        replace(SCALE_OUT, **changes)  # type: ignore[arg-type] # each row fits the field that it names
    assert message == str(raised.value)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"target_value": 0}, "scaling policy Grow: target value 0 is not a positive number"),
        ({"scale_in_cooldown_seconds": -1}, "scaling policy Grow: cooldown of -1 s is negative"),
        ({"scale_out_cooldown_seconds": -2}, "scaling policy Grow: cooldown of -2 s is negative"),
    ],
)
def test_malformed_target_tracking_policies_are_refused(changes: dict[str, float], message: str) -> None:
    """Each mistake gives one line that names the policy."""
    with pytest.raises(ScalingConfigurationError) as raised:
        replace(GROW, **changes)  # type: ignore[arg-type] # each row fits the field that it names
    assert message == str(raised.value)
