"""How wishes, limits and cooldowns become one scaling activity."""

from __future__ import annotations

from dataclasses import replace

import pytest

from scaling_engine.alarms import Alarm, AlarmState, ComparisonOperator, Evaluation, evaluate
from scaling_engine.exceptions import ScalingConfigurationError
from scaling_engine.metrics import Metric
from scaling_engine.policies import ScalingPolicy, StepScalingPolicy, TargetTrackingPolicy
from scaling_engine.scalable_target import Cooldowns, PolicyAlarm, ScalableTarget, ScalingActivity
from scaling_engine.steps import AdjustmentType, StepAdjustment

DIMENSIONS = frozenset({("EndpointName", "ocr")})
BACKLOG = Metric(namespace="AWS/SageMaker", name="ApproximateBacklogSizePerInstance", dimensions=DIMENSIONS)
WAITING = Metric(namespace="AWS/SageMaker", name="HasBacklogWithoutCapacity", dimensions=DIMENSIONS)
TARGET = ScalableTarget(min_capacity=0, max_capacity=10)
ABOVE = Alarm(
    name="Above",
    metric=WAITING,
    comparison=ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
    threshold=1,
    period_seconds=60,
    evaluation_periods=2,
    datapoints_to_alarm=2,
)
BELOW = replace(ABOVE, name="Below", comparison=ComparisonOperator.LESS_THAN_THRESHOLD)
GROW = TargetTrackingPolicy(
    name="Grow", metric=BACKLOG, target_value=5, scale_out_cooldown_seconds=120, scale_in_cooldown_seconds=600
)
HIGH, LOW = GROW.high_alarm("High"), GROW.low_alarm("Low")


def step_policy(name: str, adjustment: int, **fields: object) -> StepScalingPolicy:
    """Return a policy with one step, beyond the threshold in the direction of ``adjustment``."""
    step = StepAdjustment(**({"lower_bound": 0} if adjustment > 0 else {"upper_bound": 0}), adjustment=adjustment)
    fields = {"adjustment_type": AdjustmentType.CHANGE_IN_CAPACITY, "steps": (step,), **fields}
    return StepScalingPolicy(name=name, **fields)  # type: ignore[arg-type] # fields are those of the policy


WAKE, SHRINK = step_policy("Wake", 1), step_policy("Shrink", -1)


def fired(policy: ScalingPolicy, alarm: Alarm, *datapoints: float) -> PolicyAlarm:
    """Return one of the policy's alarms in ALARM."""
    evaluation = Evaluation(alarm=alarm, state=AlarmState.ALARM, datapoints=datapoints)
    return PolicyAlarm(policy=policy, alarm=alarm, evaluation=evaluation)


def quiet(policy: ScalingPolicy, alarm: Alarm, state: AlarmState = AlarmState.OK) -> PolicyAlarm:
    """Return one of the policy's alarms in another state than ALARM."""
    return PolicyAlarm(policy=policy, alarm=alarm, evaluation=Evaluation(alarm=alarm, state=state, datapoints=(0,)))


def capacities(
    minutes: list[list[PolicyAlarm]],
    *,
    capacity: int,
    target: ScalableTarget = TARGET,
    cooldowns: Cooldowns | None = None,
) -> list[int]:
    """Return the capacity after each minute, with activities that complete at once."""
    cooldowns, history = cooldowns or Cooldowns(), []
    for minute, policy_alarms in enumerate(minutes):
        activity = target.decide(policy_alarms, capacity=capacity, cooldowns=cooldowns, now=60.0 * minute)
        if activity:
            cooldowns, capacity = cooldowns.after(activity, completed_at=activity.time), activity.to_capacity
        history.append(capacity)
    return history


def test_an_activity_says_what_happened_and_why_in_aws_words() -> None:
    """The wake policy takes zero to one, and the activity reads as DescribeScalingActivities would show it."""
    activity = TARGET.decide([fired(WAKE, ABOVE, 1, 1)], capacity=0, cooldowns=Cooldowns(), now=120)
    assert activity == ScalingActivity(
        from_capacity=0,
        to_capacity=1,
        cause="monitor alarm Above in state ALARM triggered policy Wake",
        policy=WAKE,
        time=120,
    )
    assert activity.description == "Setting desired instance count to 1."


@pytest.mark.parametrize("state", [AlarmState.OK, AlarmState.INSUFFICIENT_DATA])
def test_nothing_happens_unless_an_alarm_fires(state: AlarmState) -> None:
    """Neither OK nor insufficient data scales in either direction."""
    alarms = [quiet(WAKE, ABOVE, state), quiet(GROW, HIGH, state), quiet(GROW, LOW, state)]
    assert capacities([alarms], capacity=3) == [3]


def test_an_alarm_acts_every_minute_that_it_stays() -> None:
    """A step policy without cooldown adds an instance a minute, up to the maximum."""
    policy = replace(WAKE, cooldown_seconds=0)
    assert capacities(
        [[fired(policy, ABOVE, 1)]] * 4, capacity=0, target=ScalableTarget(min_capacity=0, max_capacity=3)
    ) == [1, 2, 3, 3]


