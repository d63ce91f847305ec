"""CloudWatch and Application Auto Scaling in a simulation: each minute's alarms, and the activities that they cause."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scaling_engine.alarms import AlarmState, Evaluation, evaluate
from scaling_engine.scalable_target import PolicyAlarm, ScalableTarget, ScalingActivity
from scaling_engine.schedules import calendar_minute
from scaling_engine.variant_scaling import VariantScaling
from scaling_simulator.published import PublishedMetrics

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scaling_engine.assumptions import Assumptions
    from scaling_simulator.endpoint import SimulatedEndpoint
    from scaling_simulator.options import Options
    from scaling_simulator.published import SeriesKey
    from scaling_simulator.template import Deployment, WiredAlarm


class EvaluatedAlarm:
    """One alarm with its state.

    Args:
        wired: the alarm and its policies.
        metrics: what is published.
        assumptions: how it is evaluated.
    """

    def __init__(self, wired: WiredAlarm, metrics: PublishedMetrics, assumptions: Assumptions) -> None:
        self._wired = wired
        self._series = metrics[wired.alarm.metric]
        self._assumptions = assumptions
        self._read: list[float | None] = []
        self._evaluation = Evaluation(alarm=wired.alarm, state=AlarmState.INSUFFICIENT_DATA)

    def evaluate(self, now: float) -> list[PolicyAlarm]:
        """Return the alarm, as evaluated at ``now``, once for each of its policies."""
        alarm = self._wired.alarm
        read = self._series.datapoints(period_seconds=alarm.period_seconds, count=alarm.evaluation_range, now=now)
        # The same datapoints and the same state give the same evaluation.
        if read != self._read:
            self._evaluation = evaluate(alarm, read, self._evaluation.state, self._assumptions)
            self._read = read
        return [PolicyAlarm(policy=policy, alarm=alarm, evaluation=self._evaluation) for policy in self._wired.policies]


class Scaler:
    """Scales a simulated endpoint.

    Args:
        deployment: the policies and alarms.
        options: the assumptions and the calendar.
        endpoint: what is scaled.

    Attributes:
        activities: those that were begun.
    """

    def __init__(self, deployment: Deployment, options: Options, endpoint: SimulatedEndpoint) -> None:
        self.activities: list[ScalingActivity] = []
        self._actions = deployment.scheduled_actions
        self._options = options
        self._endpoint = endpoint
        assumptions = options.assumptions
        self._scaling = VariantScaling(limits=deployment.limits, assumptions=assumptions)
        self._metrics = PublishedMetrics([wired.alarm.metric for wired in deployment.alarms], assumptions)
        self._alarms = [EvaluatedAlarm(wired, self._metrics, assumptions) for wired in deployment.alarms]
        self._in_progress: list[ScalingActivity] = []

    def publish(self, samples: Mapping[SeriesKey, tuple[float, ...]]) -> None:
        """Keep the samples of the minute that ended."""
        self._metrics.add_minute(samples)

    def evaluate(self, now: float) -> None:
        """Evaluate the alarms and begin the activity that they cause."""
        self._act_on_schedule(now)
        policy_alarms = [alarm for evaluated in self._alarms for alarm in evaluated.evaluate(now)]
        activity = self._scaling.decide(
            policy_alarms, capacity=self._endpoint.desired_count, updating=self._endpoint.updating, now=now
        )
        if activity is not None:
            self.activities.append(activity)
            self._scaling.begin(activity)
            self._endpoint.resize(activity.to_capacity, now)
            self._in_progress.append(activity)
            self.observe(now)

    def observe(self, now: float) -> None:
        """Complete the activities in progress once the endpoint is not being updated any more."""
        if self._in_progress and not self._endpoint.updating:
            for activity in self._in_progress:
                self._scaling.complete(activity, now)
            self._in_progress.clear()

    def _act_on_schedule(self, now: float) -> None:
        if not self._actions:
            return
        minute = calendar_minute(self._options.start, now // 60 * 60)
        for action in self._actions:
            if action.is_due(minute, now):
                limits = self._scaling.limits
                low = limits.min_capacity if action.min_capacity is None else action.min_capacity
                high = limits.max_capacity if action.max_capacity is None else action.max_capacity
                self._scaling.limits = ScalableTarget(min_capacity=low, max_capacity=high)
