"""What happens on the day on which there are no instances of a type, or of any.

The stage is the app's own `local`, deployed by the real CDK CLI with a fallback type, of which there is one instance,
where there is none of the first.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import WaiterError

from constructs_lib.model import ContainerModel
from local_cloud.deployment import DeploymentError, bootstrap, deploy
from local_cloud.process import ACCOUNT, REGION, local_cloud
from stacks.stages import stage_settings
from tests.local.assembly import synthesize
from tests.local.conftest import ECHO_COMMAND, ECHO_IMAGE, TIME_SCALE
from tests.local.sagemaker_calls import IN_A_MOMENT, create_config, create_endpoint, create_execution_role

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from local_cloud.process import RunningLocalCloud
    from stacks.settings import StageSettings

WANTED, FALLBACK, SCARCE = "ml.c7i.large", "ml.c7i.xlarge", "ml.m5.large"
CAPACITY = {WANTED: 0, FALLBACK: 1, SCARCE: 1}
REASON = "InsufficientInstanceCapacity"


@pytest.fixture(scope="module")
def cloud(connect: Callable[[RunningLocalCloud], Callable[[str], Any]]) -> Iterator[RunningLocalCloud]:
    """A bootstrapped local cloud that knows the echo container and has few instances."""
    with local_cloud(time_scale=TIME_SCALE, containers={ECHO_IMAGE: ECHO_COMMAND}, capacity=CAPACITY) as running:
        create_execution_role(connect(running))
        bootstrap(running.environment, account=ACCOUNT, region=REGION)
        yield running


def stage(name: str, *fallback: str) -> StageSettings:
    """Return the local stage with the echo container, fallback types, and another name."""
    local = stage_settings("local")
    (endpoint,) = local.endpoints
    changed = replace(
        endpoint,
        model=ContainerModel(image_uri=ECHO_IMAGE),
        instance_type=WANTED,
        fallback_instance_types=fallback,
        scaling=replace(endpoint.scaling, max_instances=1),
    )
    return replace(local, name=name, endpoints=(changed,))


class Endpoint:
    """The endpoint of the deployed stack."""

    def __init__(self, name: str, client: Callable[[str], Any]) -> None:
        self.name = name
        self._client = client

    def submit(self) -> dict[str, str]:
        """Submit a request."""
        answer: dict[str, str] = self._client("sagemaker-runtime").invoke_endpoint_async(
            EndpointName=self.name, Body=b"page"
        )
        return answer

    def result(self, submitted: dict[str, str]) -> str | None:
        """Return what the container says that it got, ``None`` while there is no output."""
        bucket, _, key = submitted["OutputLocation"].removeprefix("s3://").partition("/")
        s3 = self._client("s3")
        try:
            answer = json.load(s3.get_object(Bucket=bucket, Key=key)["Body"])
        except s3.exceptions.NoSuchKey:
            return None
        return str(answer["body"])

    def describe(self) -> dict[str, Any]:
        """Return what SageMaker says of it."""
        described: dict[str, Any] = self._client("sagemaker").describe_endpoint(EndpointName=self.name)
        return described

    def rests(self) -> bool:
        """Return whether it has no instances and is to have none."""
        described = self.describe()
        (variant,) = described["ProductionVariants"]
        return (described["EndpointStatus"], variant["DesiredInstanceCount"]) == ("InService", 0)

    def types(self) -> dict[str, int]:
        """Return how many instances of each type are in service."""
        (variant,) = self.describe()["ProductionVariants"]
        return {pool["InstanceType"]: pool["CurrentInstanceCount"] for pool in variant["InstancePools"]}

    def failed_wakes(self) -> list[str]:
        """Return why scaling activities failed, newest first."""
        found = self._client("application-autoscaling").describe_scaling_activities(
            ServiceNamespace="sagemaker", ResourceId=f"endpoint/{self.name}/variant/AllTraffic"
        )
        activities = found["ScalingActivities"]
        return [activity["StatusMessage"] for activity in activities if activity["StatusCode"] == "Failed"]


@pytest.fixture(scope="module")
def endpoint(
    cloud: RunningLocalCloud, client: Callable[[str], Any], tmp_path_factory: pytest.TempPathFactory
) -> Endpoint:
    """The endpoint of the local stage with a fallback type."""
    assembly = synthesize(stage("local", FALLBACK), tmp_path_factory.mktemp("assemblies") / "local")
    (outputs,) = deploy(cloud.environment, stage="local", assembly=assembly).values()
    return Endpoint(outputs["EndpointName"], client)


def test_a_resting_endpoint_wakes_on_the_fallback_type(endpoint: Endpoint, eventually: Callable[..., Any]) -> None:
    """There is none of the first type, and the request succeeds all the same."""
    eventually(endpoint.rests)
    submitted = endpoint.submit()
    eventually(lambda: endpoint.types() == {WANTED: 0, FALLBACK: 1})

    assert eventually(lambda: endpoint.result(submitted)) == "page"
    assert endpoint.failed_wakes() == []


def test_a_request_outlasts_the_want_of_all_types(
    endpoint: Endpoint, client: Callable[[str], Any], eventually: Callable[..., Any]
) -> None:
    """It stays in the queue, scaling says why, tries again, and wakes the endpoint once there is an instance."""
    eventually(endpoint.rests)
    create_endpoint(client, "elsewhere", ECHO_IMAGE, instance_type=FALLBACK)
    submitted = endpoint.submit()
    # Only an endpoint in service is scaled: before the second it has been at rest again.
    eventually(lambda: len(endpoint.failed_wakes()) > 1)
    meanwhile = endpoint.result(submitted)
    client("sagemaker").delete_endpoint(EndpointName="elsewhere")

    assert [REASON in reason for reason in endpoint.failed_wakes()[:2]] == [True, True]
    assert meanwhile is None
    assert eventually(lambda: endpoint.result(submitted)) == "page"


def test_a_stack_without_capacity_is_rolled_back(cloud: RunningLocalCloud, tmp_path: Path) -> None:
    """And the CLI shows why."""
    assembly = synthesize(stage("single"), tmp_path / "single")

    with pytest.raises(DeploymentError, match=REASON):
        deploy(cloud.environment, stage="single", assembly=assembly)


def test_an_update_needs_as_many_instances_again(client: Callable[[str], Any]) -> None:
    """Without them the old ones go on under the old configuration, and another endpoint is not created at all."""
    sagemaker = client("sagemaker")
    in_service = sagemaker.get_waiter("endpoint_in_service")
    create_endpoint(client, "first", ECHO_IMAGE, instance_type=SCARCE)
    create_config(client, "second", "first", instance_type=SCARCE)
    sagemaker.update_endpoint(EndpointName="first", EndpointConfigName="second")
    sagemaker.create_endpoint(EndpointName="second", EndpointConfigName="second")
    with pytest.raises(WaiterError):
        in_service.wait(EndpointName="second", WaiterConfig=IN_A_MOMENT)
    in_service.wait(EndpointName="first", WaiterConfig=IN_A_MOMENT)
    first, second = (sagemaker.describe_endpoint(EndpointName=name) for name in ("first", "second"))

    assert (first["EndpointConfigName"], second["EndpointStatus"]) == ("first", "Failed")
    assert [REASON in described["FailureReason"] for described in (first, second)] == [True, True]
    assert first["ProductionVariants"][0]["CurrentInstanceCount"] == 1
