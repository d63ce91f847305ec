"""What runs for a configuration."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from local_cloud.assumptions import DEFAULTS
from local_cloud.sagemaker.container_specification import ContainerError
from local_cloud.sagemaker.instance_capacity import InstanceCapacity
from local_cloud.sagemaker.release import ReleaseMaker
from local_cloud.sagemaker.resources import EndpointConfig, Model
from local_cloud.scope import Scope

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from local_cloud.clock import SimulatedClock
    from local_cloud.sagemaker.release import Release

ROLE = "arn:aws:iam::000000000000:role/execution"


@pytest.fixture
def release(clock: SimulatedClock) -> Callable[..., Release]:
    """Makes a release of a model with some members."""

    def environment(_scope: Scope, role_arn: str) -> Mapping[str, str]:
        return {"AWS_ENDPOINT_URL": "http://127.0.0.1:1", "AWS_ACCESS_KEY_ID": role_arn}

    def make(image: str = "image:1", variables: Mapping[str, str] | None = None, **members: object) -> Release:
        clients: Any = SimpleNamespace(environment=environment)
        host: Any = None
        maker = ReleaseMaker(
            clock=clock,
            clients=clients,
            host=host,
            capacity=InstanceCapacity({}),
            commands={"image:1": ("serve",)},
            assumptions=DEFAULTS,
        )
        container = {"Image": image, "Environment": variables or {}}
        definition = {"ExecutionRoleArn": ROLE, "PrimaryContainer": container, **members}
        model = Model(name="m", arn="arn", created_at=0.0, definition=definition)
        variants = [{"VariantName": "AllTraffic", "ModelName": "m"}]
        config = EndpointConfig(
            name="c", arn="arn", created_at=0.0, definition={"ProductionVariants": variants}, asynchronous=None
        )
        scope = Scope("000000000000", "us-east-1")
        endpoint: Any = SimpleNamespace(scope=scope, name="ocr", metrics=None, dispatch=None)
        return maker.make(endpoint, config, model)

    return make


def test_a_container_acts_as_the_execution_role(release: Callable[..., Release]) -> None:
    """It finds the local cloud, and what the model sets itself counts."""
    environment = release(variables={"GREETING": "hello", "AWS_ENDPOINT_URL": "mine"}).fleet.specification.environment
    assert environment == {"GREETING": "hello", "AWS_ENDPOINT_URL": "mine", "AWS_ACCESS_KEY_ID": ROLE}


def test_an_isolated_container_knows_nothing_of_aws(release: Callable[..., Release]) -> None:
    """On AWS it could not reach it."""
    isolated = release(variables={"GREETING": "hello"}, EnableNetworkIsolation=True)
    assert isolated.fleet.specification.environment == {"GREETING": "hello"}


def test_a_release_has_no_instances_yet(release: Callable[..., Release]) -> None:
    """Nothing is launched by making it, and an image without a program makes none."""
    assert release().fleet.desired_count == 0
    with pytest.raises(ContainerError, match="no program stands for the image other"):
        release("other")
