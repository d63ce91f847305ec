"""Which instances there are, which of them takes the next invocation, and what runs on them."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from local_cloud.sagemaker.container_specification import (
    ContainerError,
    ContainerSpecification,
    container_specification,
)
from local_cloud.sagemaker.fleet import Fleet
from local_cloud.sagemaker.resources import EndpointConfig, Model
from scaling_engine.assumptions import ScaleIn

if TYPE_CHECKING:
    from local_cloud.clock import SimulatedClock
    from local_cloud.sagemaker.resources import AsyncInferenceSettings

MODEL = Model(
    name="m",
    arn="arn",
    created_at=0.0,
    definition={"PrimaryContainer": {"Image": "image:1", "Environment": {"GREETING": "hello"}}},
)
COMMANDS = {"image:1": ("serve",)}


@pytest.fixture
def config(settings: AsyncInferenceSettings) -> EndpointConfig:
    """A configuration that names no optional limit."""
    definition = {"ProductionVariants": [{"VariantName": "AllTraffic", "ModelName": "m"}]}
    return EndpointConfig(name="c", arn="arn", created_at=0.0, definition=definition, asynchronous=settings)


def fleet_of(clock: SimulatedClock, *instances: tuple[str | None, int]) -> Fleet:
    """Return a fleet of instances with these containers and so many running invocations, two at most on each."""
    specification = ContainerSpecification(command=("serve",), environment={}, max_concurrency=2, startup_seconds=60)
    host: Any = None
    supply: Any = None
    fleet = Fleet(specification, host, supply, clock, lambda: None, scale_in=ScaleIn.KILLS)
    fleet._instances = [
        SimpleNamespace(container=container, running=running, instance_type="ml.m5.large")  # type: ignore[misc]
        for container, running in instances
    ]
    return fleet


def test_only_instances_in_service_count(clock: SimulatedClock) -> None:
    """An instance that is being launched is desired, not current."""
    fleet = fleet_of(clock, ("a", 0), (None, 0))
    assert (fleet.desired_count, fleet.current_types) == (2, {"ml.m5.large": 1})


def test_the_least_busy_instance_is_next(clock: SimulatedClock) -> None:
    """Work spreads over the instances."""
    fleet = fleet_of(clock, ("a", 1), ("b", 0), (None, 0))
    free = fleet.free_instance()
    assert free is not None
    assert free[0] is fleet._instances[1]


def test_no_instance_takes_more_than_its_concurrency(clock: SimulatedClock) -> None:
    """The next request waits."""
    assert fleet_of(clock, ("a", 2), (None, 0)).free_instance() is None


def test_instances_that_rest_take_no_work(clock: SimulatedClock) -> None:
    """They are the oldest, and so the first to go when the fleet shrinks."""
    fleet = fleet_of(clock, ("a", 0), ("b", 1), ("c", 2))
    fleet.resting = 1
    free = fleet.free_instance()
    assert free is not None
    assert free[0] is fleet._instances[1]
    fleet.resting = 2
    assert fleet.free_instance() is None


def test_a_model_runs_the_program_of_its_image(config: EndpointConfig) -> None:
    """The environment is the model's, and what nobody names has its default."""
    expected = ContainerSpecification(
        command=("serve",), environment={"GREETING": "hello"}, max_concurrency=1, startup_seconds=480.0
    )
    assert container_specification(config, MODEL, COMMANDS) == expected


def test_limits_of_the_configuration_are_honoured(config: EndpointConfig, settings: AsyncInferenceSettings) -> None:
    """Concurrency and start-up time are what the configuration says."""
    variant = {"VariantName": "AllTraffic", "ContainerStartupHealthCheckTimeoutInSeconds": 90}
    config = replace(
        config, definition={"ProductionVariants": [variant]}, asynchronous=replace(settings, max_concurrency=4)
    )
    specification = container_specification(config, MODEL, COMMANDS)
    assert (specification.max_concurrency, specification.startup_seconds) == (4, 90.0)


def test_an_image_without_a_program_is_named(config: EndpointConfig) -> None:
    """The message has the flag that helps."""
    with pytest.raises(ContainerError, match=r"no program stands for the image image:1: .* --container 'image:1="):
        container_specification(config, MODEL, {})
