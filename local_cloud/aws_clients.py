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

if TYPE_CHECKING:
    from local_cloud.scope import Scope

MAX_CALLS_AT_A_TIME: Final = 16
"""Threads, and connections to each service."""


class AwsClients:
    """Clients of the services at ``endpoint_url``, one per scope and service, called in threads."""

    def __init__(self, endpoint_url: str) -> None:
        self._endpoint_url = endpoint_url
        self._session = boto3.Session()
        self._threads = ThreadPoolExecutor(MAX_CALLS_AT_A_TIME, thread_name_prefix="aws-client")
        self._clients: dict[tuple[Scope, str], Any] = {}
        self._making = threading.Lock()

    async def call(self, scope: Scope, service: str, operation: str, **members: Any) -> dict[str, Any]:  # noqa: ANN401
        """Perform ``operation`` (boto3's name for it) in ``scope``; a streamed body is read and stands as bytes.

        Raises:
            botocore.exceptions.ClientError: the service refuses.
        """
        call = functools.partial(self._call, scope, service, operation, members)
        return await asyncio.get_running_loop().run_in_executor(self._threads, call)

    def close(self) -> None:
        """Let no more calls begin."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _call(self, scope: Scope, service: str, operation: str, members: dict[str, Any]) -> dict[str, Any]:
        response: dict[str, Any] = getattr(self._client(scope, service), operation)(**members)
        return {name: value.read() if hasattr(value, "read") else value for name, value in response.items()}

    def _client(self, scope: Scope, service: str) -> Any:  # noqa: ANN401 - which service is only known here
        # Clients can be shared between threads, but not made by several at a time of one session.
        with self._making:
            if (scope, service) not in self._clients:
                self._clients[scope, service] = self._new_client(scope, service)
            return self._clients[scope, service]

    def _new_client(self, scope: Scope, service: str) -> Any:  # noqa: ANN401 - which service is only known here
        new_client: Any = self._session.client
        return new_client(
            service,
            endpoint_url=self._endpoint_url,
            region_name=scope.region,
            aws_access_key_id=scope.account,
            aws_secret_access_key="local",  # noqa: S106 - the local cloud checks none
            config=Config(
                max_pool_connections=MAX_CALLS_AT_A_TIME, retries={"mode": "standard", "total_max_attempts": 1}
            ),
        )
