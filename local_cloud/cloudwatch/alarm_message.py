"""What CloudWatch publishes to an SNS topic when an alarm changes its state.

AWS documents that there is a message, not what is in it: these are the members of messages that users have posted.
"""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import botocore.session

from local_cloud.cloudwatch.alarm_time import alarm_timestamp

if TYPE_CHECKING:
    from local_cloud.json_api import Members
    from local_cloud.scope import Scope

_ACTIONS: Final = ("OKActions", "AlarmActions", "InsufficientDataActions")
_OF_EVERY_TRIGGER: Final = ("Period", "EvaluationPeriods", "DatapointsToAlarm", "ComparisonOperator", "Threshold")


def subject(alarm: Members, region: str) -> str:
    """Return the message's subject, which says all that a pager shows; SNS allows 100 characters."""
    return f'{alarm["StateValue"]}: "{alarm["AlarmName"]}" in {region_name(region)}'[:100]


def message(alarm: Members, old_state: str, scope: Scope) -> str:
    """Return the message as JSON.

    Args:
        alarm: as ``DescribeAlarms`` describes it in its new state; composite if it has a rule.
        old_state: its state before.
        scope: of the alarm.
    """
    body = {
        "AlarmName": alarm["AlarmName"],
        "AlarmDescription": alarm.get("AlarmDescription") or None,
        "AWSAccountId": scope.account,
        "AlarmConfigurationUpdatedTimestamp": alarm_timestamp(alarm["AlarmConfigurationUpdatedTimestamp"]),
        "NewStateValue": alarm["StateValue"],
        "NewStateReason": alarm["StateReason"],
        "StateChangeTime": alarm_timestamp(alarm["StateUpdatedTimestamp"]),
        "Region": region_name(scope.region),
        "AlarmArn": alarm["AlarmArn"],
        "OldStateValue": old_state,
        **{actions: alarm.get(actions) or [] for actions in _ACTIONS},
    }
    return json.dumps(body | (_children(alarm) if "AlarmRule" in alarm else {"Trigger": _trigger(alarm)}))


@cache
def region_name(region: str) -> str:
    """Return what AWS calls a region in text for people; the region itself where it is none of AWS's."""
    partitions = botocore.session.get_session().get_data("endpoints")["partitions"]
    names = {name: about["description"] for partition in partitions for name, about in partition["regions"].items()}
    return str(names.get(region, region))


def _trigger(alarm: Members) -> dict[str, Any]:
    common = {name: alarm[name] for name in _OF_EVERY_TRIGGER if alarm.get(name) is not None}
    common |= {"TreatMissingData": alarm.get("TreatMissingData", "missing"), "EvaluateLowSampleCountPercentile": ""}
    if queries := alarm.get("Metrics"):
        return common | {"Metrics": [_query(query) for query in queries]}
    kind = "ExtendedStatistic" if alarm.get("ExtendedStatistic") else "Statistic"
    statistic = alarm[kind] if kind == "ExtendedStatistic" else str(alarm[kind]).upper()
    return {
        "MetricName": alarm["MetricName"],
        "Namespace": alarm["Namespace"],
        "StatisticType": kind,
        kind: statistic,
        "Unit": alarm.get("Unit"),
        "Dimensions": _dimensions(alarm),
        **common,
    }


def _query(query: Members) -> dict[str, Any]:
    if not (stat := query.get("MetricStat")):
        return dict(query)
    metric = {**stat["Metric"], "Dimensions": _dimensions(stat["Metric"])}
    return {**query, "MetricStat": {**stat, "Metric": metric}}


def _dimensions(metric: Members) -> list[dict[str, str]]:
    """Return dimensions with the lower case names that they have in messages alone."""
    return [{"value": one["Value"], "name": one["Name"]} for one in metric.get("Dimensions") or ()]


def _children(alarm: Members) -> dict[str, Any]:
    return {"AlarmRule": alarm["AlarmRule"], "TriggeringChildren": _triggering_children(alarm)}


def _triggering_children(alarm: Members) -> list[dict[str, Any]]:
    """Return the alarms that moved a composite one; whoever sets its state may name none, or write anything."""
    try:
        triggering = json.loads(alarm["StateReasonData"])["triggeringAlarms"]
        return [
            {"Arn": child["arn"], "State": {"Value": child["state"]["value"], "Timestamp": child["state"]["timestamp"]}}
            for child in triggering
        ]
    except (KeyError, TypeError, ValueError):
        return []
