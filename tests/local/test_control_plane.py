"""What SageMaker's control API does and refuses, by bare boto3."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from tests.local.sagemaker_calls import IN_A_MOMENT, ROLE, create_config, create_endpoint

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

NAME = "controlled"
VARIANT = {"VariantName": "AllTraffic"}
TARGET = {
    "ServiceNamespace": "sagemaker",
    "ResourceId": f"endpoint/{NAME}/variant/AllTraffic",
    "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
}


@pytest.fixture(scope="module")
def sagemaker(client: Callable[[str], Any], echo_image: str) -> Any:  # noqa: ANN401 - a boto3 client
    """SageMaker, with an endpoint in service and a second configuration of it."""
    create_endpoint(client, NAME, echo_image)
    create_config(client, "second", NAME)
    return client("sagemaker")


def wait_until_in_service(sagemaker: Any, name: str = NAME) -> dict[str, Any]:  # noqa: ANN401 - a boto3 client
    """Wait by boto3's waiter and return the description."""
    sagemaker.get_waiter("endpoint_in_service").wait(EndpointName=name, WaiterConfig=IN_A_MOMENT)
    description: dict[str, Any] = sagemaker.describe_endpoint(EndpointName=name)
    return description


def counts(description: dict[str, Any]) -> tuple[int, int]:
    """Return how many instances there are and how many there should be."""
    [variant] = description["ProductionVariants"]
    return variant["CurrentInstanceCount"], variant["DesiredInstanceCount"]


@pytest.fixture
def two_instances(sagemaker: Any) -> Iterator[None]:  # noqa: ANN401 - a boto3 client
    """Two instances, and one configuration to start and end with."""
    sagemaker.update_endpoint_weights_and_capacities(
        EndpointName=NAME, DesiredWeightsAndCapacities=[VARIANT | {"DesiredInstanceCount": 2}]
    )
    assert counts(wait_until_in_service(sagemaker)) == (2, 2)
    yield
    sagemaker.update_endpoint(EndpointName=NAME, EndpointConfigName=NAME)
    assert counts(wait_until_in_service(sagemaker)) == (1, 1)


@pytest.mark.usefixtures("two_instances")
@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, 1),
        ({"RetainAllVariantProperties": True}, 2),
        (
            {
                "RetainAllVariantProperties": True,
                "ExcludeRetainedVariantProperties": [{"VariantPropertyType": "DesiredInstanceCount"}],
            },
            1,
        ),
    ],
)
def test_an_update_resets_the_count_unless_properties_are_retained(
    sagemaker: Any,  # noqa: ANN401 - a boto3 client
    options: dict[str, Any],
    expected: int,
) -> None:
    """By default an endpoint that scaling has grown is cut back to its configuration."""
    sagemaker.update_endpoint(EndpointName=NAME, EndpointConfigName="second", **options)
    assert sagemaker.describe_endpoint(EndpointName=NAME)["EndpointStatus"] == "Updating"
    description = wait_until_in_service(sagemaker)
    assert counts(description) == (expected, expected)
    assert description["EndpointConfigName"] == "second"


def test_a_launch_takes_a_simulated_minute(sagemaker: Any) -> None:  # noqa: ANN401 - a boto3 client
    """Besides what the container itself takes."""
    sagemaker.create_endpoint(EndpointName="launched", EndpointConfigName=NAME)
    description = wait_until_in_service(sagemaker, "launched")
    assert (description["LastModifiedTime"] - description["CreationTime"]).total_seconds() >= 60
    sagemaker.delete_endpoint(EndpointName="launched")


