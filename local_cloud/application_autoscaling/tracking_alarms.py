"""The two alarms that Application Auto Scaling keeps for each target tracking policy."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from scaling_engine.metric_documents import watched_members

if TYPE_CHECKING:
    from scaling_engine.alarms import Alarm
    from scaling_engine.policies import TargetTrackingPolicy


def new_alarm_names(resource_id: str) -> tuple[str, str]:
    """Return names of a high and a low alarm, as AWS forms them."""
    prefix = f"TargetTracking-{resource_id}"
    return f"{prefix}-AlarmHigh-{uuid.uuid4()}", f"{prefix}-AlarmLow-{uuid.uuid4()}"


def alarm_documents(policy: TargetTrackingPolicy, names: tuple[str, ...], policy_arn: str) -> list[dict[str, Any]]:
    """Return the members of the two ``PutMetricAlarm`` calls that make the alarms of ``policy``."""
    high, low = names
    return [_document(alarm, policy_arn) for alarm in (policy.high_alarm(high), policy.low_alarm(low))]


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
