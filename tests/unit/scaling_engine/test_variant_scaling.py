"""Where cooldowns start, and what updates in progress block."""

from __future__ import annotations

from dataclasses import replace

import pytest

from scaling_engine.alarms import Alarm, AlarmState, ComparisonOperator, Evaluation
from scaling_engine.assumptions import Assumptions, CooldownStart
from scaling_engine.metrics import Metric
from scaling_engine.policies import StepScalingPolicy
from scaling_engine.scalable_target import PolicyAlarm, ScalableTarget, ScalingActivity
from scaling_engine.steps import AdjustmentType, StepAdjustment
from scaling_engine.variant_scaling import VariantScaling

WAKE = StepScalingPolicy(
    name="Wake",
    adjustment_type=AdjustmentType.CHANGE_IN_CAPACITY,
    steps=(StepAdjustment(lower_bound=0, adjustment=1),),
    cooldown_seconds=300,
)
ALARM = Alarm(
    name="Backlog",
    metric=Metric(namespace="N", name="M"),
    comparison=ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
    threshold=1,
    period_seconds=60,
    evaluation_periods=1,
    datapoints_to_alarm=1,
)
FIRES = [
    PolicyAlarm(policy=WAKE, alarm=ALARM, evaluation=Evaluation(alarm=ALARM, state=AlarmState.ALARM, datapoints=(1.0,)))
]


def scaling(**assumptions: object) -> VariantScaling:
    """Return the scaling of a variant of up to 9 instances."""
    limits = ScalableTarget(min_capacity=0, max_capacity=9)
    return VariantScaling(limits=limits, assumptions=Assumptions(**assumptions))  # type: ignore[arg-type]


def woken(variant: VariantScaling) -> ScalingActivity:
    """Begin the first activity, at 0."""
    activity = variant.decide(FIRES, capacity=0, updating=False, now=0)
    assert activity is not None
    variant.begin(activity)
    return activity


@pytest.mark.parametrize(("blocked", "capacity"), [(True, None), (False, 1)])
def test_an_update_blocks_scaling_or_not(*, blocked: bool, capacity: int | None) -> None:
    """SageMaker refuses to scale an endpoint that is being updated; whether alarms act again later is not said."""
    activity = scaling(blocked_while_updating=blocked).decide(FIRES, capacity=0, updating=True, now=0)
    assert capacity == (activity and activity.to_capacity)


@pytest.mark.parametrize(
    ("start", "grows_at"), [(CooldownStart.DECISION, 300.0), (CooldownStart.COMPLETION, 500.0 + 300.0)]
)
def test_a_cooldown_starts_at_the_decision_or_at_the_completion(start: CooldownStart, grows_at: float) -> None:
    """An activity that goes on counts as in its cooldown where that starts at completion."""
    variant = scaling(cooldown_start=start, blocked_while_updating=False)
    activity = woken(variant)
    minutes = [float(minute) for minute in range(60, 1_000, 20)]
    grown = []
    for now in minutes:
        if now == 500:
            variant.complete(activity, now)
        if variant.decide(FIRES, capacity=1, updating=now < 500, now=now):
            grown.append(now)
    assert grown[0] == grows_at


def test_an_earlier_activity_does_not_end_a_later_ones_cooldown() -> None:
    """Launches overlap where updates block nothing."""
    variant = scaling(blocked_while_updating=False)
    first = woken(variant)
    later = ScalingActivity(from_capacity=1, to_capacity=2, cause="more", policy=WAKE, time=60)
    variant.begin(later)
    variant.complete(first, 100)
    assert variant.decide(FIRES, capacity=2, updating=True, now=1_000) is None


def test_a_failed_activity_leaves_no_cooldown() -> None:
    """The next minute tries again."""
    variant = scaling()
    activity = woken(variant)
    variant.fail(activity)
    assert variant.decide(FIRES, capacity=0, updating=False, now=60) is not None


def test_a_scale_in_meanwhile_does_not_keep_a_scale_outs_cooldown_open() -> None:
    """Found by the reference: the wake policy would have waited for ever for the end of its first activity."""
    variant = scaling(blocked_while_updating=False)
    first = woken(variant)
    rest = replace(WAKE, name="Rest", cooldown_seconds=0)
    back = ScalingActivity(from_capacity=1, to_capacity=0, cause="rest", policy=rest, time=60)
    variant.begin(back)
    variant.complete(back, 60)
    variant.complete(first, 100)
    assert variant.decide(FIRES, capacity=1, updating=False, now=399) is None
    assert variant.decide(FIRES, capacity=1, updating=False, now=400) is not None
