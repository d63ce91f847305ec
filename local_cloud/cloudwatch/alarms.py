"""Evaluates the metric alarms that MiniStack keeps, by the scaling engine and on simulated time.

``PutMetricAlarm``, ``DescribeAlarms``, history and SNS actions stay MiniStack's: a new state is set by its
``SetAlarmState``, which records and notifies.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from local_cloud.errors import AwsError
from local_cloud.service_model import input_shape
from scaling_engine.alarms import Alarm, AlarmState, Evaluation, evaluate
from scaling_engine.documents import alarm_from_api
from scaling_engine.exceptions import ScalingConfigurationError

if TYPE_CHECKING:
    from local_cloud.json_api import Members
    from local_cloud.ministack_bridge import MiniStack
    from local_cloud.scope import Scope
    from scaling_engine.metrics import Metric

_OF_ONE_METRIC: Final = ("MetricName", "Namespace", "Dimensions", "Statistic", "Period")
"""What an alarm on metric math does not have; MiniStack gives every alarm some of it."""

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
    """Evaluates every alarm that ``ministack`` keeps."""

    def __init__(self, ministack: MiniStack) -> None:
        self._ministack = ministack
        self._refused: set[str] = set()

    async def evaluate(self, now: float) -> list[EvaluatedAlarm]:
        """Evaluate all alarms on the metrics before ``now`` and store their new states."""
        evaluated = [await self._evaluate(scope, members, now) for scope, members in list(self._ministack.alarms())]
        return [alarm for alarm in evaluated if alarm is not None]

    async def _evaluate(self, scope: Scope, members: Members, now: float) -> EvaluatedAlarm | None:
        try:
            # The engine knows no units: which samples an alarm watches is decided where they are kept.
            alarm = alarm_from_api(alarm_members({**members, "Unit": None}))
        except ScalingConfigurationError as error:
            self._refuse(members["AlarmArn"], error)
            return None
        self._ministack.enter(scope)
        state = AlarmState(members["StateValue"])
        evaluation = evaluate(alarm, self._datapoints(alarm, members.get("Unit"), now), state)
        if evaluation.state is not state:
            change = {"AlarmName": alarm.name, "StateValue": evaluation.state, "StateReason": evaluation.reason}
            try:
                await self._ministack.call("monitoring", "SetAlarmState", change)
            except AwsError as error:
                if error.code != "ResourceNotFound":
                    raise
                # Deleted since the minute began.
                return None
        actions = tuple(members.get("AlarmActions") or ()) if members.get("ActionsEnabled", True) else ()
        return EvaluatedAlarm(scope=scope, alarm=alarm, evaluation=evaluation, actions=actions)

    def _datapoints(self, alarm: Alarm, unit: str | None, now: float) -> list[float | None]:
        def fetch(metric: Metric) -> list[float | None]:
            return self._ministack.statistics(
                metric.namespace,
                metric.name,
                dict(metric.dimensions),
                metric.statistic,
                period=alarm.period_seconds,
                count=alarm.evaluation_range,
                end=now,
                unit=unit,
            )

        return alarm.metric.datapoints(fetch)

    def _refuse(self, arn: str, error: ScalingConfigurationError) -> None:
        if arn not in self._refused:
            self._refused.add(arn)
            logger.warning("%s is never evaluated: %s", arn, error)


def alarm_members(description: Members) -> dict[str, object]:
    """Return those members of a described alarm with which ``PutMetricAlarm`` could have made it."""
    known = input_shape("cloudwatch", "PutMetricAlarm").members
    instead = _OF_ONE_METRIC if description.get("Metrics") else ()
    return {
        name: value
        for name, value in description.items()
        if name in known and value not in (None, "", []) and name not in instead
    }
