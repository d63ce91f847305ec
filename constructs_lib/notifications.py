"""Who is told that a request ended: two topics that SageMaker publishes to, and one queue per consumer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aws_cdk import Duration
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from aws_cdk import aws_sqs as sqs
from constructs import Construct

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aws_cdk import aws_iam as iam

CONSUMER_PATTERN: Final = r"[a-z][a-z0-9]{0,15}"
"""No dash: ``<consumer>-`` is the prefix of the inference ids that are the consumer's, and must not be another's."""

_MESSAGE_RETENTION: Final = Duration.days(14)
_VISIBILITY_TIMEOUT: Final = Duration.minutes(2)
_RECEIVES_BEFORE_DEAD_LETTER: Final = 5


class Notifications(Construct):
    """Success and error topic, and for each consumer a queue with a dead-letter queue.

    A queue is subscribed to both topics, to the messages whose ``inferenceId`` starts with ``<consumer>-``. Consumers
    are fixed at deployment because a changed subscription filter takes up to 15 minutes to take effect, and each has
    its own queue because readers that share one hide each other's messages and push them to the dead-letter queue.

    Args:
        scope: The parent.
        construct_id: The name within it.
        consumers: Names of the consumers.
    """

    def __init__(self, scope: Construct, construct_id: str, *, consumers: Sequence[str]) -> None:
        super().__init__(scope, construct_id)
        self.success_topic = sns.Topic(self, "Success", enforce_ssl=True)
        self.error_topic = sns.Topic(self, "Error", enforce_ssl=True)
        self.queues = {name: self._consumer_queue(name) for name in consumers}

    def grant_publish(self, grantee: iam.IGrantable) -> None:
        """Allow ``grantee`` to publish to both topics.

        CreateEndpoint checks the role's own policy: a topic policy alone is not enough.
        """
        for topic in (self.success_topic, self.error_topic):
            topic.grants.publish(grantee)

    def _consumer_queue(self, name: str) -> sqs.Queue:
        consumer = Construct(self, f"Consumer-{name}")
        dead_letters = sqs.Queue(
            consumer,
            "DeadLetters",
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            retention_period=_MESSAGE_RETENTION,
        )
        queue = sqs.Queue(
            consumer,
            "Queue",
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            retention_period=_MESSAGE_RETENTION,
            visibility_timeout=_VISIBILITY_TIMEOUT,
            dead_letter_queue=sqs.DeadLetterQueue(queue=dead_letters, max_receive_count=_RECEIVES_BEFORE_DEAD_LETTER),
        )
        own_messages = {
            "inferenceId": sns.FilterOrPolicy.filter(sns.SubscriptionFilter.string_filter(match_prefixes=[f"{name}-"]))
        }
        for topic in (self.success_topic, self.error_topic):
            topic.add_subscription(
                subscriptions.SqsSubscription(
                    queue,
                    raw_message_delivery=True,
                    dead_letter_queue=dead_letters,
                    filter_policy_with_message_body=own_messages,
                )
            )
        return queue
