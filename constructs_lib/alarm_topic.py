"""The topic that alarms are announced on, where a team does not bring one of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import ArnFormat, RemovalPolicy, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from constructs import Construct

if TYPE_CHECKING:
    from collections.abc import Mapping


class AlarmTopic(Construct):
    """A topic that takes messages from the alarms of this stack and from nobody else: encrypted, TLS only.

    The key has to be a customer-managed one: CloudWatch cannot publish to a topic that is encrypted with AWS's own key
    for SNS. Sources: "How can I configure a CloudWatch alarm with an encrypted SNS topic" in AWS's knowledge center,
    "Enable compatibility between event sources from AWS services and encrypted topics" in the SNS developer guide.

    Args:
        scope: The parent.
        construct_id: The name within it.
    """

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        key = kms.Key(
            self,
            "Key",
            description="Messages of the alarms of an asynchronous endpoint",
            enable_key_rotation=True,
            removal_policy=RemovalPolicy.DESTROY,
        )
        self.topic = sns.Topic(self, "Topic", master_key=key, enforce_ssl=True)
        key.add_to_resource_policy(self._allow_alarms("*", "kms:Decrypt", "kms:GenerateDataKey*"))
        self.topic.add_to_resource_policy(self._allow_alarms(self.topic.topic_arn, "sns:Publish"))

    def _allow_alarms(self, resource: str, *actions: str) -> iam.PolicyStatement:
        return iam.PolicyStatement(
            principals=[iam.ServicePrincipal("cloudwatch.amazonaws.com")],
            actions=list(actions),
            resources=[resource],
            conditions=_of_alarms(Stack.of(self)),
        )


def _of_alarms(stack: Stack) -> Mapping[str, Mapping[str, str]]:
    """Return the conditions that a request comes from an alarm of ``stack``, whose names begin with the stack's."""
    alarms = stack.format_arn(
        service="cloudwatch",
        resource="alarm",
        resource_name=f"{stack.stack_name}-*",
        arn_format=ArnFormat.COLON_RESOURCE_NAME,
    )
    return {"StringEquals": {"aws:SourceAccount": stack.account}, "ArnLike": {"aws:SourceArn": alarms}}
