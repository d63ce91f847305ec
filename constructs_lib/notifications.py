"""Who is told that a request ended: two topics that SageMaker publishes to, and one queue per consumer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aws_cdk import Duration
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from constructs_lib.grants import allow
from constructs_lib.queues import dead_letter_queue, encrypted_queue

if TYPE_CHECKING:
    from collections.abc import Sequence

    from constructs_lib.encryption import Encryption
    from constructs_lib.service_role import ServiceRole

CONSUMER_PATTERN: Final = r"[a-z][a-z0-9]{0,15}"
"""No dash: ``<consumer>-`` is the prefix of the inference ids that are the consumer's, and must not be another's."""

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
        encryption: What notices are encrypted with on their way.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, consumers: Sequence[str], encryption: Encryption
    ) -> None:
        super().__init__(scope, construct_id)
        self._encryption = encryption
        # Without a key a topic keeps its messages as they are; the key of AWS may be used by all who may publish.
        key = encryption.key or kms.Alias.from_alias_name(self, "TopicKey", "alias/aws/sns")
        self.success_topic = sns.Topic(self, "Success", enforce_ssl=True, master_key=key)
        self.error_topic = sns.Topic(self, "Error", enforce_ssl=True, master_key=key)
        self.queues = {name: self._consumer_queue(name) for name in consumers}

    def grant_publish(self, role: ServiceRole) -> None:
        """Allow ``role``, and nobody else in the account, to publish to both topics: a notice is SageMaker's word.

        CreateEndpoint checks the role's own policy: a topic policy alone is not enough.
        """
        for topic in (self.success_topic, self.error_topic):
            allow(role.policy, ["sns:Publish"], topic.topic_arn)
            topic.add_to_resource_policy(
                iam.PolicyStatement(
                    sid="DenyOtherPublishers",
                    effect=iam.Effect.DENY,
                    principals=[iam.AnyPrincipal()],
                    actions=["sns:Publish"],
                    resources=[topic.topic_arn],
                    conditions={"ArnNotEquals": {"aws:PrincipalArn": role.role.role_arn}},
                )
            )
        self._encryption.grant_use(role.policy, "sns")

    def grant_consume(self, grantee: iam.IGrantable, consumer: str) -> None:
        """Allow ``grantee`` to receive a consumer's notices and to delete them."""
        allow(grantee, ["sqs:DeleteMessage", "sqs:ReceiveMessage"], self.queues[consumer].queue_arn)
        self._encryption.grant_use(grantee, "sqs")

    def _consumer_queue(self, name: str) -> sqs.Queue:
        consumer = Construct(self, f"Consumer-{name}")
        dead_letters = dead_letter_queue(consumer, "DeadLetters", self._encryption)
        queue = encrypted_queue(
            consumer,
            "Queue",
            self._encryption,
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
