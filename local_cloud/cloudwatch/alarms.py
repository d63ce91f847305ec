"""Evaluates the metric alarms that MiniStack keeps, by the scaling engine and on simulated time.

Every alarm is evaluated each minute on periods that end with that minute, however long they are: at the end of minute
six a period of five minutes is minutes two to six. An alarm whose evaluation periods exceed a day is evaluated once an
hour. Source: *Amazon CloudWatch User Guide*, "Alarm evaluation" ("an alarm is evaluated every minute and the evaluation
is based on the window of time defined by the Period and Evaluation Periods") and "Alarm evaluation window", whose
default slides. High-resolution alarms, which CloudWatch evaluates every ten seconds, are evaluated each minute, too.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from local_cloud.cloudwatch.alarm_time import alarm_timestamp
from local_cloud.internal_errors import reported
from local_cloud.service_model import input_shape
from scaling_engine.alarms import SECONDS_PER_DAY, SECONDS_PER_HOUR, Alarm, AlarmState, Evaluation, evaluate
from scaling_engine.assumptions import DEFAULTS, Assumptions
from scaling_engine.documents import alarm_from_api
from scaling_engine.exceptions import ScalingConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from local_cloud.json_api import Members
    from local_cloud.ministack_alarms import MiniStackAlarms
    from local_cloud.ministack_metrics import MiniStackMetrics
    from local_cloud.scope import Scope
    from scaling_engine.metrics import Metric

_OF_ONE_METRIC: Final = ("MetricName", "Namespace", "Dimensions", "Statistic", "Period")
"""What an alarm on metric math does not have; MiniStack gives every alarm some of it."""

_DEFAULT_WINDOW: Final[Mapping[str, Any]] = {"SlidingWindow": {}}

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class EvaluatedAlarm:
    """An alarm with what it concluded this minute.

    Attributes:
        scope: of the alarm.
        alarm: what was evaluated.
        evaluation: its result.
        actions: ARNs to invoke while it is in ``ALARM``; none where its actions are disabled.
    """

    scope: Scope
    alarm: Alarm
    evaluation: Evaluation
    actions: tuple[str, ...]


class AlarmEvaluator:
    """Evaluates every alarm.

    Args:
        alarms: what is evaluated.
        metrics: what they watch.
        assumptions: what AWS leaves open about it.
    """

    def __init__(self, alarms: MiniStackAlarms, metrics: MiniStackMetrics, assumptions: Assumptions = DEFAULTS) -> None:
        self._alarms = alarms
        self._metrics = metrics
        self._assumptions = assumptions
        self._refused: set[str] = set()

    def evaluate(self, now: float) -> list[EvaluatedAlarm]:
        """Evaluate on the metrics before ``now``, a full minute, and store new states.

        An alarm that fails is reported, and neither scales nor keeps another one from being evaluated.
        """
        evaluated = []
        for scope, members in self._alarms.metric_alarms():
            with reported(f"the evaluation of {members['AlarmArn']}"):
                evaluated.append(self._evaluate(scope, members, now))
        return [alarm for alarm in evaluated if alarm is not None]

    def _evaluate(self, scope: Scope, members: Members, now: float) -> EvaluatedAlarm | None:
        try:
            # The engine knows no units: which samples an alarm watches is decided where they are kept.
            alarm = alarm_from_api(alarm_members({**members, "Unit": None}))
            if not is_due(alarm, now):
                return None
            datapoints = self._datapoints(scope, alarm, members.get("Unit"), now)
        except ScalingConfigurationError as error:
            self._refuse(members["AlarmArn"], error)
            return None
        state = AlarmState(members["StateValue"])
        evaluation = evaluate(alarm, datapoints, state, self._assumptions)
        if evaluation.state is not state:
            data = state_reason_data(evaluation, datapoints, members, now)
            self._alarms.set_state(scope, alarm.name, evaluation.state, evaluation.reason, data)
        actions = tuple(members.get("AlarmActions") or ()) if members.get("ActionsEnabled", True) else ()
        return EvaluatedAlarm(scope=scope, alarm=alarm, evaluation=evaluation, actions=actions)

    def _datapoints(self, scope: Scope, alarm: Alarm, unit: str | None, now: float) -> list[float | None]:
        def fetch(metric: Metric) -> list[float | None]:
            return self._metrics.statistics(
                scope, metric, period=alarm.period_seconds, count=alarm.evaluation_range, end=now, unit=unit
            )

        return alarm.metric.datapoints(fetch, self._assumptions)

    def _refuse(self, arn: str, error: ScalingConfigurationError) -> None:
        if arn not in self._refused:
            self._refused.add(arn)
            logger.warning("%s is never evaluated: %s", arn, error)


def is_due(alarm: Alarm, now: float) -> bool:
    """Return whether an alarm is evaluated at ``now``, a full minute."""
    is_multi_day = alarm.period_seconds * alarm.evaluation_periods > SECONDS_PER_DAY
    return not is_multi_day or now % SECONDS_PER_HOUR == 0


def alarm_members(description: Members) -> dict[str, object]:
    """Return those members of a described alarm with which ``PutMetricAlarm`` could have made it."""
    known = input_shape("cloudwatch", "PutMetricAlarm").members
    instead = _OF_ONE_METRIC if description.get("Metrics") else ()
    return {
        name: value
        for name, value in description.items()
        if name in known and value not in (None, "", [], _DEFAULT_WINDOW) and name not in instead
    }


def state_reason_data(
    evaluation: Evaluation, datapoints: Sequence[float | None], members: Members, now: float
) -> dict[str, Any]:
    """Return what CloudWatch's ``StateReasonData`` says of an evaluation.

    AWS does not document its members: these are what users have posted.

    Args:
        evaluation: its result.
        datapoints: the metric in each period of the evaluation range, oldest first.
        members: the described alarm.
        now: when the last period ended.
    """
    alarm = evaluation.alarm
    first = now - len(datapoints) * alarm.period_seconds
    known = [(first + index * alarm.period_seconds, value) for index, value in enumerate(datapoints)]
    real = [(moment, value) for moment, value in known if value is not None]
    recent = real[len(real) - len(evaluation.datapoints) :]
    data: dict[str, Any] = {"version": "1.0", "queryDate": alarm_timestamp(now)}
    if recent:
        data["startDate"] = alarm_timestamp(recent[0][0])
    if members.get("Statistic"):
        data["statistic"] = members["Statistic"]
    return data | {
        "period": alarm.period_seconds,
        "recentDatapoints": [value for _, value in recent],
        "threshold": alarm.threshold,
        "evaluatedDatapoints": [
            {"timestamp": alarm_timestamp(moment), "value": value} for moment, value in reversed(recent)
        ],
    }
