"""What holds of every decision, whatever the policies, metrics and limits."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from scaling_engine.alarms import Alarm, AlarmState, ComparisonOperator, Evaluation
from scaling_engine.metrics import Metric
from scaling_engine.policies import ScalingPolicy, StepScalingPolicy, TargetTrackingPolicy
from scaling_engine.scalable_target import Cooldowns, PolicyAlarm, ScalableTarget, ScalingActivity
from scaling_engine.steps import AdjustmentType, StepAdjustment

METRIC = Metric(namespace="N", name="M")
ABOVE = Alarm(
    name="Above",
    metric=METRIC,
    comparison=ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
    threshold=5,
    period_seconds=60,
    evaluation_periods=1,
    datapoints_to_alarm=1,
)
BELOW = replace(ABOVE, name="Below", comparison=ComparisonOperator.LESS_THAN_OR_EQUAL_TO_THRESHOLD)
MINUTE = 60.0
"""Properties are about values: a busy machine must not fail them."""

few = settings(max_examples=50)
"""Examples of each property: the reference has a thousand more cases."""

names = st.sampled_from(["first", "second", "third"])
cooldown_seconds = st.integers(0, 600)
metrics = st.floats(0, 1000, allow_nan=False)
targets = st.tuples(st.integers(0, 5), st.integers(0, 20)).map(
    lambda limits: ScalableTarget(min_capacity=limits[0], max_capacity=sum(limits))
)


@st.composite
def step_policies(draw: st.DrawFn, *, upward: bool = True) -> StepScalingPolicy:
    """Return a policy for one direction whose steps do more the farther the metric is beyond the threshold."""
    sign = 1 if upward else -1
    bounds = [0.0, *sorted(draw(st.sets(st.floats(0.5, 500), max_size=3))), float("inf")]
    adjustments = sorted(draw(st.lists(st.integers(0, 30), min_size=len(bounds) - 1, max_size=len(bounds) - 1)))
    steps = tuple(
        StepAdjustment(lower_bound=min(edges), upper_bound=max(edges), adjustment=sign * adjustment)
        for edges, adjustment in zip(
            [(sign * near, sign * far) for near, far in pairwise(bounds)], adjustments, strict=True
        )
    )
    kinds = [AdjustmentType.CHANGE_IN_CAPACITY, AdjustmentType.PERCENT_CHANGE_IN_CAPACITY]
    return StepScalingPolicy(
        name=draw(names),
        adjustment_type=draw(st.sampled_from(kinds)),
        steps=steps,
        cooldown_seconds=draw(cooldown_seconds),
    )


tracking_policies = st.builds(
    TargetTrackingPolicy,
    name=names,
    metric=st.just(METRIC),
    target_value=st.floats(0.5, 100),
    scale_out_cooldown_seconds=cooldown_seconds,
    scale_in_cooldown_seconds=cooldown_seconds,
    disable_scale_in=st.booleans(),
)
policy_sets = st.lists(
    st.one_of(step_policies(), step_policies(upward=False), tracking_policies),
    min_size=1,
    max_size=3,
    unique_by=lambda policy: policy.name,
)


def alarms_of(policy: ScalingPolicy) -> list[Alarm]:
    """Return the alarms that drive ``policy``."""
    if isinstance(policy, TargetTrackingPolicy):
        return [policy.high_alarm(f"{policy.name}-high"), policy.low_alarm(f"{policy.name}-low")]
    assert isinstance(policy, StepScalingPolicy)
    return [ABOVE if any(step.adjustment > 0 for step in policy.steps) else BELOW]


def evaluated(policy: ScalingPolicy, value: float) -> list[PolicyAlarm]:
    """Return the policy's alarms after a long time at ``value``."""
    return [
        PolicyAlarm(
            policy=policy,
            alarm=alarm,
            evaluation=Evaluation(
                alarm=alarm,
                state=AlarmState.ALARM if alarm.is_breached_by(value) else AlarmState.OK,
                datapoints=(value,),
            ),
        )
        for alarm in alarms_of(policy)
    ]


