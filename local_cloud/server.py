"""Puts the local cloud together and serves it on one loopback port."""

from __future__ import annotations

import asyncio
import json
import logging
import signal
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

from hypercorn.asyncio import serve as hypercorn_serve
from hypercorn.config import Config

from local_cloud import ministack_lambda, ministack_metric_data, ministack_routing, ministack_s3, same_origin
from local_cloud.application_autoscaling.api import AutoScalingApi
from local_cloud.application_autoscaling.cloudformation import AutoScalingResources
from local_cloud.application_autoscaling.scaling import Scaling
from local_cloud.application_autoscaling.service_linked_role import ServiceLinkedRole
from local_cloud.aws_clients import AwsClients
from local_cloud.clock import SimulatedClock, iso_timestamp
from local_cloud.cloudwatch.alarms import AlarmEvaluator
from local_cloud.cloudwatch.cloudformation import composite_alarm
from local_cloud.internal_errors import InternalErrors
from local_cloud.json_api import JsonApi
from local_cloud.ministack_bridge import MiniStack
from local_cloud.ministack_context import current_scope
from local_cloud.ministack_encryption import ask_for_keys
from local_cloud.ministack_iam import Identities
from local_cloud.ministack_kms import Keys
from local_cloud.minutes import Minutes
from local_cloud.sagemaker.cloudformation import SageMakerResources
from local_cloud.sagemaker.endpoint_operations import EndpointOperations
from local_cloud.sagemaker.endpoints import Endpoints
from local_cloud.sagemaker.execution_roles import ExecutionRoles
from local_cloud.sagemaker.instance_capacity import InstanceCapacity
from local_cloud.sagemaker.model_operations import ModelOperations
from local_cloud.sagemaker.permissions import caller_grants
from local_cloud.sagemaker.registry import Registry
from local_cloud.sagemaker.runtime_api import RuntimeApi
from local_cloud.sagemaker.tags import Tags
from local_cloud.scaled_variants import ScaledVariants

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Mapping
    from typing import IO

    from hypercorn.typing import ASGIReceiveCallable, ASGISendCallable
    from hypercorn.typing import Scope as AsgiScope

    from local_cloud.assumptions import Assumptions
    from local_cloud.json_api import Members, Response
    from local_cloud.sagemaker.resources import EndpointConfig, Model
    from local_cloud.scope import Scope

HEALTH_PATH: Final = "/_localcloud/health"
"""Answers 200 once everything is ready."""


