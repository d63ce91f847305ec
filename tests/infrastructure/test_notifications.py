"""Topics and queues: TLS only, and each consumer hears of its own requests alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from aws_cdk import assertions

from async_inference.watching import notices
from constructs_lib.notifications import Notifications

if TYPE_CHECKING:
    from aws_cdk import Stack

Match = assertions.Match


@pytest.fixture
def two_consumers(new_stack: Stack) -> assertions.Template:
    """The template of two consumers."""
    Notifications(new_stack, "Notifications", consumers=("batch", "web"))
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
