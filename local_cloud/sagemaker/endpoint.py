"""One asynchronous endpoint: what it is, and how its requests meet its instances."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any

from local_cloud.sagemaker.deployment_policy import NO_WATCH
from local_cloud.sagemaker.endpoint_metrics import EndpointMetrics, queue_gauges
from local_cloud.sagemaker.request_queue import RequestQueue

if TYPE_CHECKING:
    from local_cloud.clock import SimulatedClock
    from local_cloud.json_api import Members
    from local_cloud.sagemaker.async_request import AsyncRequest
    from local_cloud.sagemaker.fleet import Fleet, Instance
    from local_cloud.sagemaker.invocation import Invoker
    from local_cloud.sagemaker.payloads import Payloads
    from local_cloud.sagemaker.resources import EndpointConfig
    from local_cloud.scope import Scope
    from scaling_engine.assumptions import Assumptions


class Endpoint:
    """An endpoint with its queue and its fleet.

    Args:
        scope: who owns it.
        name: unique in its scope.
        arn: of the endpoint.
        config: what it is made of.
        clock: of everything but the model's computing.
        invoker: works on requests.
        metrics: where its metrics go.
        payloads: where its inputs come from and its results go.
        assumptions: what is undocumented of its metrics.

    Attributes:
        status: AWS's ``EndpointStatus``.
        failure_reason: why the last operation failed, else ``None``.
        fleet: its instances; ``None`` until they are first launched.
        deployment: the ``DeploymentConfig`` of the last update.
        operation: the creation, update or deletion that is going on or was the last.
    """

    def __init__(
        self,
        *,
        scope: Scope,
        name: str,
        arn: str,
        config: EndpointConfig,
        clock: SimulatedClock,
        invoker: Invoker,
        metrics: EndpointMetrics,
        payloads: Payloads,
        assumptions: Assumptions,
    ) -> None:
        self.scope = scope
        self.name = name
        self.arn = arn
        self.config = config
        self.payloads = payloads
        self.status = "Creating"
        self.failure_reason: str | None = None
        self.fleet: Fleet | None = None
        self.deployment: Members = NO_WATCH
        self.operation: asyncio.Task[None] | None = None
        self.created_at = self.modified_at = clock.now()
        self._clock = clock
        self._invoker = invoker
        self._metrics = metrics
        self._assumptions = assumptions
        self._queue = RequestQueue()
        self._jobs: set[asyncio.Task[None]] = set()

    @property
    def desired_count(self) -> int:
        """How many instances there should be."""
        initial = self.config.initial_instance_count if self.status == "Creating" else 0
        return self.fleet.desired_count if self.fleet else initial

    @property
    def current_count(self) -> int:
        """How many instances are in service."""
        return self.fleet.current_count if self.fleet else 0

    def take(self, fleet: Fleet | None, config: EndpointConfig, role_arn: str) -> None:
        """Let other instances do the work from now on, of another configuration and in the name of another role."""
        self.fleet, self.config, self.payloads.role_arn = fleet, config, role_arn
        self.dispatch()

    def submit(self, request: AsyncRequest) -> None:
        """Queue ``request``."""
        self._queue.add(request)
        self.dispatch()

    def dispatch(self) -> None:
        """Drop expired requests and hand waiting ones to free instances."""
        self._expire()
        while self.fleet and (free := self.fleet.free_instance()) and (request := self._queue.take()):
            instance, container = free
            job = asyncio.create_task(self._invoker.invoke(request, container, self.config))
            instance.jobs.append(job)
            self._keep(job)
            job.add_done_callback(partial(self._finish, request, instance))

    async def stop(self) -> None:
        """Stop all instances and the work on them, because the local cloud ends."""
        fleet, self.fleet = self.fleet, None
        for job in self._jobs:
            job.cancel()
        if fleet is not None:
            await fleet.close()

    def publish_metrics(self, minute_end: float) -> None:
        """Publish the state of the queue as that of the minute that ends at ``minute_end``."""
        self._expire()
        minute = minute_end - 60
        gauges = queue_gauges(self._queue, self.current_count, minute_end, self._assumptions)
        self._metrics.publish_gauges(gauges, minute)
        if self.fleet is not None:
            self._metrics.publish_utilization(self.fleet.busy(), self.config.variant_name, minute)

    def summary(self) -> dict[str, Any]:
        """Return the endpoint as ``ListEndpoints`` shows it."""
        return {
            "EndpointName": self.name,
            "EndpointArn": self.arn,
            "CreationTime": self.created_at,
            "LastModifiedTime": self.modified_at,
            "EndpointStatus": self.status,
        }

    def description(self) -> dict[str, Any]:
        """Return the endpoint as ``DescribeEndpoint`` shows it."""
        variant = {
            "VariantName": self.config.variant_name,
            "CurrentWeight": 1.0,
            "DesiredWeight": 1.0,
            "CurrentInstanceCount": self.current_count,
            "DesiredInstanceCount": self.desired_count,
        }
        shown = self.summary() | {
            "EndpointConfigName": self.config.name,
            "ProductionVariants": [variant],
            "AsyncInferenceConfig": self.config.definition.get("AsyncInferenceConfig"),
        }
        optional = {"FailureReason": self.failure_reason, "LastDeploymentConfig": self.deployment}
        return shown | {name: value for name, value in optional.items() if value}

    def _expire(self) -> None:
        for request in self._queue.expire(self._clock.now()):
            self._keep(asyncio.create_task(self._invoker.expire(request, self.config)))

    def _keep(self, job: asyncio.Task[None]) -> None:
        """Hold on to a task while it runs: the event loop does not."""
        self._jobs.add(job)
        job.add_done_callback(self._jobs.discard)

    def _finish(self, request: AsyncRequest, instance: Instance, job: asyncio.Task[None]) -> None:
        """Make room for the next request; one whose instance gave it back is the next."""
        instance.jobs.remove(job)
        self._queue.finish()
        if job.cancelled():
            self._queue.put_back(request)
        self.dispatch()
