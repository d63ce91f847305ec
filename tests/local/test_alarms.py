"""Alarms as clients of CloudWatch and subscribers of their topics see them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from local_cloud.process import ACCOUNT, REGION

if TYPE_CHECKING:
    from collections.abc import Callable

    Client = Callable[[str], Any]

METRIC = {"Namespace": "Shop", "MetricName": "Orders", "Dimensions": [{"Name": "Branch", "Value": "north"}]}
PLAIN = {
    "Statistic": "Maximum",
    "Period": 60,
    "EvaluationPeriods": 1,
    "Threshold": 5.0,
    "ComparisonOperator": "GreaterThanThreshold",
}
# Nothing is published, so that the alarm stays in the state that a test sets.
HELD = METRIC | PLAIN | {"MetricName": "Nothing", "TreatMissingData": "ignore"}


def alarm_arn(name: str) -> str:
    """Return the ARN of an alarm."""
    return f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:{name}"


def topic_with_queue(client: Client, name: str) -> tuple[str, str]:
    """Create a topic and a queue that gets its messages; return the ARN and the URL."""
    topic = client("sns").create_topic(Name=name)["TopicArn"]
    queue = client("sqs").create_queue(QueueName=name)["QueueUrl"]
    client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}")
    return topic, queue


def datum(name: str, value: float) -> dict[str, Any]:
    """Return a sample of the shop's branch in the north."""
    return {"MetricName": name, "Dimensions": METRIC["Dimensions"], "Value": value}


def received(client: Client, queue: str) -> list[dict[str, Any]]:
    """Return the notifications that wait in a queue, and take them out."""
    messages = client("sqs").receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", [])
    for message in messages:
        client("sqs").delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
    return [json.loads(message["Body"]) for message in messages]


def described(client: Client, name: str) -> dict[str, Any]:
    """Return an alarm as it is described."""
    found = client("cloudwatch").describe_alarms(AlarmNames=[name], AlarmTypes=["MetricAlarm", "CompositeAlarm"])
    [alarm] = found["MetricAlarms"] + found["CompositeAlarms"]
    return dict(alarm)


def history(client: Client, name: str, **more: str) -> list[dict[str, Any]]:
    """Return an alarm's history, oldest first, with its data parsed."""
    pages = client("cloudwatch").get_paginator("describe_alarm_history")
    types = ["MetricAlarm", "CompositeAlarm"]
    found = pages.paginate(AlarmName=name, AlarmTypes=types, ScanBy="TimestampAscending", **more)
    return [item | {"HistoryData": json.loads(item["HistoryData"])} for item in found.search("AlarmHistoryItems")]


def test_a_topic_hears_of_each_transition_once(client: Client, eventually: Callable[..., Any]) -> None:
    """With what a pager and a program need, to the subscriber's queue."""
    cloudwatch = client("cloudwatch")
    topic, queue = topic_with_queue(client, "orders")
    cloudwatch.put_metric_alarm(
        AlarmName="orders",
        AlarmDescription="too many",
        AlarmActions=[topic],
        OKActions=[topic],
        TreatMissingData="notBreaching",
        **METRIC,
        **PLAIN,
    )
    eventually(lambda: described(client, "orders")["StateValue"] == "OK")
    [settled] = eventually(lambda: received(client, queue))
    assert settled["Subject"] == 'OK: "orders" in US East (N. Virginia)'
    cloudwatch.put_metric_data(Namespace="Shop", MetricData=[datum("Orders", 7.0)])
    [rung] = eventually(lambda: received(client, queue))
    message = json.loads(rung["Message"])
    moments = {name: message.pop(name) for name in ("StateChangeTime", "AlarmConfigurationUpdatedTimestamp")}
    assert all(moment.endswith("+0000") for moment in moments.values())
    assert message.pop("NewStateReason").startswith("Threshold Crossed: 1 out of the last 1 datapoints [7.0]")
    assert message == {
        "AlarmName": "orders",
        "AlarmDescription": "too many",
        "AWSAccountId": ACCOUNT,
        "NewStateValue": "ALARM",
        "Region": "US East (N. Virginia)",
        "AlarmArn": alarm_arn("orders"),
        "OldStateValue": "OK",
        "OKActions": [topic],
        "AlarmActions": [topic],
        "InsufficientDataActions": [],
        "Trigger": {
            "MetricName": "Orders",
            "Namespace": "Shop",
            "StatisticType": "Statistic",
            "Statistic": "MAXIMUM",
            "Unit": None,
            "Dimensions": [{"value": "north", "name": "Branch"}],
            "Period": 60,
            "EvaluationPeriods": 1,
            "ComparisonOperator": "GreaterThanThreshold",
            "Threshold": 5.0,
            "TreatMissingData": "notBreaching",
            "EvaluateLowSampleCountPercentile": "",
        },
    }
    [over] = eventually(lambda: received(client, queue))
    assert json.loads(over["Message"])["NewStateValue"] == "OK"
    minutes = len(history(client, "orders"))
    assert received(client, queue) == []
    assert len(history(client, "orders")) == minutes


