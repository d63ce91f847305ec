"""A consumer's queue in SQS: receiving and deleting, of which neither is allowed to stop anybody who waits.

S3 knows everything that the queue tells, so a queue that fails is left alone for a while and not asked again at once.
"""

from __future__ import annotations

import logging
import math
from typing import TYPE_CHECKING, Final

from botocore.exceptions import BotoCoreError, ClientError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from types_boto3_sqs import SQSClient
    from types_boto3_sqs.type_defs import MessageTypeDef

    from async_inference.clock import Clock

BATCH: Final = 10
"""The most messages that SQS receives or deletes with one request (SQS API reference)."""

OUTAGE_SECONDS: Final = 60.0
"""How long the queue is left alone after it failed."""

_LOGGER: Final = logging.getLogger(__name__)


class ConsumerQueue:
    """One queue.

    Args:
        client: Makes one attempt per call.
        url: The queue.
        clock: Time.
    """

    def __init__(self, client: SQSClient, url: str, clock: Clock) -> None:
        self._client = client
        self._url = url
        self._clock = clock
        self._failed_at = -math.inf

    def outage(self) -> float:
        """Return for how many seconds the queue is still to be left alone; 0 if it is not."""
        return max(0.0, self._failed_at + OUTAGE_SECONDS - self._clock.monotonic())

    def receive(self, patience: int) -> Sequence[MessageTypeDef]:
        """Return up to ten messages, waiting ``patience`` seconds for the first; none if the queue fails."""
        try:
            messages = self._client.receive_message(
                QueueUrl=self._url, MaxNumberOfMessages=BATCH, WaitTimeSeconds=patience
            ).get("Messages", [])
        except (BotoCoreError, ClientError) as error:
            if self._failed_at == -math.inf:
                _LOGGER.warning("the queue %s fails, so S3 is listed in its place: %s", self._url, error)
            self._failed_at = self._clock.monotonic()
            return ()
        if self._failed_at != -math.inf:
            _LOGGER.warning("the queue %s answers again", self._url)
            self._failed_at = -math.inf
        return messages

    def delete(self, handles: Sequence[str]) -> None:
        """Delete up to ten messages. One that cannot be deleted comes again, and is recognised as a duplicate."""
        entries = [{"Id": str(number), "ReceiptHandle": handle} for number, handle in enumerate(handles)]
        try:
            self._client.delete_message_batch(QueueUrl=self._url, Entries=entries)  # type: ignore[arg-type]
        except (BotoCoreError, ClientError) as error:
            _LOGGER.info("notices were not deleted from %s, and come again: %s", self._url, error)
