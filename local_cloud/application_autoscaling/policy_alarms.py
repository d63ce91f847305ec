"""The two alarms that Application Auto Scaling keeps for each target tracking policy."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from scaling_engine.metric_documents import watched_members
from scaling_engine.policies import TargetTrackingPolicy

if TYPE_CHECKING:
    from local_cloud.application_autoscaling.targets import PolicyRecord, TargetRecord
    from local_cloud.ministack_bridge import MiniStack
    from scaling_engine.alarms import Alarm
    from scaling_engine.policies import ScalingPolicy


class PolicyAlarms:
    """The alarms of policies, which ``ministack`` keeps; those of step policies are their owners' own."""

    def __init__(self, ministack: MiniStack) -> None:
        self._ministack = ministack

    def names(self, target: TargetRecord, policy: ScalingPolicy, known: PolicyRecord | None) -> tuple[str, ...]:
        """Return the names of a policy's alarms: those that it has already, or new ones as AWS forms them."""
        if not isinstance(policy, TargetTrackingPolicy):
            return ()
        if known is not None and known.own_alarms:
            return known.own_alarms
        prefix = f"TargetTracking-{target.resource_id}"
        return f"{prefix}-AlarmHigh-{uuid.uuid4()}", f"{prefix}-AlarmLow-{uuid.uuid4()}"

    async def put(self, record: PolicyRecord) -> None:
        """Make the alarms those of a policy's present content."""
        if not isinstance(record.policy, TargetTrackingPolicy):
            return
        high, low = record.own_alarms
        for alarm in (record.policy.high_alarm(high), record.policy.low_alarm(low)):
            await self._ministack.call("monitoring", "PutMetricAlarm", _document(alarm, record.arn))

    async def delete(self, record: PolicyRecord) -> None:
        """Delete the alarms of a policy that goes."""
        if record.own_alarms:
            await self._ministack.call("monitoring", "DeleteAlarms", {"AlarmNames": list(record.own_alarms)})


def _document(alarm: Alarm, action: str) -> dict[str, Any]:
    return {
        "AlarmName": alarm.name,
        "AlarmDescription": f"DO NOT EDIT OR DELETE. For TargetTrackingScaling policy {action}.",
        **watched_members(alarm.metric, alarm.period_seconds),
        "EvaluationPeriods": alarm.evaluation_periods,
        "DatapointsToAlarm": alarm.datapoints_to_alarm,
        "Threshold": alarm.threshold,
        "ComparisonOperator": str(alarm.comparison),
        "TreatMissingData": str(alarm.treat_missing_data),
        "AlarmActions": [action],
    }
