"""Gets a variant its instances: of the most wanted type that is to be had, within the time that it may take.

Source: *SageMaker Developer Guide*, "Deploy to multiple instance types with instance pools", and users who ran out of
capacity.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import cycle
from typing import TYPE_CHECKING, Final

from local_cloud.sagemaker.container_specification import ContainerError
from local_cloud.sagemaker.undocumented import CAPACITY_ATTEMPT_SECONDS, DEFAULT_PROVISION_TIMEOUT_SECONDS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from local_cloud.clock import SimulatedClock
    from local_cloud.sagemaker.instance_capacity import InstanceCapacity
    from local_cloud.sagemaker.resources import EndpointConfig

_INSUFFICIENT: Final = (
    "Unable to provision requested ML compute capacity due to InsufficientInstanceCapacity error. Please retry using a"
    " different ML instance type."
)
"""As users report it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class InstanceSupply:
    """Where the instances of a variant come from.

    Attributes:
        instance_types: what they may be, the most wanted first.
        timeout_seconds: simulated seconds within which there has to be one of any of the types.
        capacity: what there is.
        clock: of the time.
    """

    instance_types: tuple[str, ...]
    timeout_seconds: float
    capacity: InstanceCapacity
    clock: SimulatedClock

    @asynccontextmanager
    async def instance(self) -> AsyncIterator[str]:
        """Wait for an instance, and have it while the context lasts; what is entered is its type.

        Raises:
            ContainerError: there was none of any of the types in time.
        """
        instance_type = await self._take()
        try:
            yield instance_type
        finally:
            self.capacity.give_back(instance_type)

    async def _take(self) -> str:
        deadline = self.clock.now() + self.timeout_seconds
        wanted = cycle(self.instance_types)
        while not self.capacity.take(instance_type := next(wanted)):
            if self.clock.now() >= deadline:
                raise ContainerError(_INSUFFICIENT)
            await self.clock.sleep(min(CAPACITY_ATTEMPT_SECONDS, deadline - self.clock.now()))
        return instance_type


def instance_supply(config: EndpointConfig, capacity: InstanceCapacity, clock: SimulatedClock) -> InstanceSupply:
    """Return where the instances of ``config`` come from."""
    timeout = config.variant.get("VariantInstanceProvisionTimeoutInSeconds")
    # Users report that the time-out is of pools alone: a single type is tried for half an hour whatever it says.
    in_time = timeout if timeout and len(config.instance_types) > 1 else DEFAULT_PROVISION_TIMEOUT_SECONDS
    return InstanceSupply(
        instance_types=config.instance_types, timeout_seconds=float(in_time), capacity=capacity, clock=clock
    )