def test_a_scale_out_cooldown_holds_back_the_same_wish() -> None:
    """One request at zero buys one instance while the cooldown of 300 s runs, and another one after it."""
    assert capacities([[fired(WAKE, ABOVE, 1)]] * 6, capacity=0) == [1, 1, 1, 1, 1, 2]


def test_a_larger_scale_out_in_the_cooldown_adds_the_difference_only() -> None:
    """The guide's example: +2, then +3 within the cooldown, adds one more, and goes on counting from the first base."""
    policy = step_policy(
        "Out",
        1,
        steps=(
            StepAdjustment(lower_bound=0, upper_bound=10, adjustment=2),
            StepAdjustment(lower_bound=10, adjustment=3),
        ),
    )
    minutes = [[fired(policy, ABOVE, value)] for value in (1, 11, 11, 1)]
    assert capacities(minutes, capacity=1) == [3, 4, 4, 4]


def test_target_tracking_does_not_compound_within_its_cooldown() -> None:
    """While new instances start, an unchanged metric asks for the same capacity; a higher one for the difference."""
    minutes = [[fired(GROW, HIGH, value)] for value in (10, 15, 15)]
    assert capacities(minutes, capacity=2) == [4, 6, 6]


def test_scale_out_cooldowns_hold_for_their_own_policy() -> None:
    """Another policy's scale-out is not held back by the cooldown of the wake policy."""
    assert capacities([[fired(WAKE, ABOVE, 1)], [fired(GROW, HIGH, 20)]], capacity=0) == [1, 4]


def test_a_scale_out_cooldown_outlives_another_policys_scale_out() -> None:
    """After target tracking has scaled out, the wake policy still waits for the effect of its own instance."""
    minutes = [[fired(WAKE, ABOVE, 1)], [fired(GROW, HIGH, 20)], [fired(WAKE, ABOVE, 1)]]
    assert capacities(minutes, capacity=0) == [1, 4, 4]


def test_a_scale_in_cooldown_blocks_every_scale_in() -> None:
    """After a scale-in of target tracking, 600 s pass before any policy scales in again."""
    minutes = [[fired(GROW, LOW, 3)], *[[fired(SHRINK, BELOW, 0)]] * 10]
    assert [6, *[6] * 9, 5] == capacities(minutes, capacity=10)


def test_a_scale_out_is_not_blocked_by_a_scale_in_cooldown_and_ends_it() -> None:
    """Scaling out works at once, and the minute after it a scale-in is possible again."""
    minutes = [[fired(SHRINK, BELOW, 0)], [fired(WAKE, ABOVE, 1)], [fired(SHRINK, BELOW, 0)]]
    assert capacities(minutes, capacity=5) == [4, 5, 4]


def test_a_scale_out_cooldown_blocks_no_scale_in() -> None:
    """A scale-in right after a scale-out is allowed, and the next scale-out counts from what is left."""
    add_two = step_policy("Add", 2)
    rest = step_policy("Rest", -1, adjustment_type=AdjustmentType.EXACT_CAPACITY, steps=exactly(0))
    minutes = [[fired(add_two, ABOVE, 1)], [fired(rest, BELOW, 0)], [fired(add_two, ABOVE, 1)]]
    assert capacities(minutes, capacity=3) == [5, 0, 2]


def exactly(capacity: int) -> tuple[StepAdjustment, ...]:
    """Return the steps that set a capacity while the metric is below the threshold."""
    return (StepAdjustment(upper_bound=0, adjustment=capacity),)


def test_a_cooldown_starts_when_the_activity_has_completed() -> None:
    """The caller says when that was."""
    activity = ScalingActivity(from_capacity=0, to_capacity=1, cause="", policy=WAKE, time=0)
    cooldowns = Cooldowns().after(activity, completed_at=200)
    base = [cooldowns.base_capacity(WAKE, 1, now) for now in (0, 499, 500)]
    assert base == [0, 0, 1]


def test_the_largest_capacity_wins_for_scale_out() -> None:
    """Of two policies that fire, the one that asks for more is the cause."""
    activity = TARGET.decide([fired(WAKE, ABOVE, 1), fired(GROW, HIGH, 30)], capacity=1, cooldowns=Cooldowns(), now=0)
    assert activity is not None
    assert (activity.to_capacity, activity.policy) == (6, GROW)


def test_the_largest_capacity_wins_for_scale_in() -> None:
    """Of two policies that scale in, the one that removes less is the cause."""
    activity = TARGET.decide([fired(GROW, LOW, 1), fired(SHRINK, BELOW, 0)], capacity=8, cooldowns=Cooldowns(), now=0)
    assert activity is not None
    assert (activity.to_capacity, activity.policy) == (7, SHRINK)


def test_a_firing_policy_that_wants_no_change_prevents_a_scale_in() -> None:
    """A wake policy in its cooldown still holds the capacity that it asked for against a step scale-in."""
    both = [fired(WAKE, ABOVE, 1), fired(SHRINK, BELOW, 0)]
    assert capacities([[fired(WAKE, ABOVE, 1)], both], capacity=0) == [1, 1]