def test_a_state_comes_with_its_reason_and_its_times(client: Client, eventually: Callable[..., Any]) -> None:
    """For people, for programs, and in simulated time."""
    cloudwatch = client("cloudwatch")
    cloudwatch.put_metric_alarm(AlarmName="reasons", **METRIC | PLAIN | {"MetricName": "Reasons"})
    new = described(client, "reasons")
    assert (new["StateValue"], new["StateReason"]) == ("INSUFFICIENT_DATA", "Unchecked: Initial alarm creation")
    cloudwatch.put_metric_data(Namespace="Shop", MetricData=[datum("Reasons", 9.0)])

    def ringing() -> dict[str, Any] | None:
        alarm = described(client, "reasons")
        return alarm if alarm["StateValue"] == "ALARM" else None

    alarm = eventually(ringing)
    data = json.loads(alarm["StateReasonData"])
    assert data.items() >= {"version": "1.0", "statistic": "Maximum", "period": 60, "threshold": 5.0}.items()
    assert data["recentDatapoints"] == [9.0]
    assert alarm["StateTransitionedTimestamp"] == alarm["StateUpdatedTimestamp"] > new["StateUpdatedTimestamp"]


def test_a_changed_alarm_keeps_its_state(client: Client) -> None:
    """With the reason and the time of its last transition."""
    cloudwatch = client("cloudwatch")
    cloudwatch.put_metric_alarm(AlarmName="changed", **HELD)
    cloudwatch.set_alarm_state(
        AlarmName="changed", StateValue="ALARM", StateReason="drill", StateReasonData='{"why": "drill"}'
    )
    before = described(client, "changed")
    cloudwatch.put_metric_alarm(AlarmName="changed", **HELD | {"Threshold": 6.0})
    after = described(client, "changed")
    assert after["Threshold"] == 6.0
    assert json.loads(after["StateReasonData"]) == {"why": "drill"}
    states = [name for name in before if name.startswith("State")]
    assert {name: after[name] for name in states} == {name: before[name] for name in states}


def test_history_has_configurations_states_and_actions(client: Client) -> None:
    """In the order in which they happened, and still when the alarm is deleted."""
    cloudwatch = client("cloudwatch")
    topic, _ = topic_with_queue(client, "history")
    cloudwatch.put_metric_alarm(AlarmName="history", AlarmActions=[topic], **HELD)
    cloudwatch.set_alarm_state(
        AlarmName="history", StateValue="ALARM", StateReason="drill", StateReasonData='{"why": "drill"}'
    )
    cloudwatch.set_alarm_state(AlarmName="history", StateValue="OK", StateReason="over")
    cloudwatch.put_metric_alarm(AlarmName="history", AlarmActions=[topic], **HELD | {"Threshold": 6.0})
    cloudwatch.delete_alarms(AlarmNames=["history"])
    items = history(client, "history")
    assert [(item["HistoryItemType"], item["HistorySummary"]) for item in items] == [
        ("ConfigurationUpdate", 'Alarm "history" created'),
        ("StateUpdate", "Alarm updated from INSUFFICIENT_DATA to ALARM"),
        ("Action", f"Successfully executed action {topic}"),
        ("StateUpdate", "Alarm updated from ALARM to OK"),
        ("ConfigurationUpdate", 'Alarm "history" updated'),
        ("ConfigurationUpdate", 'Alarm "history" deleted'),
    ]
    created, rung, action, over, updated, _ = (item["HistoryData"] for item in items)
    assert (created["type"], created["createdAlarm"]["metricName"]) == ("Create", "Nothing")
    drill = {"stateValue": "ALARM", "stateReason": "drill", "stateReasonData": {"why": "drill"}}
    assert (rung["oldState"]["stateReason"], rung["newState"]) == ("Unchecked: Initial alarm creation", drill)
    assert (over["oldState"], over["newState"]) == (drill, {"stateValue": "OK", "stateReason": "over"})
    assert (action["actionState"], action["notificationResource"], action["error"]) == ("Succeeded", topic, None)
    published = json.loads(json.loads(action["publishedMessage"])["default"])
    assert published["NewStateReason"] == "drill"
    assert updated["updatedAlarm"]["threshold"] == 6.0
    only = history(client, "history", HistoryItemType="Action")
    assert [item["HistorySummary"] for item in only] == [f"Successfully executed action {topic}"]


