"""Who may publish metrics, and where CloudWatch may publish, when policies are enforced."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import ClientError

from local_cloud.process import ACCOUNT, REGION, local_cloud

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from local_cloud.process import RunningLocalCloud

HELD = {
    "Namespace": "Shop",
    "MetricName": "Nothing",
    "Statistic": "Maximum",
    "Period": 60,
    "EvaluationPeriods": 1,
    "Threshold": 5.0,
    "ComparisonOperator": "GreaterThanThreshold",
    "TreatMissingData": "ignore",
}


@pytest.fixture(scope="module")
def cloud() -> Iterator[RunningLocalCloud]:
    """A local cloud that enforces policies."""
    with local_cloud(enforce_iam=True) as running:
        yield running


@pytest.fixture(scope="module")
def publisher(cloud: RunningLocalCloud, client: Callable[[str], Any]) -> Any:  # noqa: ANN401 - a boto3 client
    """CloudWatch for a user with the grant that the app's template gives those who count jobs in flight."""
    iam = client("iam")
    iam.create_user(UserName="publisher")
    key = iam.create_access_key(UserName="publisher")["AccessKey"]
    statement = {
        "Effect": "Allow",
        "Action": "cloudwatch:PutMetricData",
        "Resource": "*",
        "Condition": {"StringEquals": {"cloudwatch:namespace": "AsyncInference"}},
    }
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.put_user_policy(UserName="publisher", PolicyName="publisher", PolicyDocument=document)
    session = boto3.Session(key["AccessKeyId"], key["SecretAccessKey"], region_name=REGION)
    new_client: Any = session.client
    return new_client("cloudwatch", endpoint_url=cloud.endpoint_url)


# Beyond 10 KB boto3 sends the request compressed.
@pytest.mark.parametrize("count", [1, 200])
def test_a_grant_for_one_namespace_is_for_that_one(publisher: Any, count: int) -> None:  # noqa: ANN401 - a boto3 client
    """A request for another one is refused, and the message names the action."""
    data = [{"MetricName": "JobsInFlight", "Value": 1.0, "Unit": "Count"}] * count
    publisher.put_metric_data(Namespace="AsyncInference", MetricData=data)
    with pytest.raises(ClientError, match="not authorized to perform: cloudwatch:PutMetricData"):
        publisher.put_metric_data(Namespace="Shop", MetricData=data)


def statement(topic: str, source: str | None = None) -> dict[str, Any]:
    """Return what lets CloudWatch publish to a topic, from the alarm of an ARN alone if one is named."""
    allowed = {"Effect": "Allow", "Principal": {"Service": "cloudwatch.amazonaws.com"}, "Action": "sns:Publish"}
    condition = {"Condition": {"ArnEquals": {"aws:SourceArn": source}}} if source else {}
    return allowed | {"Resource": topic} | condition


@pytest.mark.parametrize(
    ("allowed", "succeeds"), [("nobody", False), ("cloudwatch", True), ("this alarm", True), ("another alarm", False)]
)
def test_cloudwatch_needs_the_topics_policy(client: Callable[[str], Any], allowed: str, *, succeeds: bool) -> None:
    """It has no other rights, and what it could not publish is in the alarm's history."""
    cloudwatch, sns, name = client("cloudwatch"), client("sns"), allowed.replace(" ", "-")
    topic, arn = sns.create_topic(Name=name)["TopicArn"], f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:{name}"
    statements = {
        "nobody": statement(topic) | {"Principal": {"Service": "s3.amazonaws.com"}},
        "cloudwatch": statement(topic),
        "this alarm": statement(topic, source=arn),
        "another alarm": statement(topic, source=f"{arn}-too"),
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statements[allowed]]})
    sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=policy)
    cloudwatch.put_metric_alarm(AlarmName=name, AlarmActions=[topic], **HELD)
    cloudwatch.set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="drill")
    [action] = cloudwatch.describe_alarm_history(AlarmName=name, HistoryItemType="Action")["AlarmHistoryItems"]
    denied = f'Received error: "Resource: {arn} is not authorized to perform: SNS:Publish on resource: {topic}"'
    assert action["HistorySummary"] == (
        f"Successfully executed action {topic}" if succeeds else f"Failed to execute action {topic}. {denied}"
    )


def test_a_topic_without_a_policy_of_its_own_takes_alarms_of_its_account(client: Callable[[str], Any]) -> None:
    """SNS gives every new topic a policy that allows it."""
    topic = client("sns").create_topic(Name="plain")["TopicArn"]
    cloudwatch = client("cloudwatch")
    cloudwatch.put_metric_alarm(AlarmName="plain", AlarmActions=[topic], **HELD)
    cloudwatch.set_alarm_state(AlarmName="plain", StateValue="ALARM", StateReason="drill")
    [action] = cloudwatch.describe_alarm_history(AlarmName="plain", HistoryItemType="Action")["AlarmHistoryItems"]
    assert action["HistorySummary"] == f"Successfully executed action {topic}"
