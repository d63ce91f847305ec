"""How containers end: asked first, and then made to."""

from __future__ import annotations

import asyncio
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from local_cloud.clock import SimulatedClock
from local_cloud.sagemaker import container_host
from local_cloud.sagemaker.container_host import ContainerHost, stop_seconds
from local_cloud.sagemaker.container_specification import ContainerSpecification

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from local_cloud.sagemaker.container_process import ContainerProcess


@pytest.mark.parametrize(("scale", "seconds"), [(1.0, 30.0), (3.0, 10.0), (60.0, 5.0), (600.0, 5.0)])
def test_a_container_has_thirty_simulated_seconds_to_end(scale: float, seconds: float) -> None:
    """And five real ones, because what it does at its end is its own computing."""
    assert stop_seconds(SimulatedClock(scale)) == seconds


@pytest.fixture
def start(echo_command: tuple[str, ...]) -> Callable[..., ContainerSpecification]:
    """Describes containers that take notice of SIGTERM, or do not."""

    def describe(*, stubborn: bool) -> ContainerSpecification:
        environment = {"STUBBORN": "1"} if stubborn else {}
        return ContainerSpecification(
            command=echo_command, environment=environment, max_concurrency=1, startup_seconds=30.0
        )

    return describe


@contextmanager
def hosting(seconds: float) -> Iterator[ContainerHost]:
    """Make a host while the context lasts."""
    host = ContainerHost(seconds)
    try:
        yield host
    finally:
        host.kill_all()


async def started(host: ContainerHost, specification: ContainerSpecification) -> ContainerProcess:
    """Return a container that is ready."""
    container = await host.start(specification)
    await container.wait_until_ready()
    return container


@pytest.mark.parametrize(("stubborn", "grace", "least", "most"), [(False, 30.0, 0.0, 5.0), (True, 1.0, 1.0, 5.0)])
def test_a_container_that_does_not_end_is_killed(
    start: Callable[..., ContainerSpecification], *, stubborn: bool, grace: float, least: float, most: float
) -> None:
    """One that does is not waited for."""

    async def stop() -> float:
        with hosting(grace) as host:
            container = await started(host, start(stubborn=stubborn))
            began = time.monotonic()
            await container.stop()
            return time.monotonic() - began

    assert least <= asyncio.run(stop()) < most


def test_what_a_container_ends_before_it_is_killed_counts(start: Callable[..., ContainerSpecification]) -> None:
    """A container that goes on working after SIGTERM keeps its job."""

    async def work() -> bool:
        with hosting(3.0) as host:
            container = await started(host, start(stubborn=True))
            job = asyncio.create_task(container.invoke(b"work 1", {}, 60.0))
            await asyncio.sleep(0.3)
            await container.stop()
            return (await job).succeeded

    assert asyncio.run(work())


def test_the_end_of_the_local_cloud_waits_for_no_container(
    start: Callable[..., ContainerSpecification], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even for one that is being stopped at the pace of simulated time."""
    monkeypatch.setattr(container_host, "LEAST_STOP_SECONDS", 0.5)

    async def end() -> float:
        with hosting(60.0) as host:
            container = await started(host, start(stubborn=True))
            began, stopping = time.monotonic(), asyncio.create_task(container.stop())
            host.close()
            await stopping
            return time.monotonic() - began

    assert 0.5 <= asyncio.run(end()) < 5.0
