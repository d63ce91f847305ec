"""Inputs and results in S3, and notifications to SNS: the outside of an invocation."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from local_cloud.sagemaker.locations import S3Location

if TYPE_CHECKING:
    from local_cloud.aws_clients import AwsClients
    from local_cloud.scope import Scope


class Payloads:
    """Moves payloads and messages for one endpoint, in the name of its execution role.

    Every method raises ``botocore.exceptions.ClientError`` where the service refuses.

    Args:
        clients: of S3 and SNS.
        scope: of the endpoint.
        role_arn: the execution role of the endpoint's model.
    """

    def __init__(self, clients: AwsClients, scope: Scope, role_arn: str) -> None:
        self._role_arn = role_arn
        self._clients = clients
        self._scope = scope

    async def read(self, uri: str) -> bytes:
        """Return the content of an object."""
        location = S3Location.from_uri(uri)
        response = await self._call("s3", "get_object", Bucket=location.bucket, Key=location.key)
        content: bytes = response["Body"]
        return content

    async def write(
        self, uri: str, content: bytes, content_type: str, kms_key_id: str | None, *, overwrite: bool = True
    ) -> None:
        """Make an object of ``content``; an older one of the name is refused unless it may be overwritten."""
        location = S3Location.from_uri(uri)
        encryption = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": kms_key_id} if kms_key_id else {}
        condition = {} if overwrite else {"IfNoneMatch": "*"}
        await self._call(
            "s3",
            "put_object",
            Bucket=location.bucket,
            Key=location.key,
            Body=content,
            ContentType=content_type,
            **encryption,
            **condition,
        )

    async def publish(self, topic_arn: str, message: dict[str, Any]) -> None:
        """Send ``message`` to a topic."""
        await self._call("sns", "publish", TopicArn=topic_arn, Message=json.dumps(message))

    async def _call(self, service: str, operation: str, **members: object) -> dict[str, Any]:
        return await self._clients.call(self._scope, service, operation, role_arn=self._role_arn, **members)
