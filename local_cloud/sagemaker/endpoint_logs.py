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
    from collections.abc import Sequence

    from local_cloud.aws_clients import AwsClients
    from local_cloud.scope import Scope

logger = logging.getLogger(__name__)

MAX_EVENTS: Final = 1_000
"""Lines of one request; CloudWatch Logs takes 10,000, and a megabyte."""

MAX_LINE: Final = 1_000
"""Characters of a line that are kept, so that a request stays below its megabyte."""


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
            for start in range(0, len(lines), MAX_EVENTS):
                now = round(time.time() * 1000)
                events = [{"timestamp": now, "message": line[:MAX_LINE]} for line in lines[start : start + MAX_EVENTS]]
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
