"""The engine agrees with an implementation of the documentation that shares nothing with it."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from scaling_engine.alarms import Alarm, AlarmState, evaluate
from scaling_engine.assumptions import MOST_EXTRA_DATAPOINTS, Assumptions, CooldownStart
from scaling_engine.documents import alarm_from_api, scaling_policy_from_api
from scaling_engine.policies import TargetTrackingPolicy
from scaling_engine.scalable_target import PolicyAlarm, ScalableTarget
from scaling_engine.variant_scaling import VariantScaling
from tests.unit.scaling_engine.reference import Document, MinuteByMinute, alarm_state

if TYPE_CHECKING:
    from scaling_engine.policies import ScalingPolicy
    from scaling_engine.scalable_target import ScalingActivity

CASES = 1_000
PARTS = 10
"""A failure names its part and its case."""

MINUTES = 40
"""Longer than any alarm looks back, and than an activity and its cooldown together take twice."""
METRICS = ("A", "B")
OPERATORS = ("GreaterThanThreshold", "GreaterThanOrEqualToThreshold", "LessThanThreshold", "LessThanOrEqualToThreshold")


def random_alarm(random: Random, name: str, operators: tuple[str, ...] = OPERATORS) -> Document:
    """Return an alarm of any kind on one of the metrics."""
    periods = random.choice((1, 1, 2, 3, 5, 8))
    return {
        "AlarmName": name,
        "Namespace": "N",
        "MetricName": random.choice(METRICS),
        "Statistic": "Average",
        "ComparisonOperator": random.choice(operators),
        "Threshold": float(random.choice((0, 1, 1, 4))),
        "Period": 60,
        "EvaluationPeriods": periods,
        "DatapointsToAlarm": random.randint(1, periods),
        "TreatMissingData": random.choice(("missing", "ignore", "breaching", "notBreaching")),
    }


def random_series(random: Random) -> list[float | None]:
    """Return minutes in which busy times, quiet times and gaps take turns."""
    series: list[float | None] = []
    while len(series) < MINUTES:
        values = random.choice(((None,), (0.0,), (0.0, None), (1.0, 5.0), (0.0, 1.0, 2.5), (12.0, None, 40.0)))
        series += [random.choice(values) for _ in range(random.randint(1, 9))]
    return series[:MINUTES]


@pytest.mark.parametrize("part", range(PARTS))
def test_single_alarms_agree(part: int) -> None:
    """State and datapoints, minute by minute, with all four treatments of missing data."""
    for case in range(part * CASES // PARTS, (part + 1) * CASES // PARTS):
        random = Random(case)  # noqa: S311 - chance that repeats
        document, series = random_alarm(random, "Alarm"), random_series(random)
        alarm, state, expected = alarm_from_api(document), AlarmState.INSUFFICIENT_DATA, "INSUFFICIENT_DATA"
        extra = random.randint(1, MOST_EXTRA_DATAPOINTS)
        for minute in range(1, MINUTES + 1):
            evaluation = evaluate(alarm, series[:minute], state, Assumptions(extra_datapoints=extra))
            expected, values = alarm_state(document, series[:minute], expected, extra)
            state = evaluation.state
            assert (str(state), list(evaluation.datapoints)) == (expected, values[::-1]), (case, minute, document)


def random_step_policy(random: Random, name: str, *, upward: bool) -> Document:
    """Return a step policy of one or two steps for one direction."""
    sign = 1 if upward else -1
    near, far = ("Lower", "Upper") if upward else ("Upper", "Lower")
    exact = random.random() < 0.3
    sizes = (random.randint(0, 4), random.randint(0, 6))
    adjustments = [size if exact else sign * size for size in sizes]
    bound = sign * random.choice((0.5, 2, 10))
    steps = [
        {f"MetricInterval{near}Bound": 0, f"MetricInterval{far}Bound": bound, "ScalingAdjustment": adjustments[0]},
        {f"MetricInterval{near}Bound": bound, "ScalingAdjustment": adjustments[1]},
    ]
    configuration = {
        "AdjustmentType": "ExactCapacity" if exact else "ChangeInCapacity",
        "MetricAggregationType": random.choice(("Average", "Minimum", "Maximum")),
        "Cooldown": random.choice((0, 60, 300, 600)),
        "StepAdjustments": steps,
    }
    return {"PolicyName": name, "PolicyType": "StepScaling", "StepScalingPolicyConfiguration": configuration}


def random_tracking_policy(random: Random, name: str) -> Document:
    """Return a target tracking policy on one of the metrics."""
    configuration = {
        "TargetValue": random.choice((1, 5, 2.5)),
        "CustomizedMetricSpecification": {
            "Namespace": "N",
            "MetricName": random.choice(METRICS),
            "Statistic": "Average",
        },
        "ScaleOutCooldown": random.choice((0, 120, 600)),
        "ScaleInCooldown": random.choice((0, 120, 600)),
        "DisableScaleIn": random.random() < 0.4,
    }
    return {
        "PolicyName": name,
        "PolicyType": "TargetTrackingScaling",
        "TargetTrackingScalingPolicyConfiguration": configuration,
    }


def tracking_alarms(policy: Document) -> list[Document]:
    """Return the alarms that AWS makes: 3 min above the target, 15 min below nine tenths of it."""
    configuration = policy["TargetTrackingScalingPolicyConfiguration"]
    kinds = (("High", "GreaterThanThreshold", 1.0, 3), ("Low", "LessThanThreshold", 0.9, 15))
    return [
        {
            "AlarmName": f"{policy['PolicyName']}-{name}",
            "Namespace": "N",
            "MetricName": configuration["CustomizedMetricSpecification"]["MetricName"],
            "Statistic": "Average",
            "ComparisonOperator": comparison,
            "Threshold": configuration["TargetValue"] * share,
            "Period": 60,
            "EvaluationPeriods": periods,
            "DatapointsToAlarm": periods,
            "TreatMissingData": "missing",
        }
        for name, comparison, share, periods in kinds
    ]


def random_policies(random: Random) -> tuple[list[Document], list[tuple[Document, str]]]:
    """Return two to four policies and their alarms."""
    policies: list[Document] = []
    alarms: list[tuple[Document, str]] = []
    for number in range(random.randint(2, 4)):
        name = f"P{number}"
        if random.random() < 0.4:
            policy = random_tracking_policy(random, name)
            own = tracking_alarms(policy)
        else:
            upward = random.random() < 0.6
            policy = random_step_policy(random, name, upward=upward)
            own = [random_alarm(random, f"{name}-Alarm", OPERATORS[:2] if upward else OPERATORS[2:])]
        policies.append(policy)
        alarms += [(alarm, name) for alarm in own]
    return policies, alarms


class Engine:
    """The engine, driven minute by minute with activities that take their time."""

    def __init__(
        self, policies: list[Document], alarms: list[tuple[Document, str]], scaling: VariantScaling, **given: int
    ) -> None:
        self.policies = {policy["PolicyName"]: scaling_policy_from_api(policy) for policy in policies}
        self.alarms = [self._wired(alarm, self.policies[name]) for alarm, name in alarms]
        self.states = [AlarmState.INSUFFICIENT_DATA] * len(alarms)
        self.scaling = scaling
        self.capacity, self.activity_seconds = given["capacity"], given["activity_seconds"]
        self.going_on: list[tuple[int, ScalingActivity]] = []

    @staticmethod
    def _wired(document: Document, policy: ScalingPolicy) -> tuple[Alarm, ScalingPolicy]:
        if not isinstance(policy, TargetTrackingPolicy):
            return alarm_from_api(document), policy
        make = policy.high_alarm if document["AlarmName"].endswith("High") else policy.low_alarm
        return make(document["AlarmName"]), policy

    def minute(self, now: int, history: dict[str, list[float | None]]) -> int:
        """Return the capacity wanted from now on."""
        for end, ended in [one for one in self.going_on if one[0] <= now]:
            self.scaling.complete(ended, end)
            self.going_on.remove((end, ended))
        policy_alarms = []
        for index, (alarm, policy) in enumerate(self.alarms):
            series = alarm.metric.datapoints(lambda metric: history[metric.name])
            evaluation = evaluate(alarm, series, self.states[index], self.scaling.assumptions)
            self.states[index] = evaluation.state
            policy_alarms.append(PolicyAlarm(policy=policy, alarm=alarm, evaluation=evaluation))
        activity = self.scaling.decide(
            policy_alarms, capacity=self.capacity, updating=bool(self.going_on), now=float(now)
        )
        if activity is not None:
            self.scaling.begin(activity)
            self.going_on.append((now + self.activity_seconds, activity))
            self.capacity = activity.to_capacity
        return self.capacity


def random_case(case: int) -> tuple[MinuteByMinute, Engine, dict[str, list[float | None]]]:
    """Return both implementations of the same policies, and what the metrics say."""
    random = Random(case)  # noqa: S311 - chance that repeats
    policies, alarms = random_policies(random)
    minimum = random.randint(0, 2)
    limits = (minimum, minimum + random.randint(0, 12))
    given: dict[str, Any] = {"capacity": random.randint(0, 8), "activity_seconds": random.choice((0, 60, 150, 420))}
    blocked, from_decision = random.random() < 0.5, random.random() < 0.5
    extra = random.randint(1, MOST_EXTRA_DATAPOINTS)
    reference = MinuteByMinute(
        policies, alarms, limits=limits, blocked=blocked, from_decision=from_decision, extra_periods=extra, **given
    )
    start = CooldownStart.DECISION if from_decision else CooldownStart.COMPLETION
    scaling = VariantScaling(
        limits=ScalableTarget(min_capacity=limits[0], max_capacity=limits[1]),
        assumptions=Assumptions(blocked_while_updating=blocked, cooldown_start=start, extra_datapoints=extra),
    )
    series = {name: random_series(random) for name in METRICS}
    return reference, Engine(policies, alarms, scaling, **given), series


@pytest.mark.parametrize("part", range(PARTS))
def test_several_policies_on_one_target_agree(part: int) -> None:
    """Capacity, minute by minute: the largest wish, limits, cooldowns, repeated actions, updates in progress."""
    for case in range(part * CASES // PARTS, (part + 1) * CASES // PARTS):
        reference, engine, series = random_case(case)
        for minute in range(1, MINUTES + 1):
            history = {name: values[:minute] for name, values in series.items()}
            expected = reference.minute(minute * 60, history)
            assert expected == engine.minute(minute * 60, history), (case, minute, list(engine.policies.values()))


def test_the_random_cases_are_not_idle() -> None:
    """Agreement means something only where something happens."""
    activities: list[dict[str, Any]] = []
    for case in range(50):
        reference, _, series = random_case(case)
        for minute in range(1, MINUTES + 1):
            reference.minute(minute * 60, {name: values[:minute] for name, values in series.items()})
        activities += reference.activities
    assert len([one for one in activities if one["added"] > 0]) > 50
    assert len([one for one in activities if one["added"] < 0]) > 50
