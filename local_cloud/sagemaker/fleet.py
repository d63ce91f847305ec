"""The instances behind an endpoint: launched, replaced when they die, removed."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from typing import TYPE_CHECKING

from local_cloud.sagemaker.container_specification import ContainerError
from local_cloud.sagemaker.undocumented import INSTANCE_PROVISIONING_SECONDS
from scaling_engine.assumptions import ScaleIn

if TYPE_CHECKING:
    from collections.abc import Callable

    from local_cloud.clock import SimulatedClock
    from local_cloud.sagemaker.container_host import ContainerHost
    from local_cloud.sagemaker.container_process import ContainerProcess
    from local_cloud.sagemaker.container_specification import ContainerSpecification
    from local_cloud.sagemaker.instance_supply import InstanceSupply

logger = logging.getLogger(__name__)


class Instance:
    """One instance: provisioned on simulated time, then a container of real time, launched anew whenever it ends.

    Args:
        specification: what runs on it.
        host: runs it.
        supply: where it comes from; it goes back there at its end.
        clock: of provisioning.
        on_service: called whenever the instance has come into service.

    Attributes:
        instance_type: what was to be had; empty until something is.
        container: what runs on it while it is in service, else ``None``.
        jobs: the invocations that it is working on, oldest first.
        launched: done when the instance is in service for the first time, or failed to get there.
    """

    def __init__(
        self,
        specification: ContainerSpecification,
        host: ContainerHost,
        supply: InstanceSupply,
        clock: SimulatedClock,
        on_service: Callable[[], None],
    ) -> None:
        self.instance_type = ""
        self.container: ContainerProcess | None = None
        self.jobs: list[asyncio.Task[None]] = []
        self.launched: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._specification = specification
        self._host = host
        self._supply = supply
        self._clock = clock
        self._on_service = on_service
        self._life = asyncio.create_task(self._live())

    @property
    def running(self) -> int:
        """How many invocations it is working on."""
        return len(self.jobs)

    async def retire(self, scale_in: ScaleIn) -> None:
        """Stop the instance, which gets no more work; what it is working on fails, ends or is given back."""
        try:
            if scale_in is ScaleIn.REQUEUES:
                # Each goes to the front of the queue, so that the oldest has to be the last.
                for job in reversed(self.jobs):
                    job.cancel()
            if self.jobs and scale_in is not ScaleIn.KILLS:
                await asyncio.wait(self.jobs)
        finally:
            await self.remove()

    async def remove(self) -> None:
        """Stop the instance at once, whatever it is doing."""
        self._life.cancel()
        await asyncio.wait([self._life])
        self.launched.cancel()

    async def _live(self) -> None:
        try:
            async with self._supply.instance() as self.instance_type:
                while True:
                    await self._clock.sleep(INSTANCE_PROVISIONING_SECONDS)
                    await self._launch()
        except Exception as error:  # noqa: BLE001 - whoever waits for the first launch tells of its failure
            self.launched.set_exception(error)

    async def _launch(self) -> None:
        try:
            await self._run_container()
        except Exception as error:
            if not self.launched.done():
                raise
            unexpected = not isinstance(error, ContainerError)
            logger.warning("an instance could not be replaced, trying again: %s", error, exc_info=unexpected)

    async def _run_container(self) -> None:
        container = await self._host.start(self._specification)
        try:
            await container.wait_until_ready()
            self.container = container
            if not self.launched.done():
                self.launched.set_result(None)
            self._on_service()
            await container.exited()
        finally:
            self.container = None
            await container.stop()


class Fleet:
    """A number of instances, equal but for their type.

    Args:
        specification: what runs on each.
        host: runs it.
        supply: where they come from.
        clock: of provisioning.
        on_service: called whenever an instance has come into service.
        scale_in: what becomes of the work of an instance that is one too many.

    Attributes:
        resting: how many instances take no work; they are the first to go: those of the least wanted type, and of
            these the oldest.
    """

    def __init__(
        self,
        specification: ContainerSpecification,
        host: ContainerHost,
        supply: InstanceSupply,
        clock: SimulatedClock,
        on_service: Callable[[], None],
        *,
        scale_in: ScaleIn,
    ) -> None:
        self.specification = specification
        self.resting = 0
        self._host = host
        self._supply = supply
        self._clock = clock
        self._on_service = on_service
        self._scale_in = scale_in
        # In the order in which they go.
        self._instances: list[Instance] = []

    @property
    def desired_count(self) -> int:
        """How many instances there should be."""
        return len(self._instances)

    @property
    def current_types(self) -> Counter[str]:
        """How many instances of each type are in service."""
        return Counter(instance.instance_type for instance in self._instances if instance.container is not None)

    def busy(self) -> list[bool]:
        """Return, of each instance in service, whether it works."""
        return [instance.running > 0 for instance in self._instances if instance.container is not None]

    def free_instance(self) -> tuple[Instance, ContainerProcess] | None:
        """Return the least busy instance that can take another invocation; ``None`` if there is none."""
        limit = self.specification.max_concurrency
        free = [
            (one, one.container) for one in self._instances[self.resting :] if one.container and one.running < limit
        ]
        return min(free, key=lambda pair: pair[0].running, default=None)

    async def resize(self, count: int) -> None:
        """Make it ``count`` instances and wait until the new ones are in service and the old ones gone.

        Source of which go first: *SageMaker Developer Guide*, "Deploy to multiple instance types with instance pools".

        Raises:
            ContainerError: a new instance did not come up; those that failed are not counted any more.
        """
        surplus = max(0, len(self._instances) - count)
        removed, self._instances = self._instances[:surplus], self._instances[surplus:]
        self.resting = max(0, self.resting - surplus)
        missing = count - len(self._instances)
        added = [
            Instance(self.specification, self._host, self._supply, self._clock, self._on_service)
            for _ in range(missing)
        ]
        self._instances += added
        await asyncio.gather(*(instance.retire(self._scale_in) for instance in removed))
        results = await asyncio.gather(*(instance.launched for instance in added), return_exceptions=True)
        failed = {instance: result for instance, result in zip(added, results, strict=True) if result is not None}
        launched = [instance for instance in self._instances if instance not in failed]
        # Of each type the oldest stay the first: the order of equals is kept.
        self._instances = sorted(launched, key=self._rank, reverse=True)
        for error in failed.values():
            raise error

    def _rank(self, instance: Instance) -> int:
        return self._supply.instance_types.index(instance.instance_type)

    async def close(self) -> None:
        """Remove all instances."""
        removed, self._instances = self._instances, []
        await asyncio.gather(*(instance.remove() for instance in removed))
