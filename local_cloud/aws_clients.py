"""This cloud as a client of itself: how SageMaker reads inputs, writes outputs and publishes notifications.

It goes through the front door, by boto3 and HTTP, so that whatever holds for other callers holds here as well.
"""

from __future__ import annotations

import asyncio
import functools
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final

import boto3
from botocore.config import Config

from local_cloud.ministack_iam import Credentials

if TYPE_CHECKING:
    from local_cloud.ministack_iam import Identities
    from local_cloud.scope import Scope

MAX_CALLS_AT_A_TIME: Final = 16
"""Threads, and connections to each service."""


class AwsClients:
    """Clients of the services at ``endpoint_url``, one per scope and service, called in threads."""

    def __init__(self, endpoint_url: str, identities: Identities) -> None:
        self._identities = identities
        self._endpoint_url = endpoint_url
        self._session = boto3.Session()
        self._threads = ThreadPoolExecutor(MAX_CALLS_AT_A_TIME, thread_name_prefix="aws-client")
        self._clients: dict[tuple[Scope, str, str | None], Any] = {}
        self._making = threading.Lock()

    async def call(
        self,
        scope: Scope,
        service: str,
        operation: str,
        *,
        role_arn: str | None = None,
        **members: Any,  # noqa: ANN401 - what the operation takes
    ) -> dict[str, Any]:
        """Perform ``operation`` (boto3's name for it) in ``scope``; a streamed body is read and stands as bytes.

        Args:
            scope: account and region.
            service: boto3's name for it.
            operation: boto3's name for it.
            role_arn: in whose name, where policies are enforced; the account's own by default.
            members: of the request.

        Raises:
            botocore.exceptions.ClientError: the service refuses.
        """
        call = functools.partial(
            self._call, (scope, service, role_arn if self._identities.enforced else None), operation, members
        )
        return await asyncio.get_running_loop().run_in_executor(self._threads, call)

    def environment(self, scope: Scope, role_arn: str) -> dict[str, str]:
        """Return what makes the AWS SDK in a child process act as a role, where policies are enforced."""
        credentials = self._credentials(scope, role_arn if self._identities.enforced else None)
        token = {"AWS_SESSION_TOKEN": credentials.session_token} if credentials.session_token else {}
        return token | {
            "AWS_ENDPOINT_URL": self._endpoint_url,
            "AWS_REGION": scope.region,
            "AWS_DEFAULT_REGION": scope.region,
            "AWS_ACCESS_KEY_ID": credentials.access_key,
            "AWS_SECRET_ACCESS_KEY": credentials.secret_key,
        }

    def close(self) -> None:
        """Let no more calls begin."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _call(self, caller: tuple[Scope, str, str | None], operation: str, members: dict[str, Any]) -> dict[str, Any]:
        response: dict[str, Any] = getattr(self._client(*caller), operation)(**members)
        return {name: value.read() if hasattr(value, "read") else value for name, value in response.items()}

    def _client(self, scope: Scope, service: str, role_arn: str | None) -> Any:  # noqa: ANN401 - known only here
        # Clients can be shared between threads, but not made by several at a time of one session.
        with self._making:
            key = (scope, service, role_arn)
            if key not in self._clients:
                self._clients[key] = self._new_client(scope, service, role_arn)
            return self._clients[key]

    def _new_client(self, scope: Scope, service: str, role_arn: str | None) -> Any:  # noqa: ANN401 - known only here
        credentials = self._credentials(scope, role_arn)
        new_client: Any = self._session.client
        return new_client(
            service,
            endpoint_url=self._endpoint_url,
            region_name=scope.region,
            aws_access_key_id=credentials.access_key,
            aws_secret_access_key=credentials.secret_key,
            aws_session_token=credentials.session_token,
            config=Config(
                max_pool_connections=MAX_CALLS_AT_A_TIME, retries={"mode": "standard", "total_max_attempts": 1}
            ),
        )

    def _credentials(self, scope: Scope, role_arn: str | None) -> Credentials:
        return self._identities.session(role_arn) if role_arn else Credentials(scope.account, "local")
