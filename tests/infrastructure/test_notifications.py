"""Topics and queues: TLS only, and each consumer hears of its own requests alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from aws_cdk import assertions

from async_inference.watching import notices
from constructs_lib.notifications import Notifications

if TYPE_CHECKING:
    from aws_cdk import Stack

    from constructs_lib.encryption import Encryption

Match = assertions.Match
AWS_KEY = {
    "Fn::Join": [
        "",
        [
            "arn:",
            {"Ref": "AWS::Partition"},
            ":kms:",
            {"Ref": "AWS::Region"},
            ":",
            {"Ref": "AWS::AccountId"},
            ":alias/aws/sns",
        ],
    ]
}


@pytest.fixture
def two_consumers(new_stack: Stack, aws_keys: Encryption) -> assertions.Template:
    """The template of two consumers."""
    Notifications(new_stack, "Notifications", consumers=("batch", "web"), encryption=aws_keys)
    return assertions.Template.from_stack(new_stack)


def test_each_consumer_has_a_queue_and_a_dead_letter_queue(two_consumers: assertions.Template) -> None:
    """A message that cannot be handled five times is set aside."""
    two_consumers.resource_count_is("AWS::SQS::Queue", 4)
    assert (
        len(
            two_consumers.find_resources(
                "AWS::SQS::Queue", {"Properties": {"RedrivePolicy": Match.object_like({"maxReceiveCount": 5})}}
            )
        )
        == 2
    )
    two_consumers.all_resources_properties("AWS::SQS::Queue", {"SqsManagedSseEnabled": True})


def test_a_topic_is_encrypted_with_whatever_key_there_is(two_consumers: assertions.Template) -> None:
    """Without a key a topic would keep its messages as they are."""
    two_consumers.all_resources_properties("AWS::SNS::Topic", {"KmsMasterKeyId": AWS_KEY})


def test_nobody_else_publishes(prod_template: dict[str, Any]) -> None:
    """Both topics refuse whoever is not the execution role, were it an administrator."""
    denied = [
        statement["Condition"]["ArnNotEquals"]["aws:PrincipalArn"]["Fn::GetAtt"][0]
        for resource in prod_template["Resources"].values()
        if resource["Type"] == "AWS::SNS::TopicPolicy"
        for statement in resource["Properties"]["PolicyDocument"]["Statement"]
        if statement.get("Sid") == "DenyOtherPublishers" and statement["Effect"] == "Deny"
    ]
    role, _ = next(
        resource["Properties"]["ExecutionRoleArn"]["Fn::GetAtt"]
        for resource in prod_template["Resources"].values()
        if resource["Type"] == "AWS::SageMaker::Model"
    )

    assert denied == [role, role]


def test_queues_take_messages_of_their_topics_alone(prod_template: dict[str, Any]) -> None:
    """Whoever else is allowed to send to a queue is allowed by no policy of the queue."""
    topics = {
        each["Properties"]["TopicArn"]["Ref"]
        for each in prod_template["Resources"].values()
        if each["Type"] == "AWS::SNS::Subscription"
    }
    allowed = [
        (statement["Action"], statement["Principal"], statement["Condition"]["ArnEquals"]["aws:SourceArn"]["Ref"])
        for resource in prod_template["Resources"].values()
        if resource["Type"] == "AWS::SQS::QueuePolicy"
        for statement in resource["Properties"]["PolicyDocument"]["Statement"]
        if statement["Effect"] == "Allow"
    ]

    assert len(allowed) == 4
    assert {(action, principal["Service"]) for action, principal, _ in allowed} == {
        ("sqs:SendMessage", "sns.amazonaws.com")
    }
    assert {topic for *_, topic in allowed} == topics


@pytest.mark.parametrize("consumer", ["batch", "web"])
def test_consumer_hears_of_its_own_requests_on_both_topics(two_consumers: assertions.Template, consumer: str) -> None:
    """Both subscriptions of a queue filter the message's body by the consumer's prefix."""
    subscriptions = two_consumers.find_resources(
        "AWS::SNS::Subscription",
        {
            "Properties": {
                "FilterPolicy": {"inferenceId": [{"prefix": f"{consumer}-"}]},
                "FilterPolicyScope": "MessageBody",
                "Protocol": "sqs",
                "RawMessageDelivery": True,
            }
        },
    )

    topics = {subscription["Properties"]["TopicArn"]["Ref"] for subscription in subscriptions.values()}
    assert len(topics) == 2


def test_the_client_knows_how_long_a_queue_hides_a_message(two_consumers: assertions.Template) -> None:
    """What it holds longer than that comes again."""
    queues = two_consumers.find_resources(
        "AWS::SQS::Queue", {"Properties": {"VisibilityTimeout": notices._VISIBILITY_SECONDS}}
    )
    assert len(queues) == 2


def test_topics_and_queues_refuse_plain_http(two_consumers: assertions.Template) -> None:
    """Each topic's and queue's policy denies what does not come over TLS."""
    denial = Match.array_with(
        [Match.object_like({"Effect": "Deny", "Condition": {"Bool": {"aws:SecureTransport": "false"}}})]
    )

    two_consumers.resource_count_is("AWS::SNS::TopicPolicy", 2)
    two_consumers.all_resources_properties("AWS::SNS::TopicPolicy", {"PolicyDocument": {"Statement": denial}})
    two_consumers.resource_count_is("AWS::SQS::QueuePolicy", 4)
    two_consumers.all_resources_properties("AWS::SQS::QueuePolicy", {"PolicyDocument": {"Statement": denial}})
