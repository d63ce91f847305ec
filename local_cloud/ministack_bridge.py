"""How services and resource types get into MiniStack; with its neighbours ``ministack_*`` all that knows its names.

MiniStack offers no way to add a service or a resource type from outside, so these modules reach for the dictionaries in
which it keeps its own. They may move with any release: the version is therefore pinned, every private name used is
listed in the ``PRIVATE_NAMES`` of its module, and loading checks each of them.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from local_cloud import (
    ministack_alarm_requests,
    ministack_alarms,
    ministack_context,
    ministack_encryption,
    ministack_iam,
    ministack_kms,
    ministack_metric_data,
    ministack_metrics,
    ministack_s3,
    ministack_sqs,
)
from local_cloud.container_commands import REPOSITORY
from local_cloud.errors import AwsError
from local_cloud.lambda_errors import with_error_type
from local_cloud.ministack_context import current_scope

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Mapping

    from local_cloud.json_api import Members, Response
    from local_cloud.resource_type import ResourceType
    from local_cloud.scope import Scope

PINNED_VERSION: Final = "1.5.33"
"""The only MiniStack that this module is known to fit."""

PRIVATE_NAMES: Final[Mapping[str, tuple[str, ...]]] = {
    "ministack.app": ("app", "AUTH", "SERVICE_HANDLERS", "detect_service"),
    "ministack.core.router": ("SERVICE_PATTERNS", "extract_access_key_id"),
    "ministack.core.lambda_runtime": ("invalidate_worker", "reset"),
    "ministack.services.lambda_svc": ("_execute_function_warm",),
    "ministack.services.cloudformation.provisioners": (
        "_CUSTOM_NAME_REPLACEMENT",
        "_REPLACING_PROPERTIES",
        "_RESOURCE_HANDLERS",
        "_STACK_TAG_PROPERTY",
        "_physical_name",
    ),
    "ministack.services.cloudformation.stacks": ("_runs_on_worker_thread",),
}
"""What this module uses of MiniStack, by module."""


class MiniStackError(RuntimeError):
    """The installed MiniStack is not the one that this project is made for."""


def missing_private_names() -> list[str]:
    """Return those private names that the installed MiniStack does not have."""
    neighbours = (
        ministack_alarm_requests,
        ministack_alarms,
        ministack_context,
        ministack_encryption,
        ministack_iam,
        ministack_kms,
        ministack_metric_data,
        ministack_metrics,
        ministack_s3,
        ministack_sqs,
    )
    return [
        f"{module}.{name}"
        for used in (PRIVATE_NAMES, *(neighbour.PRIVATE_NAMES for neighbour in neighbours))
        for module, names in used.items()
        for name in names
        if not hasattr(import_module(module), name)
    ]


def prepare_environment(port: int, *, enforce_iam: bool = False) -> None:
    """Set what MiniStack reads from the environment, on import and later, and what its Lambda functions inherit.

    Args:
        port: of all services.
        enforce_iam: refuse what no policy allows.
    """
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    os.environ.update(
        # Node.js functions, such as the CDK's own custom resources, find what Lambda's runtime brings along.
        PATH=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        NODE_PATH=str(REPOSITORY / "node_modules"),
        AUTH=str(enforce_iam).lower(),
        BIND_HOST="127.0.0.1",
        GATEWAY_PORT=str(port),
        LOG_LEVEL="ERROR",
        IOT_MTLS_ENABLED="0",
        SFTP_ENABLED="0",
        AWS_ENDPOINT_URL=f"http://127.0.0.1:{port}",
        AWS_EC2_METADATA_DISABLED="true",
    )


class MiniStack:
    """The embedded MiniStack of this process: there is one, because it keeps its state in modules.

    Call :func:`prepare_environment` before.

    Args:
        now: the simulated moment, in seconds since the epoch, which is CloudWatch's.

    Attributes:
        metrics: of CloudWatch.
        alarms: of CloudWatch.

    Raises:
        MiniStackError: another version is installed than the pinned one, or a name has moved.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        installed = version("ministack")
        if installed != PINNED_VERSION:
            raise MiniStackError(f"ministack {installed} is installed, {PINNED_VERSION} is needed: run make setup")
        if missing := missing_private_names():
            raise MiniStackError(f"ministack {installed} has no {', '.join(missing)}: adapt local_cloud")
        # Any: MiniStack carries no types.
        self._app: Any = import_module("ministack.app")
        self._router: Any = import_module("ministack.core.router")
        self._lambda: Any = import_module("ministack.core.lambda_runtime")
        self._functions: Any = import_module("ministack.services.lambda_svc")
        self._provisioners: Any = import_module("ministack.services.cloudformation.provisioners")
        self._stacks: Any = import_module("ministack.services.cloudformation.stacks")
        self.metrics = ministack_metrics.MiniStackMetrics(now)
        self.alarms = ministack_alarms.MiniStackAlarms(now)

    @property
    def asgi_app(self) -> Callable[..., Awaitable[None]]:
        """The ASGI application."""
        app: Callable[..., Awaitable[None]] = self._app.app
        return app

    def add_service(
        self,
        name: str,
        target_prefixes: tuple[str, ...],
        handler: Callable[[Scope, str, str, Mapping[str, str], bytes], Awaitable[Response]],
    ) -> None:
        """Route requests signed for ``name``, or whose target has one of the prefixes, to ``handler``.

        The handler takes scope, method, path, headers (lower case) and body. Without an entry of its own in the
        router's table, MiniStack would read every service model that botocore ships to learn whether the name is AWS's.
        """

        async def handle(method: str, path: str, headers: Mapping[str, str], body: bytes, _query: object) -> Response:
            return await handler(current_scope(), method, path, headers, body)

        self._router.SERVICE_PATTERNS[name] = {"target_prefixes": list(target_prefixes)}
        self._app.SERVICE_HANDLERS[name] = handle

    def add_resource_type(self, resource_type: ResourceType) -> None:
        """Let templates use ``resource_type``. Its functions run on the event loop that this is called on."""
        loop = asyncio.get_running_loop()

        def on_loop(coroutine: Coroutine[Any, Any, Any]) -> Any:  # noqa: ANN401 - passes through what it is given
            return asyncio.run_coroutine_threadsafe(coroutine, loop).result()

        def create(logical_id: str, properties: Members, stack_name: str) -> tuple[str, Members]:
            resource_type.check(logical_id, properties)
            name = self._provisioners._physical_name(stack_name, logical_id, max_len=63)  # noqa: SLF001
            created: tuple[str, Members] = on_loop(resource_type.create(current_scope(), name, properties))
            return created

        def update(
            physical_id: str, old: Members, new: Members, _stack_name: str, logical_id: str
        ) -> tuple[str, Members]:
            resource_type.check(logical_id, new)
            updated: tuple[str, Members] = on_loop(resource_type.update(current_scope(), physical_id, old, new))
            return updated

        def delete(physical_id: str, _properties: Members) -> None:
            if physical_id:
                on_loop(resource_type.delete_if_present(current_scope(), physical_id))

        self._register(resource_type, {"create": create, "update": update, "delete": delete})

    def _register(self, resource_type: ResourceType, handlers: Mapping[str, Callable[..., Any]]) -> None:
        provisioners, name = self._provisioners, resource_type.name
        provisioners._RESOURCE_HANDLERS[name] = {**handlers, "update_with_logical_id": True}  # noqa: SLF001
        provisioners._REPLACING_PROPERTIES[name] = resource_type.create_only  # noqa: SLF001
        if resource_type.name_property:
            provisioners._CUSTOM_NAME_REPLACEMENT[name] = {"name": resource_type.name_property}  # noqa: SLF001
        if name.startswith("AWS::SageMaker::"):
            provisioners._STACK_TAG_PROPERTY[name] = ("Tags", "list")  # noqa: SLF001
        runs_on_worker_thread = self._stacks._runs_on_worker_thread  # noqa: SLF001
        self._stacks._runs_on_worker_thread = lambda other: other == name or runs_on_worker_thread(other)  # noqa: SLF001

    async def call(self, service: str, operation: str, members: Members) -> dict[str, Any]:
        """Perform an operation of a JSON service of MiniStack in the current scope, past any authorisation.

        Raises:
            AwsError: it refuses.
        """
        headers = {"content-type": "application/x-amz-json-1.1", "x-amz-target": f"{service}.{operation}"}
        handler = self._app.SERVICE_HANDLERS[service]
        status, _, body = await handler("POST", "/", headers, json.dumps(members).encode(), {})
        document: dict[str, Any] = json.loads(body or b"{}")
        if status >= 400:  # noqa: PLR2004 - the first of HTTP's errors
            raise AwsError(str(document.get("__type")), str(document.get("message")), status=status)
        return document

    def name_lambda_errors(self) -> None:
        """Give the errors of Lambda functions the type that AWS gives them."""
        execute = self._functions._execute_function_warm  # noqa: SLF001
        self._functions._execute_function_warm = lambda *arguments: with_error_type(execute(*arguments))  # noqa: SLF001

    def stop_functions(self) -> None:
        """Stop the processes of all Lambda functions and let no more start; blocks for a moment."""
        refusal = {"errorType": "ServiceException", "errorMessage": "the local cloud is stopping"}
        self._functions._execute_function_warm = lambda *_: {"error": True, "body": refusal}  # noqa: SLF001
        self._lambda.reset()