def test_an_endpoint_that_is_being_created_is_neither_updated_nor_deleted(
    sagemaker: Any,  # noqa: ANN401 - a boto3 client
) -> None:
    """Its instances are desired, not there, and whoever wants it gone has to wait."""
    sagemaker.create_endpoint(EndpointName="new", EndpointConfigName=NAME)
    description = sagemaker.describe_endpoint(EndpointName="new")
    assert (description["EndpointStatus"], counts(description)) == ("Creating", (0, 1))
    with pytest.raises(ClientError, match="Cannot update in-progress endpoint"):
        sagemaker.delete_endpoint(EndpointName="new")
    with pytest.raises(ClientError, match="Cannot update in-progress endpoint"):
        sagemaker.update_endpoint(EndpointName="new", EndpointConfigName=NAME)
    with pytest.raises(ClientError, match="Cannot create already existing endpoint"):
        sagemaker.create_endpoint(EndpointName="new", EndpointConfigName=NAME)
    wait_until_in_service(sagemaker, "new")
    sagemaker.delete_endpoint(EndpointName="new")
    sagemaker.get_waiter("endpoint_deleted").wait(EndpointName="new", WaiterConfig=IN_A_MOMENT)


def test_a_scaled_variant_keeps_its_instance_type(
    client: Callable[[str], Any],
    sagemaker: Any,  # noqa: ANN401 - a boto3 client
) -> None:
    """Deregistered, it may change."""
    scaling = client("application-autoscaling")
    create_config(client, "larger", NAME, instance_type="ml.m5.xlarge")
    scaling.register_scalable_target(**TARGET, MinCapacity=0, MaxCapacity=2)
    with pytest.raises(ClientError, match="Deregister the scalable target first"):
        sagemaker.update_endpoint(EndpointName=NAME, EndpointConfigName="larger")
    sagemaker.update_endpoint(EndpointName=NAME, EndpointConfigName="second")
    wait_until_in_service(sagemaker)
    scaling.deregister_scalable_target(**TARGET)
    sagemaker.update_endpoint(EndpointName=NAME, EndpointConfigName="larger")
    assert wait_until_in_service(sagemaker)["EndpointConfigName"] == "larger"


def test_an_update_needs_the_configuration_in_use(
    client: Callable[[str], Any],
    sagemaker: Any,  # noqa: ANN401 - a boto3 client
    echo_image: str,
) -> None:
    """A configuration in use can be deleted, and the endpoint cannot be updated any more: as users report."""
    create_endpoint(client, "orphan", echo_image)
    sagemaker.delete_endpoint_config(EndpointConfigName="orphan")
    with pytest.raises(ClientError, match=r'Could not find endpoint configuration "arn:.*:endpoint-config/orphan"'):
        sagemaker.update_endpoint(EndpointName="orphan", EndpointConfigName="second")
    assert sagemaker.describe_endpoint(EndpointName="orphan")["EndpointStatus"] == "InService"


def test_deleting_an_endpoint_deregisters_its_variants(
    client: Callable[[str], Any],
    sagemaker: Any,  # noqa: ANN401 - a boto3 client
) -> None:
    """Scaling would look for them in vain."""
    scaling, target = client("application-autoscaling"), TARGET | {"ResourceId": "endpoint/gone/variant/AllTraffic"}
    sagemaker.create_endpoint(EndpointName="gone", EndpointConfigName=NAME)
    wait_until_in_service(sagemaker, "gone")
    scaling.register_scalable_target(**target, MinCapacity=0, MaxCapacity=2)
    sagemaker.delete_endpoint(EndpointName="gone")
    shown = scaling.describe_scalable_targets(ServiceNamespace="sagemaker", ResourceIds=[target["ResourceId"]])
    assert shown["ScalableTargets"] == []


def test_a_failed_endpoint_can_only_be_deleted(
    client: Callable[[str], Any],
    sagemaker: Any,  # noqa: ANN401 - a boto3 client
    eventually: Callable[..., Any],
) -> None:
    """An update would not heal it."""
    sagemaker.create_model(ModelName="bad", ExecutionRoleArn=ROLE, PrimaryContainer={"Image": "unknown:1"})
    create_config(client, "bad", "bad")
    sagemaker.create_endpoint(EndpointName="bad", EndpointConfigName="bad")
    eventually(lambda: sagemaker.describe_endpoint(EndpointName="bad")["EndpointStatus"] == "Failed")
    with pytest.raises(ClientError, match="Cannot update failed endpoint"):
        sagemaker.update_endpoint(EndpointName="bad", EndpointConfigName=NAME)
    sagemaker.delete_endpoint(EndpointName="bad")


