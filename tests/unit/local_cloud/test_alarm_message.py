"""The message of a transition has the members that CloudWatch's has."""

from __future__ import annotations

import json
from typing import Any

import pytest

from local_cloud.cloudwatch.alarm_message import message, region_name, subject
from local_cloud.scope import Scope

SCOPE = Scope("000000000000", "eu-central-1")
ALARM: dict[str, Any] = {
    "AlarmName": "slow",
    "AlarmArn": SCOPE.arn("cloudwatch", "alarm:slow"),
    "AlarmDescription": "",
    "AlarmConfigurationUpdatedTimestamp": 1_800_000_000,
    "StateValue": "ALARM",
    "StateReason": "because",
    "StateUpdatedTimestamp": 1_800_000_060.25,
    "AlarmActions": ["arn:topic"],
    "MetricName": "Latency",
    "Namespace": "Shop",
    "Statistic": "Average",
    "ExtendedStatistic": None,
    "Dimensions": [{"Name": "Branch", "Value": "north"}],
    "Period": 60,
    "EvaluationPeriods": 3,
    "DatapointsToAlarm": 2,
    "Threshold": 5.0,
    "ComparisonOperator": "GreaterThanThreshold",
    "TreatMissingData": "breaching",
}


def published(**changes: object) -> dict[str, Any]:
    """Return the message of the alarm with other members."""
    body: dict[str, Any] = json.loads(message(ALARM | changes, "OK", SCOPE))
    return body


def test_a_message_says_which_alarm_changed_when_and_why() -> None:
    """Moments are in simulated time; an empty description is none."""
    body = published()
    assert (body["AlarmArn"], body["AlarmDescription"], body["Region"]) == (
        ALARM["AlarmArn"],
        None,
        "Europe (Frankfurt)",
    )
    assert (body["OldStateValue"], body["NewStateValue"], body["NewStateReason"]) == ("OK", "ALARM", "because")
    assert body["StateChangeTime"] == "2027-01-15T08:01:00.250+0000"
    assert body["AlarmConfigurationUpdatedTimestamp"] == "2027-01-15T08:00:00.000+0000"
    assert (body["AlarmActions"], body["OKActions"], body["InsufficientDataActions"]) == (["arn:topic"], [], [])
    assert body["Trigger"]["DatapointsToAlarm"] == 2


def test_a_percentile_is_an_extended_statistic() -> None:
    """It has its own name in the trigger."""
    trigger = published(ExtendedStatistic="p99", Statistic=None)["Trigger"]
    assert (trigger["StatisticType"], trigger["ExtendedStatistic"]) == ("ExtendedStatistic", "p99")
    assert "Statistic" not in trigger


def test_metric_math_stands_for_the_metric() -> None:
    """With the names of dimensions in lower case, as everywhere in messages."""
    metric = {"Namespace": "Shop", "MetricName": "Latency", "Dimensions": [{"Name": "Branch", "Value": "north"}]}
    queries = [
        {"Id": "e", "Expression": "2 * m", "ReturnData": True},
        {"Id": "m", "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Sum"}, "ReturnData": False},
    ]
    trigger = published(Metrics=queries, MetricName=None, Namespace=None, Statistic=None, Period=None)["Trigger"]
    assert trigger["Metrics"][0] == queries[0]
    assert trigger["Metrics"][1]["MetricStat"]["Metric"]["Dimensions"] == [{"value": "north", "name": "Branch"}]
    assert trigger["Threshold"] == 5.0
    assert not trigger.keys() & {"MetricName", "Period", "Statistic"}


@pytest.mark.parametrize("data", [None, "", "nothing to parse", "[]", '{"triggeringAlarms": [{"arn": "x"}]}'])
def test_a_composite_alarm_whose_state_was_set_names_no_children(data: str | None) -> None:
    """Whoever calls ``SetAlarmState`` may write what he likes."""
    body = published(AlarmRule="ALARM(slow)", StateReasonData=data)
    assert (body["AlarmRule"], body["TriggeringChildren"]) == ("ALARM(slow)", [])


def test_a_subject_is_no_longer_than_sns_allows() -> None:
    """A hundred characters, and the state comes first."""
    assert subject(ALARM, "us-east-1") == 'ALARM: "slow" in US East (N. Virginia)'
    long = subject(ALARM | {"AlarmName": "x" * 200}, "us-east-1")
    assert (len(long), long[:10]) == (100, 'ALARM: "xx')


def test_a_region_that_aws_does_not_have_is_named_as_it_is() -> None:
    """The local cloud takes any."""
    assert region_name("moon-1") == "moon-1"
