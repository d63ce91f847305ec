"""One asynchronous endpoint: what it is, and how its requests meet its instances."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from local_cloud.sagemaker.deployment_policy import NO_WATCH
from local_cloud.sagemaker.endpoint_metrics import EndpointMetrics, queue_gauges
from local_cloud.sagemaker.request_queue import RequestQueue

if TYPE_CHECKING:
    from local_cloud.clock import SimulatedClock
    from local_cloud.json_api import Members
    from local_cloud.sagemaker.async_request import AsyncRequest
    from local_cloud.sagemaker.container_process import ContainerProcess
    from local_cloud.sagemaker.fleet import Instance
    from local_cloud.sagemaker.release import Release
    from local_cloud.sagemaker.resources import EndpointConfig, Model
    from local_cloud.scope import Scope
    from scaling_engine.assumptions import Assumptions


@dataclass(frozen=True, kw_only=True, slots=True)
class PendingDeployment:
    """A configuration that an endpoint is about to have.

    Attributes:
        config: the configuration.
        model: of the configuration.
        count: how many instances it shall have.
        weight: of its variant.
        started_at: simulated seconds since the epoch.
    """

    config: EndpointConfig
    model: Model
    count: int
    weight: float
    started_at: float


class Endpoint:
    """An endpoint with its queue and its fleet.

    Args:
        scope: who owns it.
        name: unique in its scope.
        arn: of the endpoint.
        config: what it is made of.
        clock: of everything but the model's computing.
        metrics: where its metrics go.
        assumptions: what is undocumented of its metrics.

    Attributes:
        config: what it is made of at present.
        status: AWS's ``EndpointStatus``.
        failure_reason: why the last operation failed, else ``None``.
        weight: of its one variant, which means nothing but is shown.
        release: what is at work; ``None`` until the first is.
        pending: what is being deployed, else ``None``.
        stage: AWS's ``VariantStatus`` of the operation that is going on, and since when; ``None`` at rest.
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
        metrics: EndpointMetrics,
        assumptions: Assumptions,
    ) -> None:
        self.scope = scope
        self.name = name
        self.arn = arn
        self.config = config
        self.metrics = metrics
        self.status = "Creating"
        self.failure_reason: str | None = None
        self.weight = config.initial_weight
        self.release: Release | None = None
        self.pending: PendingDeployment | None = None
        self.stage: tuple[str, float] | None = None
        self.deployment: Members = NO_WATCH
        self.operation: asyncio.Task[None] | None = None
        self.created_at = self.modified_at = clock.now()
        self._clock = clock
        self._assumptions = assumptions
        self._sharing: Release | None = None
        self._queue = RequestQueue()
        self._jobs: set[asyncio.Task[None]] = set()

    @property
    def desired_count(self) -> int:
        """How many instances there should be."""
        if self.release is not None:
            return self.release.fleet.desired_count
        return self.config.initial_instance_count if self.status == "Creating" else 0

    @property
    def current_count(self) -> int:
        """How many instances are in service."""
        return self.current_types.total()

    @property
    def current_types(self) -> Counter[str]:
        """How many instances of each type are in service."""
        return self.release.fleet.current_types if self.release else Counter()

    def enter(self, stage: str) -> None:
        """Say what the operation that is going on does from now on."""
        self.stage = stage, self._clock.now()

    def take(self, release: Release) -> None:
        """Let ``release`` do all of the work from now on."""
        release.fleet.resting = 0
        self.release, self.config, self._sharing = release, release.config, None
        self.dispatch()

    def divide(self, release: Release) -> None:
        """Let ``release`` do some of the work besides the one that is at work."""
        self._sharing = release
        self.dispatch()

    def submit(self, request: AsyncRequest) -> None:
        """Queue ``request``."""
        self._queue.add(request)
        self.dispatch()

    def dispatch(self) -> None:
        """Drop expired requests and hand waiting ones to free instances."""
        self._expire()
        while (free := self._free()) and (request := self._queue.take()):
            release, instance, container = free
            job = asyncio.create_task(release.invoker.invoke(request, container, release.config))
            instance.jobs.append(job)
            self._keep(job)
            job.add_done_callback(partial(self._finish, request, instance))

    async def stop(self) -> None:
        """Stop all instances and the work on them, because the local cloud ends."""
        release, self.release = self.release, None
        for job in self._jobs:
            job.cancel()
        if release is not None:
            await release.fleet.close()

    def publish_metrics(self, minute_end: float) -> None:
        """Publish the state of the queue as that of the minute that ends at ``minute_end``."""
        self._expire()
        minute = minute_end - 60
        gauges = queue_gauges(self._queue, self.current_count, minute_end, self._assumptions)
        self.metrics.publish_gauges(gauges, minute)
        for release in self._at_work():
            self.metrics.publish_utilization(release.fleet.busy(), release.config.variant_name, minute)

    def _at_work(self) -> list[Release]:
        return [release for release in (self.release, self._sharing) if release is not None]

    def _free(self) -> tuple[Release, Instance, ContainerProcess] | None:
        """Return the least busy instance that can take another request."""
        free = [(release, *one) for release in self._at_work() if (one := release.fleet.free_instance())]
        return min(free, key=lambda found: found[1].running, default=None)

    def _expire(self) -> None:
        if self.release is None:
            return
        for request in self._queue.expire(self._clock.now()):
            self._keep(asyncio.create_task(self.release.invoker.expire(request, self.config)))

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