class LocalCloud:
    """All services of one local cloud; make it on the event loop that serves it.

    Args:
        clock: of everything simulated.
        endpoint_url: where the cloud is reached.
        commands: programs by the container image that they stand for.
        capacity: how many instances of a type there are; any number of those that are not named.
        assumptions: what AWS leaves open.
    """

    def __init__(
        self,
        clock: SimulatedClock,
        endpoint_url: str,
        commands: Mapping[str, tuple[str, ...]],
        capacity: Mapping[str, int],
        assumptions: Assumptions,
    ) -> None:
        self._clock = clock
        self._errors = InternalErrors()
        for name in ("local_cloud", "asyncio"):
            logging.getLogger(name).addHandler(self._errors)
        self._ministack = MiniStack(clock.now)
        ministack_metric_data.answer_whole_questions()
        self._ministack.name_lambda_errors()
        tags = Tags()
        self._identities = Identities(tags.of)
        keys = Keys(self._identities, current_scope)
        self._mend_ministack(keys)
        ministack_lambda.stop_deleted_functions(current_scope)
        self._clients = AwsClients(endpoint_url, self._identities)
        roles = ExecutionRoles(self._identities, self._clients, keys)
        models: Registry[Model] = Registry("model")
        configs: Registry[EndpointConfig] = Registry("endpoint-config")
        self._endpoints = Endpoints(
            clock=clock,
            ministack=self._ministack,
            clients=self._clients,
            models=models,
            configs=configs,
            commands=commands,
            capacity=InstanceCapacity(capacity),
            assumptions=assumptions,
            roles=roles,
        )
        self._autoscaling_api = AutoScalingApi(
            clock=clock,
            endpoints=self._endpoints,
            ministack=self._ministack,
            identities=self._identities,
            role=ServiceLinkedRole(self._identities, self._clients),
            assumptions=assumptions.scaling,
        )
        self._scaled = ScaledVariants(self._autoscaling_api)
        self._control_api = JsonApi(
            "sagemaker",
            ModelOperations(clock, models, configs, tags, roles).operations()
            | EndpointOperations(self._endpoints, tags, self._scaled).operations()
            | tags.operations(),
        )
        self._runtime_api = RuntimeApi(clock, self._endpoints, assumptions, self._identities)
        self._minutes = Minutes(
            clock,
            self._endpoints,
            AlarmEvaluator(self._ministack.alarms, self._ministack.metrics, assumptions.scaling),
            Scaling(clock, self._autoscaling_api, self._endpoints),
            self._ministack.metrics,
        )
        self._add_to_ministack(tags)

    async def __call__(self, scope: AsgiScope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        """Answer a request as an ASGI application."""
        if scope["type"] != "lifespan" and (reason := same_origin.refusal(scope["headers"])):
            await same_origin.refuse(scope, send, reason)
        elif scope["type"] == "http" and scope["path"] == HEALTH_PATH:
            await self._send_health(send)
        else:
            # The loopback interface stands for TLS, which bucket policies ask for, unless a request says otherwise.
            await self._ministack.asgi_app({**scope, "scheme": "https"}, receive, send)

    async def run_minutes(self) -> None:
        """Do what is due at the end of each simulated minute, until cancelled."""
        await self._minutes.run()

    async def stop(self) -> None:
        """Stop every child process; harmless a second time."""
        await self._endpoints.stop()
        # A thread of its own: functions that run may hold all threads of the event loop.
        with ThreadPoolExecutor(1) as thread:
            await asyncio.get_running_loop().run_in_executor(thread, self._ministack.stop_functions)
        self._clients.close()

    def _mend_ministack(self, keys: Keys) -> None:
        ministack_s3.keep_bucket_tags()
        if self._identities.enforced:
            ministack_s3.refuse_as_s3(self._identities, keys, current_scope)
            ask_for_keys(keys, self._ministack.alarms)

    def _add_to_ministack(self, tags: Tags) -> None:
        ministack_routing.route_runtime()
        self._ministack.add_service(ministack_routing.RUNTIME, (), self._runtime_api.respond)
        self._ministack.add_service("sagemaker", ("SageMaker.",), self._respond_sagemaker)
        self._ministack.add_service(
            "application-autoscaling", ("AnyScaleFrontendService.",), self._respond_application_autoscaling
        )
        for resource_type in (
            *SageMakerResources(self._control_api, self._endpoints, tags).types(),
            *AutoScalingResources(self._autoscaling_api).types(),
            composite_alarm(self._ministack.call),
        ):
            self._ministack.add_resource_type(resource_type)

    async def _respond_sagemaker(
        self, scope: Scope, _method: str, _path: str, headers: Mapping[str, str], body: bytes
    ) -> Response:
        def authorize(operation: str, members: Members) -> None:
            grants = caller_grants(scope, operation, members)
            if operation == "DeleteEndpoint":
                grants += self._scaled.deletion_grants(scope, str(members.get("EndpointName")))
            self._identities.require(scope, headers, grants)

        return await self._control_api.respond(scope, headers.get("x-amz-target", ""), body, authorize)

    async def _respond_application_autoscaling(
        self, scope: Scope, _method: str, _path: str, headers: Mapping[str, str], body: bytes
    ) -> Response:
        def authorize(operation: str, members: Members) -> None:
            self._autoscaling_api.authorize(scope, headers, operation, members)

        target = headers.get("x-amz-target", "")
        return await self._autoscaling_api.json_api.respond(scope, target, body, authorize)

    async def _send_health(self, send: ASGISendCallable) -> None:
        health = {
            "status": "ok",
            "time_scale": self._clock.scale,
            "simulated_time": iso_timestamp(self._clock.now()),
            "internal_errors": self._errors.messages,
        }
        headers = [(b"content-type", b"application/json")]
        body = json.dumps(health).encode()
        await send({"type": "http.response.start", "status": 200, "headers": headers, "trailers": False})
        await send({"type": "http.response.body", "body": body, "more_body": False})


async def serve(
    listener: socket.socket,
    *,
    time_scale: float,
    commands: Mapping[str, tuple[str, ...]],
    capacity: Mapping[str, int],
    assumptions: Assumptions,
    stop_at_end_of_input: bool = False,
) -> None:
    """Serve a local cloud on ``listener`` until SIGINT or SIGTERM, then stop all its children.

    Says so on standard error, unless a program has started it: that asks for the health.

    Args:
        listener: a listening socket of the loopback interface.
        time_scale: simulated seconds per real second.
        commands: programs by the container image that they stand for.
        capacity: how many instances of a type there are; any number of those that are not named.
        assumptions: what AWS leaves open.
        stop_at_end_of_input: stop when standard input, a pipe, ends, too.

    Raises:
        MiniStackError: the installed MiniStack does not fit.
    """
    stopped = asyncio.Event()
    for signal_number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(signal_number, stopped.set)
    if stop_at_end_of_input:
        # Nothing is ever written into the pipe, so that it becomes readable only when its other end is closed.
        call_at_end(sys.stdin, stopped.set)
    port = listener.getsockname()[1]
    cloud = LocalCloud(SimulatedClock(time_scale), f"http://127.0.0.1:{port}", commands, capacity, assumptions)
    if not stop_at_end_of_input:
        sys.stderr.write(f"ready on http://127.0.0.1:{port}, time scale {time_scale:g}, Ctrl-C stops\n")
        sys.stderr.flush()
    minutes = asyncio.create_task(cloud.run_minutes())
    minutes.add_done_callback(lambda _: stopped.set())

    async def shut_down() -> None:
        await stopped.wait()
        # Hypercorn waits for requests that wait for a child: the children end first.
        await cloud.stop()

    try:
        await hypercorn_serve(cloud, _configuration(listener), shutdown_trigger=shut_down)
    finally:
        interrupted = minutes.cancel()
        # Requests that came meanwhile may have begun something.
        await cloud.stop()
    if not interrupted:
        minutes.result()


def call_at_end(pipe: IO[str], callback: Callable[[], object]) -> None:
    """Let the running event loop call ``callback`` once ``pipe``, into which nothing is written, ends."""
    loop = asyncio.get_running_loop()

    def end() -> None:
        # At its end a pipe stays readable.
        loop.remove_reader(pipe)
        callback()

    loop.add_reader(pipe, end)


def _configuration(listener: socket.socket) -> Config:
    configuration = Config()
    configuration.bind = [f"fd://{listener.fileno()}"]
    configuration.keep_alive_timeout = 75
    configuration.graceful_timeout = 1
    configuration.loglevel = "CRITICAL"
    return configuration
