"""What containers of an endpoint write, and what becomes of its requests, in CloudWatch Logs.

Log group and streams are named as on AWS (*SageMaker Developer Guide*, "Log groups and streams" and "Monitor
asynchronous endpoint"). Their timestamps are real time, as those of Lambda functions are.
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Final

from botocore.exceptions import BotoCoreError, ClientError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from local_cloud.aws_clients import AwsClients
    from local_cloud.scope import Scope

logger = logging.getLogger(__name__)

MAX_EVENTS: Final = 10_000
"""Events of one request."""

MAX_BATCH_BYTES: Final = 1_048_576
"""Messages of one request in UTF-8, and so the longest line, with :data:`EVENT_BYTES` for each event. (Source:
*CloudWatch Logs API Reference*, PutLogEvents.)"""

EVENT_BYTES: Final = 26
"""What CloudWatch Logs counts for an event besides its message."""


class EndpointLogs:
    """The log group of one endpoint, written in the name of its execution role.

    Args:
        clients: of CloudWatch Logs.
        scope: of the endpoint.
        endpoint_name: names the group.
        role_arn: without the permissions of it nothing is logged.
    """

    def __init__(self, clients: AwsClients, scope: Scope, endpoint_name: str, role_arn: str) -> None:
        self._clients = clients
        self._scope = scope
        self._group = f"/aws/sagemaker/Endpoints/{endpoint_name}"
        self._role_arn = role_arn
        self._streams: set[str] = set()

    async def put(self, stream: str, lines: Sequence[str]) -> None:
        """Append ``lines`` to a stream; what CloudWatch Logs refuses is lost, and a warning says so."""
        try:
            await self._make(stream)
            for messages in batches(lines):
                now = round(time.time() * 1000)
                events = [{"timestamp": now, "message": message} for message in messages]
                await self._call("put_log_events", logStreamName=stream, logEvents=events)
        except (BotoCoreError, ClientError, RuntimeError) as error:
            # RuntimeError: the local cloud is stopping and lets no more calls begin.
            logger.warning("cannot log to %s: %s", self._group, error)

    async def _make(self, stream: str) -> None:
        if stream in self._streams:
            return
        for operation, members in (("create_log_group", {}), ("create_log_stream", {"logStreamName": stream})):
            try:
                await self._call(operation, **members)
            except ClientError as error:
                if error.response["Error"]["Code"] != "ResourceAlreadyExistsException":
                    raise
        self._streams.add(stream)

    async def _call(self, operation: str, **members: object) -> None:
        await self._clients.call(
            self._scope, "logs", operation, role_arn=self._role_arn, logGroupName=self._group, **members
        )


def batches(lines: Iterable[str]) -> Iterator[list[str]]:
    """Yield ``lines`` in order, as many at a time as one request takes."""
    batch: list[str] = []
    size = 0
    for line in lines:
        message = _cut(line)
        added = len(message.encode()) + EVENT_BYTES
        if len(batch) == MAX_EVENTS or (batch and size + added > MAX_BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(message)
        size += added
    if batch:
        yield batch


def _cut(line: str) -> str:
    """Return ``line``, or as much of it as one event takes, which then says so."""
    content = line.encode()
    if len(content) <= MAX_BATCH_BYTES - EVENT_BYTES:
        return line
    mark = f" [cut: {len(content)} bytes]"
    return content[: MAX_BATCH_BYTES - EVENT_BYTES - len(mark)].decode(errors="ignore") + mark