def test_a_state_that_is_set_is_soon_replaced_by_the_real_one(client: Client, eventually: Callable[..., Any]) -> None:
    """The next minute's evaluation does it."""
    cloudwatch = client("cloudwatch")
    missing = METRIC | PLAIN | {"MetricName": "Missing"}
    cloudwatch.put_metric_alarm(AlarmName="drill", TreatMissingData="notBreaching", **missing)
    cloudwatch.set_alarm_state(AlarmName="drill", StateValue="ALARM", StateReason="drill")
    eventually(lambda: described(client, "drill")["StateValue"] == "OK")
    summaries = [item["HistorySummary"] for item in history(client, "drill", HistoryItemType="StateUpdate")]
    assert summaries[-1] == "Alarm updated from ALARM to OK"


def test_disabled_actions_do_nothing(client: Client) -> None:
    """The state changes all the same; enabled again, they happen at the next transition."""
    cloudwatch = client("cloudwatch")
    topic, queue = topic_with_queue(client, "disabled")
    cloudwatch.put_metric_alarm(AlarmName="disabled", AlarmActions=[topic], InsufficientDataActions=[topic], **HELD)
    cloudwatch.disable_alarm_actions(AlarmNames=["disabled"])
    assert described(client, "disabled")["ActionsEnabled"] is False
    cloudwatch.set_alarm_state(AlarmName="disabled", StateValue="ALARM", StateReason="drill")
    cloudwatch.enable_alarm_actions(AlarmNames=["disabled"])
    assert described(client, "disabled")["ActionsEnabled"] is True
    cloudwatch.set_alarm_state(AlarmName="disabled", StateValue="INSUFFICIENT_DATA", StateReason="unknown")
    [notification] = received(client, queue)
    assert json.loads(notification["Message"])["NewStateValue"] == "INSUFFICIENT_DATA"
    kinds = [item["HistoryItemType"] for item in history(client, "disabled")]
    assert kinds == [*["ConfigurationUpdate"] * 2, "StateUpdate", "ConfigurationUpdate", "StateUpdate", "Action"]


def test_an_action_that_fails_is_in_the_history(client: Client) -> None:
    """A topic that is not there, and one whose key CloudWatch may not use: the AWS managed one."""
    cloudwatch = client("cloudwatch")
    encrypted = client("sns").create_topic(Name="encrypted", Attributes={"KmsMasterKeyId": "alias/aws/sns"})["TopicArn"]
    gone = f"arn:aws:sns:{REGION}:{ACCOUNT}:gone"
    cloudwatch.put_metric_alarm(AlarmName="failing", AlarmActions=[gone, encrypted], **HELD)
    cloudwatch.set_alarm_state(AlarmName="failing", StateValue="ALARM", StateReason="drill")
    items = history(client, "failing", HistoryItemType="Action")
    no_key = "CloudWatch Alarms does not have authorization to access the SNS topic encryption key."
    assert [item["HistorySummary"] for item in items] == [
        f'Failed to execute action {gone}. Received error: "Topic does not exist"',
        f'Failed to execute action {encrypted}. Received error: "{no_key}"',
    ]
    assert {item["HistoryData"]["actionState"] for item in items} == {"Failed"}


def test_a_state_that_there_is_not_is_refused(client: Client) -> None:
    """With the words of CloudWatch's own validation."""
    client("cloudwatch").put_metric_alarm(AlarmName="refused", **HELD)
    with pytest.raises(ClientError, match=r"Value 'BROKEN' at 'stateValue'.*enum value set"):
        client("cloudwatch").set_alarm_state(AlarmName="refused", StateValue="BROKEN", StateReason="drill")