def test_a_firing_policy_without_a_matching_step_prevents_nothing() -> None:
    """A policy that has nothing to say takes no part."""
    silent = step_policy("Silent", 1, steps=(StepAdjustment(lower_bound=5, adjustment=1),))
    assert capacities([[fired(silent, ABOVE, 1), fired(SHRINK, BELOW, 0)]], capacity=3) == [2]


@pytest.mark.parametrize("state", [AlarmState.OK, AlarmState.INSUFFICIENT_DATA])
def test_target_tracking_scales_in_only_when_all_target_tracking_is_ready(state: AlarmState) -> None:
    """A second target tracking policy that is not ready, or lacks data, keeps the first from scaling in."""
    other = replace(GROW, name="Other")
    assert capacities([[fired(GROW, LOW, 1), quiet(other, LOW, state)]], capacity=8) == [8]


def test_target_tracking_without_scale_in_keeps_nobody_from_scaling_in() -> None:
    """A policy whose scale-in is disabled neither scales in nor has to be ready."""
    other = replace(GROW, name="Other", disable_scale_in=True)
    assert [
        *capacities([[fired(GROW, LOW, 1), quiet(other, LOW)]], capacity=8),
        *capacities([[fired(GROW, LOW, 1), fired(other, LOW, 4.4)]], capacity=8),
    ] == [2, 2]


def test_a_step_scale_in_does_not_wait_for_target_tracking() -> None:
    """The guide's warning: a step policy scales in although target tracking is not ready to."""
    assert capacities([[fired(SHRINK, BELOW, 0), quiet(GROW, LOW)]], capacity=8) == [7]


def test_policies_stay_within_the_limits() -> None:
    """Wishes beyond minimum and maximum are cut to them."""
    target = ScalableTarget(min_capacity=2, max_capacity=4)
    assert capacities([[fired(GROW, HIGH, 1000)]], capacity=3, target=target) == [4]
    assert capacities([[fired(GROW, LOW, 0)]], capacity=3, target=target) == [2]


@pytest.mark.parametrize(("capacity", "policy_alarm"), [(6, fired(GROW, HIGH, 20)), (1, fired(GROW, LOW, 0))])
def test_limits_never_turn_a_policy_around(capacity: int, policy_alarm: PolicyAlarm) -> None:
    """Outside the limits, a scale-out removes nothing and a scale-in adds nothing."""
    assert [capacity] == capacities(
        [[policy_alarm]], capacity=capacity, target=ScalableTarget(min_capacity=2, max_capacity=4)
    )


@pytest.mark.parametrize(
    ("capacity", "expected"),
    [(1, (2, "minimum capacity was set to 2")), (9, (4, "maximum capacity was set to 4")), (3, None)],
)
def test_registering_a_target_moves_its_capacity_within_the_limits(
    capacity: int, expected: tuple[int, str] | None
) -> None:
    """Registration or update of a target adjusts the capacity, in AWS's words, and starts no cooldown."""
    activity = ScalableTarget(min_capacity=2, max_capacity=4).registered(capacity=capacity, now=60)
    assert expected == (activity and (activity.to_capacity, activity.cause))
    if activity:
        assert Cooldowns() == Cooldowns().after(activity, completed_at=60)


@pytest.mark.parametrize(("minimum", "maximum"), [(-1, 2), (3, 2)])
def test_crossed_limits_are_refused(minimum: int, maximum: int) -> None:
    """A target's range begins at 0 or above and does not end below its beginning."""
    with pytest.raises(ScalingConfigurationError) as raised:
        ScalableTarget(min_capacity=minimum, max_capacity=maximum)
    assert f"scalable target: {minimum} to {maximum} instances are no range from 0 upwards" == str(raised.value)


def test_an_endpoint_wakes_grows_and_rests() -> None:
    """Minute by minute through alarms and policies: zero wakes on the second minute of waiting, grows, rests."""
    waiting = [0.0, 1, 1, *[0] * 40]
    per_instance: list[float | None] = [0, None, None, 12, 12, 12, 6, *[0] * 36]
    states = {alarm.name: AlarmState.INSUFFICIENT_DATA for alarm in (ABOVE, HIGH, LOW)}
    capacity, cooldowns, changes = 0, Cooldowns(), []
    for minute in range(len(waiting)):
        series: list[tuple[ScalingPolicy, Alarm, list[float] | list[float | None]]] = [
            (WAKE, ABOVE, waiting),
            (GROW, HIGH, per_instance),
            (GROW, LOW, per_instance),
        ]
        policy_alarms = []
        for policy, alarm, values in series:
            evaluation = evaluate(alarm, values[: minute + 1], states[alarm.name])
            states[alarm.name] = evaluation.state
            policy_alarms.append(PolicyAlarm(policy=policy, alarm=alarm, evaluation=evaluation))
        activity = TARGET.decide(policy_alarms, capacity=capacity, cooldowns=cooldowns, now=60.0 * minute)
        if activity:
            cooldowns, capacity = cooldowns.after(activity, completed_at=activity.time), activity.to_capacity
            changes.append((minute, activity.policy, capacity))
    assert changes == [(2, WAKE, 1), (5, GROW, 3), (21, GROW, 0)]
