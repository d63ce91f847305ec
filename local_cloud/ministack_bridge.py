"""The only module that knows MiniStack and its private names.

MiniStack offers no way to add a service or a resource type from outside, so this module reaches for the dictionaries in
which it keeps its own. They may move with any release: the version is therefore pinned, every private name used is
listed in :data:`PRIVATE_NAMES`, and loading checks each of them.

What it changes in MiniStack besides the additions: CloudWatch keeps simulated time, and alarms are not evaluated,
because MiniStack's evaluation knows neither dimensions nor missing data (:mod:`local_cloud.cloudwatch.alarms` does
it).
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final

from local_cloud import ministack_iam, ministack_metric_data, ministack_s3
from local_cloud.container_commands import REPOSITORY
from local_cloud.errors import AwsError
from local_cloud.lambda_errors import with_error_type
from local_cloud.scope import Scope

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping

    from local_cloud.json_api import Members, Response
    from local_cloud.resource_type import ResourceType

PINNED_VERSION: Final = "1.5.33"
"""The only MiniStack that this module is known to fit."""

PRIVATE_NAMES: Final[Mapping[str, tuple[str, ...]]] = {
    "ministack.app": ("app", "AUTH", "SERVICE_HANDLERS", "pin_request_origin"),
    "ministack.core.router": ("SERVICE_PATTERNS", "extract_access_key_id"),
    "ministack.core.responses": ("get_account_id", "get_region", "set_request_account_id", "set_request_region"),
    "ministack.core.lambda_runtime": ("reset",),
    "ministack.services.lambda_svc": ("_execute_function_warm",),
    "ministack.services.cloudwatch": (
        *ministack_metric_data.PRIVATE_NAMES["ministack.services.cloudwatch"],
        "_alarms",
        "_calc_stats",
        "_evaluate_alarm",
        "_put_metric_alarm",
        "_stat_value",
        "_store_datum",
        "time",
    ),
    "ministack.services.cloudformation.provisioners": (
        "_CUSTOM_NAME_REPLACEMENT",
        "_REPLACING_PROPERTIES",
        "_RESOURCE_HANDLERS",
        "_STACK_TAG_PROPERTY",
        "_cw_metric_alarm_record",
        "_physical_name",
    ),
    "ministack.services.cloudformation.stacks": ("_runs_on_worker_thread",),
    **ministack_iam.PRIVATE_NAMES,
    **ministack_s3.PRIVATE_NAMES,
}
"""What is used of MiniStack, by module."""


class MiniStackError(RuntimeError):
    """The installed MiniStack is not the one that this project is made for."""


def missing_private_names() -> list[str]:
    """Return those of :data:`PRIVATE_NAMES` that the installed MiniStack does not have."""
    return [
        f"{module}.{name}"
        for module, names in PRIVATE_NAMES.items()
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

    Raises:
        MiniStackError: another version is installed than the pinned one, or a name has moved.
    """

    def __init__(self) -> None:
        installed = version("ministack")
        if installed != PINNED_VERSION:
            raise MiniStackError(f"ministack {installed} is installed, {PINNED_VERSION} is needed: run make setup")
        if missing := missing_private_names():
            raise MiniStackError(f"ministack {installed} has no {', '.join(missing)}: adapt local_cloud")
        # Any: MiniStack carries no types.
        self._app: Any = import_module("ministack.app")
        self._router: Any = import_module("ministack.core.router")
        self._context: Any = import_module("ministack.core.responses")
        self._lambda: Any = import_module("ministack.core.lambda_runtime")
        self._functions: Any = import_module("ministack.services.lambda_svc")
        self._cloudwatch: Any = import_module("ministack.services.cloudwatch")
        self._provisioners: Any = import_module("ministack.services.cloudformation.provisioners")
        self._stacks: Any = import_module("ministack.services.cloudformation.stacks")

    @property
    def asgi_app(self) -> Callable[..., Awaitable[None]]:
        """The ASGI application."""
        app: Callable[..., Awaitable[None]] = self._app.app
        return app

    def scope(self) -> Scope:
        """Return the account and region of the request that is being handled."""
        return Scope(self._context.get_account_id(), self._context.get_region())

    def enter(self, scope: Scope) -> None:
        """Make ``scope`` the account and region of the current asyncio task."""
        self._context.set_request_account_id(scope.account)
        self._context.set_request_region(scope.region)

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
            return await handler(self.scope(), method, path, headers, body)

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
            created: tuple[str, Members] = on_loop(resource_type.create(self.scope(), name, properties))
            return created

        def update(
            physical_id: str, old: Members, new: Members, _stack_name: str, logical_id: str
        ) -> tuple[str, Members]:
            resource_type.check(logical_id, new)
            updated: tuple[str, Members] = on_loop(resource_type.update(self.scope(), physical_id, old, new))
            return updated

        def delete(physical_id: str, _properties: Members) -> None:
            if physical_id:
                on_loop(resource_type.delete_if_present(self.scope(), physical_id))

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

    def take_over_cloudwatch(self, now: Callable[[], float]) -> None:
        """Give CloudWatch the time of ``now``, and stop its own evaluation of alarms."""
        self._cloudwatch.time = SimpleNamespace(time=now)
        self._cloudwatch._evaluate_alarm = lambda _alarm: None  # noqa: SLF001

    def keep_metric_math(self) -> None:
        """Let alarms watch metric math, which MiniStack refuses in templates and forgets in requests."""
        record, put = self._provisioners._cw_metric_alarm_record, self._cloudwatch._put_metric_alarm  # noqa: SLF001
        nothing = dict.fromkeys(("MetricName", "Namespace", "Statistic", "Period"))

        def record_of_template(name: str, properties: Members) -> Members:
            if not (queries := properties.get("Metrics")):
                return dict(record(name, properties))
            one = {key: value for key, value in properties.items() if key != "Metrics"}
            alarm = record(name, {**one, "MetricName": name, "Namespace": name})
            return {**alarm, **nothing, "Metrics": queries}

        def put_request(params: Members, members: Members, *protocol: bool) -> object:
            answer: object = put(params, members, *protocol)
            if members and members.get("Metrics"):
                alarm = self._cloudwatch._alarms[members["AlarmName"]]  # noqa: SLF001
                alarm.update(nothing, Metrics=members["Metrics"])
            return answer

        self._provisioners._cw_metric_alarm_record = record_of_template  # noqa: SLF001
        self._cloudwatch._put_metric_alarm = put_request  # noqa: SLF001

    def name_lambda_errors(self) -> None:
        """Give the errors of Lambda functions the type that AWS gives them."""
        execute = self._functions._execute_function_warm  # noqa: SLF001
        self._functions._execute_function_warm = lambda *arguments: with_error_type(execute(*arguments))  # noqa: SLF001

    def alarms(self) -> Iterator[tuple[Scope, Members]]:
        """Yield every metric alarm, as ``DescribeAlarms`` describes it, with its account and region."""
        for (account, region, _), alarm in self._cloudwatch._alarms.to_dict().items():  # noqa: SLF001
            yield Scope(account, region), alarm

    def metric_alarm_states(self, scope: Scope) -> dict[str, str]:
        """Return the states of the metric alarms of one scope, by name."""
        return {alarm["AlarmName"]: alarm["StateValue"] for owner, alarm in self.alarms() if owner == scope}

    def put_metric(
        self, namespace: str, name: str, dimensions: Mapping[str, str], value: float, *, unit: str, timestamp: float
    ) -> None:
        """Store one sample in the current scope."""
        store = self._cloudwatch._store_datum  # noqa: SLF001
        store(namespace, name, dict(dimensions), timestamp, unit, value, None, None, None)

    def statistics(
        self,
        namespace: str,
        name: str,
        dimensions: Mapping[str, str],
        statistic: str,
        *,
        period: float,
        count: int,
        end: float,
        unit: str | None = None,
    ) -> list[float | None]:
        """Return a metric's statistic in each of the last ``count`` periods before ``end``, oldest first.

        The metric is the one of exactly these dimensions, in the current scope, and of ``unit`` if one is named;
        ``None`` stands for a period without samples.
        """
        cloudwatch, start = self._cloudwatch, end - count * period
        key = (namespace, name, cloudwatch._dims_key(dict(dimensions)))  # noqa: SLF001
        periods: list[list[Mapping[str, Any]]] = [[] for _ in range(count)]
        for point in cloudwatch._metrics.get(key, ()):  # noqa: SLF001
            if start <= point["Timestamp"] < end and unit in (None, point["Unit"]):
                periods[int((point["Timestamp"] - start) // period)].append(point)
        return [self._statistic(points, statistic) if points else None for points in periods]

    def _statistic(self, points: list[Mapping[str, Any]], statistic: str) -> float | None:
        value: float | None = self._cloudwatch._stat_value(self._cloudwatch._calc_stats(points), statistic, points)  # noqa: SLF001
        return value

    def stop_functions(self) -> None:
        """Stop the processes of all Lambda functions and let no more start; blocks for a moment."""
        refusal = {"errorType": "ServiceException", "errorMessage": "the local cloud is stopping"}
        self._functions._execute_function_warm = lambda *_: {"error": True, "body": refusal}  # noqa: SLF001
        self._lambda.reset()