def test_an_update_that_fails_rolls_back(
    client: Callable[[str], Any],
    sagemaker: Any,  # noqa: ANN401 - a boto3 client
    eventually: Callable[..., Any],
) -> None:
    """The old instances go on under the old configuration, and the reason is shown."""
    sagemaker.create_model(ModelName="worse", ExecutionRoleArn=ROLE, PrimaryContainer={"Image": "unknown:1"})
    create_config(client, "worse", "worse")
    before = sagemaker.describe_endpoint(EndpointName=NAME)["EndpointConfigName"]
    sagemaker.update_endpoint(EndpointName=NAME, EndpointConfigName="worse")
    eventually(lambda: "FailureReason" in sagemaker.describe_endpoint(EndpointName=NAME))
    description = wait_until_in_service(sagemaker)
    assert (description["EndpointConfigName"], counts(description)) == (before, (1, 1))


def deployment(*alarms: str) -> dict[str, Any]:
    """Return a blue/green deployment that is watched for ten minutes."""
    routing = {"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": 0}
    watched = {"Alarms": [{"AlarmName": name} for name in alarms]}
    policy = {"TrafficRoutingConfiguration": routing, "TerminationWaitInSeconds": 600}
    return {"BlueGreenUpdatePolicy": policy, "AutoRollbackConfiguration": watched}


@pytest.mark.parametrize("rings", [False, True])
def test_an_update_is_rolled_back_by_an_alarm(
    client: Callable[[str], Any],
    sagemaker: Any,  # noqa: ANN401 - a boto3 client
    echo_image: str,
    *,
    rings: bool,
) -> None:
    """While the old instances wait, an alarm brings them back; without one they go."""
    name = f"guarded-{rings}".lower()
    create_endpoint(client, name, echo_image)
    client("cloudwatch").put_metric_alarm(
        AlarmName=name,
        Namespace="Probe",
        MetricName=name,
        Statistic="Maximum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanOrEqualToThreshold",
        # Without a single datapoint the alarm rings, or it does not.
        TreatMissingData="breaching" if rings else "notBreaching",
    )
    sagemaker.update_endpoint(
        EndpointName=name,
        EndpointConfigName="second",
        DeploymentConfig=deployment(name),
        RetainAllVariantProperties=True,
    )
    description = wait_until_in_service(sagemaker, name)
    assert description["EndpointConfigName"] == (name if rings else "second")
    assert ("FailureReason" in description) == rings
    assert counts(description) == (1, 1)
    assert description["LastDeploymentConfig"] == deployment(name)
    sagemaker.delete_endpoint(EndpointName=name)


def test_an_update_is_rolled_back_by_a_composite_alarm(
    client: Callable[[str], Any],
    sagemaker: Any,  # noqa: ANN401 - a boto3 client
    echo_image: str,
) -> None:
    """Which is one of CloudWatch's alarms like any other."""
    create_endpoint(client, "composed", echo_image)
    client("cloudwatch").put_composite_alarm(AlarmName="composed", AlarmRule="TRUE")
    sagemaker.update_endpoint(
        EndpointName="composed", EndpointConfigName="second", DeploymentConfig=deployment("composed")
    )
    description = wait_until_in_service(sagemaker, "composed")
    assert description["EndpointConfigName"] == "composed"
    assert "composed" in description["FailureReason"]
    sagemaker.delete_endpoint(EndpointName="composed")


def test_an_alarm_that_does_not_exist_guards_nothing(sagemaker: Any) -> None:  # noqa: ANN401 - a boto3 client
    """The update is refused before anything is launched."""
    with pytest.raises(ClientError, match="Could not find the alarms nobody"):
        sagemaker.update_endpoint(EndpointName=NAME, EndpointConfigName="second", DeploymentConfig=deployment("nobody"))
