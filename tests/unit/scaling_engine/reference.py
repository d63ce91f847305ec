"""A second, slow implementation of alarms and scaling, written from the documentation and from nothing of the engine.

It reads the same documents, keeps everything in dictionaries and lists, and walks through every minute. The engine has
to agree with it on random cases (:mod:`tests.unit.scaling_engine.test_reference`). Sources: *Amazon CloudWatch User
Guide*, "Configuring how CloudWatch alarms treat missing data"; *Application Auto Scaling User Guide*, "Step scaling
policies", "How target tracking works", "Cooldown period".
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

Document = dict[str, Any]
INFINITY = float("inf")


def breaches(alarm: Document, value: float) -> bool:
    """Say whether the value is on the wrong side of the threshold."""
    threshold = alarm["Threshold"]
    verdicts: dict[str, bool] = {
        "GreaterThanThreshold": value > threshold,
        "GreaterThanOrEqualToThreshold": value >= threshold,
        "LessThanThreshold": value < threshold,
        "LessThanOrEqualToThreshold": value <= threshold,
    }
    return verdicts[alarm["ComparisonOperator"]]


def alarm_state(
    alarm: Document, history: list[float | None], state: str, extra_periods: int
) -> tuple[str, list[float]]:
    """Return the state of the alarm now, and the real datapoints that it looked at, newest first.

    The evaluation range is longer than the evaluation periods, in all of the guide's examples by two.
    """
    periods, needed = alarm["EvaluationPeriods"], alarm["DatapointsToAlarm"]
    newest_first = history[::-1][: periods + extra_periods]
    ages = [age for age, value in enumerate(newest_first, start=1) if value is not None]
    looked_at = [value for value in newest_first if value is not None][:periods]
    verdicts: list[bool | None] = [breaches(alarm, value) for value in looked_at]
    verdicts += [{"breaching": True, "notBreaching": False}.get(alarm["TreatMissingData"])] * (periods - len(verdicts))
    if verdicts.count(True) >= needed:
        return "ALARM", looked_at
    if False in verdicts:
        return "OK", looked_at
    if alarm["TreatMissingData"] == "ignore":
        return state, looked_at
    # Only breaching datapoints, fewer than needed, the rest missing: an alarm once the oldest is old enough.
    old_enough = bool(ages) and max(ages) >= needed
    return ("ALARM" if old_enough else "INSUFFICIENT_DATA"), looked_at


class MinuteByMinute:
    """Several policies on one target, with their alarms, from one minute to the next.

    Args:
        policies: documents as ``PutScalingPolicy`` takes them.
        alarms: pairs of an alarm's document and the name of the policy that it invokes.
        limits: minimum and maximum.
        capacity: in the beginning.
        activity_seconds: how long an activity takes.
        blocked: whether nothing scales during an activity.
        from_decision: whether cooldowns start at the decision rather than at the activity's end.
        extra_periods: how much further than their evaluation periods alarms look back.
    """

    def __init__(
        self,
        policies: list[Document],
        alarms: list[tuple[Document, str]],
        *,
        limits: tuple[int, int],
        capacity: int,
        activity_seconds: int,
        blocked: bool,
        from_decision: bool,
        extra_periods: int,
    ) -> None:
        self.policies = {policy["PolicyName"]: policy for policy in policies}
        self.alarms = alarms
        self.states = ["INSUFFICIENT_DATA"] * len(alarms)
        self.minimum, self.maximum = limits
        self.capacity = capacity
        self.activity_seconds = activity_seconds
        self.blocked = blocked
        self.from_decision = from_decision
        self.extra_periods = extra_periods
        self.activities: list[dict[str, Any]] = []

    def minute(self, now: int, history: dict[str, list[float | None]]) -> int:
        """Evaluate all alarms, act, and return the capacity wanted from now on."""
        fired = []
        for index, (alarm, name) in enumerate(self.alarms):
            series, state = history[alarm["MetricName"]], self.states[index]
            self.states[index], values = alarm_state(alarm, series, state, self.extra_periods)
            fired.append((alarm, self.policies[name], values, self.states[index] == "ALARM"))
        going_on = [one for one in self.activities if one["end"] > now]
        if self.blocked and going_on:
            return self.capacity
        if not self.minimum <= self.capacity <= self.maximum:
            self._act(now, None, max(self.minimum, min(self.maximum, self.capacity)))
            return self.capacity
        best = self._best(now, fired)
        if best is not None:
            wanted, policy = best
            cooling = wanted < self.capacity and self._scale_in_is_cooling(now)
            if wanted != self.capacity and not cooling:
                self._act(now, policy, wanted)
        return self.capacity

    def _best(self, now: int, fired: list[tuple[Document, Document, list[float], bool]]) -> tuple[int, Document] | None:
        ready = all(
            fires
            for alarm, policy, _, fires in fired
            if policy["PolicyType"] == "TargetTrackingScaling"
            and alarm["ComparisonOperator"] == "LessThanThreshold"
            and not tracking(policy)["DisableScaleIn"]
        )
        best: tuple[int, Document] | None = None
        for alarm, policy, values, fires in fired:
            is_step = policy["PolicyType"] == "StepScaling"
            wanted = None
            if fires:
                wanted = self._step(now, alarm, policy, values) if is_step else self._track(now, alarm, policy, values)
            if wanted is None or (wanted < self.capacity and not is_step and not ready):
                continue
            if best is None or wanted > best[0]:
                best = wanted, policy
        return best

    def _step(self, now: int, alarm: Document, policy: Document, values: list[float]) -> int | None:
        configuration = policy["StepScalingPolicyConfiguration"]
        value = aggregated(configuration["MetricAggregationType"], values) if values else alarm["Threshold"]
        beyond = value - alarm["Threshold"]
        for step in configuration["StepAdjustments"]:
            low, high = step.get("MetricIntervalLowerBound", -INFINITY), step.get("MetricIntervalUpperBound", INFINITY)
            upward = alarm["ComparisonOperator"].startswith("Greater")
            if (low <= beyond < high) if upward else (low < beyond <= high):
                return self._stepped(now, policy, step["ScalingAdjustment"])
        return None

    def _stepped(self, now: int, policy: Document, adjustment: int) -> int:
        if policy["StepScalingPolicyConfiguration"]["AdjustmentType"] == "ExactCapacity":
            return self._bounded(adjustment)
        if adjustment <= 0:
            return self._bounded(self.capacity + adjustment)
        # What the cooldown's first scale-out added is part of what this one adds.
        return max(self.capacity, self._bounded(max(0, self.capacity - self._added(now, policy)) + adjustment))

    def _track(self, now: int, alarm: Document, policy: Document, values: list[float]) -> int | None:
        configuration, upward = tracking(policy), alarm["ComparisonOperator"].startswith("Greater")
        if not values or (configuration["DisableScaleIn"] and not upward):
            return None
        ratio = Fraction(values[0]) / Fraction(configuration["TargetValue"])
        if not upward:
            return self._bounded(min(self.capacity, ceiling(max(self.capacity, 1) * ratio)))
        if ceiling(max(self.capacity, 1) * ratio) <= self.capacity:
            return self.capacity
        base = max(0, self.capacity - self._added(now, policy))
        return max(self.capacity, self._bounded(max(base, ceiling(max(base, 1) * ratio))))

    def _bounded(self, wanted: int) -> int:
        """Keep a wish within the limits, without turning it around."""
        if wanted < self.capacity:
            return min(self.capacity, max(wanted, self.minimum))
        return max(self.capacity, min(wanted, self.maximum)) if wanted > self.capacity else wanted

    def _cooling(self, activity: dict[str, Any], now: int, cooldown: int) -> bool:
        """Say whether an activity's cooldown runs; an activity that goes on counts where it starts at its end."""
        return bool(now < (activity["start"] if self.from_decision else activity["end"]) + cooldown)

    def _added(self, now: int, policy: Document) -> int:
        """Return what the policy's scale-outs in its present cooldown have added.

        Each scale-out during a cooldown starts it anew, so what counts reaches back to the first of an unbroken chain.
        """
        added, later = 0, now
        cooldown = scale_out_cooldown(policy)
        for activity in reversed(self.activities):
            if activity["policy"] is not policy or activity["added"] <= 0:
                continue
            if not self._cooling(activity, later, cooldown):
                break
            added += activity["added"]
            later = activity["start"]
        return added

    def _scale_in_is_cooling(self, now: int) -> bool:
        """Only the latest scale-in counts, and a later scale-out by a policy ends its cooldown."""
        for activity in reversed(self.activities):
            if activity["policy"] is not None:
                is_scale_in = activity["added"] < 0
                return is_scale_in and self._cooling(activity, now, scale_in_cooldown(activity["policy"]))
        return False

    def _act(self, now: int, policy: Document | None, wanted: int) -> None:
        activity = {"start": now, "end": now + self.activity_seconds, "policy": policy}
        self.activities.append(activity | {"added": wanted - self.capacity})
        self.capacity = wanted


def aggregated(kind: str, values: list[float]) -> float:
    """Return the one value of an alarm's datapoints that selects a step."""
    ordered = sorted(values)
    return {"Minimum": ordered[0], "Maximum": ordered[-1]}.get(kind, float(sum(map(Fraction, values)) / len(values)))


def tracking(policy: Document) -> Document:
    """Return the configuration of a target tracking policy."""
    return dict(policy["TargetTrackingScalingPolicyConfiguration"])


def scale_out_cooldown(policy: Document) -> int:
    """Return the cooldown after a scale-out, in seconds."""
    if policy["PolicyType"] == "StepScaling":
        return int(policy["StepScalingPolicyConfiguration"]["Cooldown"])
    return int(tracking(policy)["ScaleOutCooldown"])


def scale_in_cooldown(policy: Document) -> int:
    """Return the cooldown after a scale-in, in seconds."""
    if policy["PolicyType"] == "StepScaling":
        return int(policy["StepScalingPolicyConfiguration"]["Cooldown"])
    return int(tracking(policy)["ScaleInCooldown"])


def ceiling(number: Fraction) -> int:
    """Round up."""
    return -(-number.numerator // number.denominator)