def run(target: ScalableTarget, policies: list[ScalingPolicy], values: list[float]) -> list[ScalingActivity]:
    """Return the activities of a minute per value, from the target's minimum, each completed at once."""
    capacity, cooldowns, activities = target.min_capacity, Cooldowns(), []
    for minute, value in enumerate(values):
        policy_alarms = [item for policy in policies for item in evaluated(policy, value)]
        activity = target.decide(policy_alarms, capacity=capacity, cooldowns=cooldowns, now=minute * MINUTE)
        if activity:
            cooldowns, capacity = cooldowns.after(activity, completed_at=activity.time), activity.to_capacity
            activities.append(activity)
    return activities


@few
@given(target=targets, policies=policy_sets, values=st.lists(metrics, max_size=30))
def test_capacity_is_always_within_the_limits_and_activities_change_it(
    target: ScalableTarget, policies: list[ScalingPolicy], values: list[float]
) -> None:
    """No activity leaves the range of the target, none is without effect, and each starts where the last one ended."""
    activities = run(target, policies, values)
    for activity in activities:
        assert target.min_capacity <= activity.to_capacity <= target.max_capacity
        assert activity.from_capacity != activity.to_capacity
    assert [a.to_capacity for a in activities[:-1]] == [a.from_capacity for a in activities[1:]]


@few
@given(target=targets, policies=st.lists(tracking_policies, max_size=3), values=st.lists(metrics, max_size=30))
def test_disabled_scale_in_never_lowers_capacity(
    target: ScalableTarget, policies: list[TargetTrackingPolicy], values: list[float]
) -> None:
    """Target tracking with scale-in disabled only ever adds."""
    disabled: list[ScalingPolicy] = [
        replace(policy, name=str(index), disable_scale_in=True) for index, policy in enumerate(policies)
    ]
    assert all(activity.is_scale_out for activity in run(target, disabled, values))


@few
@given(target=targets, policies=policy_sets, values=st.lists(metrics, min_size=5, max_size=30))
def test_scale_in_cooldowns_are_respected(
    target: ScalableTarget, policies: list[ScalingPolicy], values: list[float]
) -> None:
    """Between two scale-ins without a scale-out between them lies at least the first one's cooldown."""
    for first, second in pairwise(run(target, policies, values)):
        if not first.is_scale_out and not second.is_scale_out:
            assert first.policy is not None
            assert second.time >= first.time + first.policy.scale_in_cooldown_seconds


@few
@given(target=targets, policy=st.one_of(step_policies(), tracking_policies), value=metrics, minutes=st.integers(1, 20))
def test_an_unchanged_metric_scales_out_once_per_cooldown(
    target: ScalableTarget, policy: ScalingPolicy, value: float, minutes: int
) -> None:
    """While the metric stays as it is, a policy's scale-outs are at least its cooldown apart."""
    for first, second in pairwise(run(target, [policy], [value] * minutes)):
        assert second.time >= first.time + policy.scale_out_cooldown_seconds


@few
@given(
    policy=st.one_of(step_policies(), step_policies(upward=False), tracking_policies),
    values=st.tuples(metrics, metrics).map(sorted),
    capacity=st.integers(0, 30),
    base=st.integers(0, 30),
    target=targets,
)
def test_a_larger_metric_never_gives_a_smaller_capacity(
    policy: ScalingPolicy, values: list[float], capacity: int, base: int, target: ScalableTarget
) -> None:
    """Whatever the policy, its cooldown and the limits, the decision is monotonic in the metric."""
    capacity = min(max(capacity, target.min_capacity), target.max_capacity)
    started = ScalingActivity(
        from_capacity=min(base, capacity), to_capacity=capacity + 1, cause="", policy=policy, time=0
    )
    cooldowns = Cooldowns().after(started, completed_at=0)

    def decided(value: float) -> int:
        activity = target.decide(evaluated(policy, value), capacity=capacity, cooldowns=cooldowns, now=MINUTE)
        return activity.to_capacity if activity else capacity

    assert decided(values[0]) <= decided(values[1])


@few
@given(policy=tracking_policies, backlog=st.integers(1, 500), capacity=st.integers(1, 30))
def test_a_scale_in_of_target_tracking_keeps_the_metric_within_the_target(
    policy: TargetTrackingPolicy, backlog: int, capacity: int
) -> None:
    """The backlog that made the low alarm fire, spread over what is left, is not above the target."""
    metric = backlog / capacity
    wish = policy.desired_capacity(policy.low_alarm("Low"), [metric], capacity)
    if wish is not None and metric < policy.target_value:
        assert backlog / wish <= policy.target_value * (1 + 1e-6)
