"""Queues as this app has them: encrypted, TLS only, and keeping what nobody fetches for as long as SQS can."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aws_cdk import Duration
from aws_cdk import aws_sqs as sqs

from constructs_lib.compliance import acknowledge

if TYPE_CHECKING:
    from constructs import Construct

    from constructs_lib.encryption import Encryption

MESSAGE_RETENTION: Final = Duration.days(14)
_KEY_REUSE: Final = Duration.hours(1)
"""How long SQS uses a data key: a queue that is polled all day asks KMS some 24 times a day, not 288 times."""


def encrypted_queue(
    scope: Construct,
    construct_id: str,
    encryption: Encryption,
    *,
    visibility_timeout: Duration | None = None,
    dead_letter_queue: sqs.DeadLetterQueue | None = None,
) -> sqs.Queue:
    """Return a new queue.

    Args:
        scope: The parent.
        construct_id: The name within it.
        encryption: What messages are encrypted with.
        visibility_timeout: How long a received message is hidden; SQS's half a minute if left out.
        dead_letter_queue: Where messages go that nobody deletes.
    """
    key = encryption.key
    queue = sqs.Queue(
        scope,
        construct_id,
        encryption=sqs.QueueEncryption.SQS_MANAGED if key is None else sqs.QueueEncryption.KMS,
        encryption_master_key=key,
        data_key_reuse=None if key is None else _KEY_REUSE,
        enforce_ssl=True,
        retention_period=MESSAGE_RETENTION,
        visibility_timeout=visibility_timeout,
        dead_letter_queue=dead_letter_queue,
    )
    if key is None:
        acknowledge(
            queue, {"CKV_AWS_27": "It is encrypted, with a key of SQS's own, which this check does not know of."}
        )
    return queue


def dead_letter_queue(scope: Construct, construct_id: str, encryption: Encryption) -> sqs.Queue:
    """Return a new queue for messages that could not be handled, which somebody has to look at."""
    queue = encrypted_queue(scope, construct_id, encryption)
    acknowledge(
        queue,
        {
            "Serverless-SQSRedrivePolicy": "It is the dead-letter queue itself: what lies in it waits for a person, and"
            " nothing receives from it that could fail."
        },
    )
    return queue
