"""A fleet's instances from their launch to their end, where there are not enough of their type."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from local_cloud.sagemaker.container_specification import ContainerError, ContainerSpecification
from local_cloud.sagemaker.fleet import Fleet
from local_cloud.sagemaker.instance_capacity import InstanceCapacity
from local_cloud.sagemaker.instance_supply import InstanceSupply
from scaling_engine.assumptions import ScaleIn

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.unit.local_cloud.conftest import SkippingClock

WANTED, OTHER = "ml.g5.xlarge", "ml.g4dn.xlarge"


class Container:
    """Is ready at once, unless told otherwise, and runs until it is let go."""

    def __init__(self, *, starts: bool) -> None:
        self.over = asyncio.Event()
        self._starts = starts

    async def wait_until_ready(self) -> None:
        """Be ready, or not."""
        if not self._starts:
            raise ContainerError("the container did not pass the ping health check")

    async def exited(self) -> None:
        """Run."""
        await self.over.wait()

    async def stop(self) -> None:
        """Be over."""


class Host:
    """Keeps what it has started, oldest first."""

    def __init__(self) -> None:
        self.containers: list[Any] = []
        self.starts = True

    async def start(self, _specification: object) -> Container:
        """Start a container."""
        container = Container(starts=self.starts)
        self.containers.append(container)
        return container


class Fleets:
    """Fleets of one endpoint that share what there is.

    Attributes:
        capacity: what there is: two of the wanted type and three of the other by default.
        host: runs containers.
    """

    def __init__(self, clock: SkippingClock) -> None:
        self.capacity = InstanceCapacity({WANTED: 2, OTHER: 3})
        self.host = Host()
        self._clock = clock

    def make(self) -> Fleet:
        """Return a fleet without instances."""
        host: Any = self.host
        supply = InstanceSupply(
            instance_types=(WANTED, OTHER), timeout_seconds=1_800.0, capacity=self.capacity, clock=self._clock
        )
        specification = ContainerSpecification(command=("serve",), environment={}, max_concurrency=1, startup_seconds=1)
        return Fleet(specification, host, supply, self._clock, lambda: None, scale_in=ScaleIn.KILLS)

    def left(self) -> dict[str, int]:
        """Return how many instances are left of each type."""
        return {one: limit - self.capacity._in_use[one] for one, limit in self.capacity.limits.items()}


@pytest.fixture
def fleets(skipping_clock: SkippingClock) -> Callable[[], Fleets]:
    """Makes fleets, on the event loop that runs."""
    return lambda: Fleets(skipping_clock)


def test_what_the_wanted_type_has_not_is_of_the_other(fleets: Callable[[], Fleets]) -> None:
    """A fleet is mixed, and at its end all is given back."""

    async def scale_out() -> None:
        shared = fleets()
        fleet = shared.make()
        await fleet.resize(3)
        assert fleet.current_types == {WANTED: 2, OTHER: 1}
        assert shared.left() == {WANTED: 0, OTHER: 2}
        await fleet.close()
        assert shared.left() == {WANTED: 2, OTHER: 3}

    asyncio.run(scale_out())


def test_without_capacity_there_are_as_many_as_came_up(fleets: Callable[[], Fleets]) -> None:
    """Whoever asked for more hears why there are not."""

    async def scale_out() -> None:
        fleet = fleets().make()
        with pytest.raises(ContainerError, match="InsufficientInstanceCapacity"):
            await fleet.resize(6)
        assert (fleet.desired_count, fleet.current_types) == (5, {WANTED: 2, OTHER: 3})
        await fleet.close()

    asyncio.run(scale_out())


def test_the_least_wanted_go_first_and_of_a_type_the_oldest(fleets: Callable[[], Fleets]) -> None:
    """Whenever they were launched: what stays is what is wanted most."""

    async def scale() -> None:
        shared = fleets()
        shared.capacity.limits[WANTED] = 0
        fleet = shared.make()
        await fleet.resize(1)
        shared.capacity.limits[WANTED] = 2
        await fleet.resize(4)
        _, *wanted, last_other = shared.host.containers
        for stays in ([last_other, *wanted], wanted, wanted[1:]):
            await fleet.resize(len(stays))
            assert [instance.container for instance in fleet._instances] == stays
        await fleet.close()

    asyncio.run(scale())


def test_instances_that_rest_are_the_first_to_go(fleets: Callable[[], Fleets]) -> None:
    """Of a mixed fleet as well: a step of a deployment stops none that takes requests."""

    async def step() -> None:
        fleet = fleets().make()
        await fleet.resize(4)
        fleet.resting = 3
        free = fleet.free_instance()
        assert free is not None
        await fleet.resize(1)
        assert fleet._instances == [free[0]]
        assert free[0].instance_type == WANTED
        assert fleet.resting == 0
        await fleet.close()

    asyncio.run(step())


def test_an_instance_that_is_replaced_keeps_its_type(fleets: Callable[[], Fleets]) -> None:
    """It gives nothing back meanwhile, so that nobody can take its place."""

    async def die() -> None:
        shared = fleets()
        fleet = shared.make()
        await fleet.resize(3)
        for container in list(shared.host.containers):
            container.over.set()
        while len(shared.host.containers) < 6:
            assert shared.left() == {WANTED: 0, OTHER: 2}
            await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert fleet.current_types == {WANTED: 2, OTHER: 1}
        await fleet.close()
        assert shared.left() == {WANTED: 2, OTHER: 3}

    asyncio.run(die())


def test_an_instance_whose_container_does_not_start_is_given_back(fleets: Callable[[], Fleets]) -> None:
    """It is not the capacity that failed."""

    async def fail() -> None:
        shared = fleets()
        shared.host.starts = False
        fleet = shared.make()
        with pytest.raises(ContainerError, match="ping health check"):
            await fleet.resize(3)
        assert (fleet.desired_count, shared.left()) == (0, {WANTED: 2, OTHER: 3})

    asyncio.run(fail())


def test_old_and_new_instances_are_there_at_the_same_time(fleets: Callable[[], Fleets]) -> None:
    """A deployment that replaces three instances needs three more, which may be of the other type."""

    async def deploy() -> None:
        shared = fleets()
        old, new, third = shared.make(), shared.make(), shared.make()
        await old.resize(2)
        await new.resize(2)
        with pytest.raises(ContainerError, match="InsufficientInstanceCapacity"):
            await third.resize(2)
        assert (old.current_types, new.current_types) == ({WANTED: 2}, {OTHER: 2})
        await third.close()
        await old.resize(0)
        await old.close()
        assert shared.left() == {WANTED: 2, OTHER: 1}
        await new.close()

    asyncio.run(deploy())