def test_a_composite_alarm_follows_its_rule(client: Client) -> None:
    """Also through another one, and says which alarms moved it."""
    cloudwatch = client("cloudwatch")
    topic, queue = topic_with_queue(client, "composite")
    for name in ("left", "right"):
        cloudwatch.put_metric_alarm(AlarmName=name, **HELD)
    cloudwatch.put_composite_alarm(
        AlarmName="both",
        AlarmRule="ALARM(left) AND (ALARM(right) OR INSUFFICIENT_DATA(right)) AND NOT OK(left)",
        AlarmActions=[topic],
    )
    cloudwatch.put_composite_alarm(AlarmName="outer", AlarmRule=f'ALARM("{alarm_arn("both")}")')
    assert described(client, "both")["StateValue"] == "OK"
    cloudwatch.set_alarm_state(AlarmName="left", StateValue="ALARM", StateReason="drill")
    assert described(client, "both")["StateValue"] == "ALARM"
    assert described(client, "outer")["StateValue"] == "ALARM"
    [notification] = received(client, queue)
    message = json.loads(notification["Message"])
    assert message["AlarmRule"].startswith("ALARM(left) AND")
    assert [(child["Arn"], child["State"]["Value"]) for child in message["TriggeringChildren"]] == [
        (alarm_arn("left"), "ALARM")
    ]
    assert "Trigger" not in message
    cloudwatch.set_alarm_state(AlarmName="right", StateValue="OK", StateReason="drill")
    assert described(client, "outer")["StateValue"] == "OK"
    summaries = [(item["HistoryItemType"], item["HistorySummary"]) for item in history(client, "both")]
    assert summaries == [
        ("ConfigurationUpdate", 'Alarm "both" created'),
        ("StateUpdate", "Alarm updated from INSUFFICIENT_DATA to OK"),
        ("StateUpdate", "Alarm updated from OK to ALARM"),
        ("Action", f"Successfully executed action {topic}"),
        ("StateUpdate", "Alarm updated from ALARM to OK"),
    ]
    with pytest.raises(ClientError, match="leave ActionsSuppressor out"):
        cloudwatch.put_composite_alarm(AlarmName="x", AlarmRule="ALARM(left)", ActionsSuppressor="right")


def composite(rule: str, **more: str) -> dict[str, Any]:
    """Return a template of a metric alarm and a composite one, whose rule names the former."""
    named = {"Fn::Sub": rule}
    properties = {"Namespace": "Shop", "MetricName": "Nothing", "TreatMissingData": "ignore", **PLAIN}
    return {
        "Resources": {
            "Plain": {"Type": "AWS::CloudWatch::Alarm", "Properties": properties},
            "Composite": {"Type": "AWS::CloudWatch::CompositeAlarm", "Properties": {"AlarmRule": named, **more}},
        },
        "Outputs": {
            "Plain": {"Value": {"Ref": "Plain"}},
            "Name": {"Value": {"Ref": "Composite"}},
            "Arn": {"Value": {"Fn::GetAtt": ["Composite", "Arn"]}},
        },
    }


def deployed(client: Client, operation: str, template: dict[str, Any]) -> dict[str, str]:
    """Create or update a stack, wait for it, and return its outputs."""
    cloudformation = client("cloudformation")
    getattr(cloudformation, f"{operation}_stack")(StackName="Composite", TemplateBody=json.dumps(template))
    cloudformation.get_waiter(f"stack_{operation}_complete").wait(StackName="Composite", WaiterConfig={"Delay": 1})
    [stack] = cloudformation.describe_stacks(StackName="Composite")["Stacks"]
    return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}


def test_a_template_has_composite_alarms(client: Client) -> None:
    """Created, changed in place, and deleted before the alarms that it names."""
    outputs = deployed(client, "create", composite("ALARM(${Plain})", AlarmDescription="either"))
    name = outputs["Name"]
    assert outputs["Arn"] == alarm_arn(name)
    assert described(client, name)["AlarmRule"] == f"ALARM({outputs['Plain']})"
    assert described(client, name)["AlarmDescription"] == "either"
    assert deployed(client, "update", composite("NOT ALARM(${Plain})"))["Name"] == name
    assert described(client, name)["StateValue"] == "ALARM"
    client("cloudformation").delete_stack(StackName="Composite")
    client("cloudformation").get_waiter("stack_delete_complete").wait(StackName="Composite", WaiterConfig={"Delay": 1})
    found = client("cloudwatch").describe_alarms(
        AlarmNames=[name, outputs["Plain"]], AlarmTypes=["MetricAlarm", "CompositeAlarm"]
    )
    assert (found["MetricAlarms"], found["CompositeAlarms"]) == ([], [])


def test_a_rule_that_names_no_alarm_fails_the_stack(client: Client, eventually: Callable[..., Any]) -> None:
    """With CloudWatch's own words."""
    cloudformation = client("cloudformation")
    template = {"Resources": {"Composite": composite("ALARM(nobody)")["Resources"]["Composite"]}}
    cloudformation.create_stack(StackName="Nobody", TemplateBody=json.dumps(template))
    eventually(
        lambda: cloudformation.describe_stacks(StackName="Nobody")["Stacks"][0]["StackStatus"].endswith("_COMPLETE")
    )
    events = cloudformation.describe_stack_events(StackName="Nobody")["StackEvents"]
    reasons = [event.get("ResourceStatusReason", "") for event in events]
    assert any("Could not save the composite alarm" in reason for reason in reasons)
