"""What SageMaker's control API does and refuses, by bare boto3."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from tests.local.sagemaker_calls import IN_A_MOMENT, ROLE, UNKNOWN_IMAGE, create_config, create_endpoint

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


def test_what_an_endpoint_is_about_to_have_is_described(
    sagemaker: Any,  # noqa: ANN401 - a boto3 client
    echo_image: str,
) -> None:
    """Until it has it, with what is being done to its variant; at rest there is nothing of it."""
    sagemaker.create_endpoint(EndpointName="described", EndpointConfigName=NAME)
    [variant] = sagemaker.describe_endpoint(EndpointName="described")["ProductionVariants"]
    assert [one["Status"] for one in variant["VariantStatus"]] == ["Creating"]
    wait_until_in_service(sagemaker, "described")
    sagemaker.update_endpoint(EndpointName="described", EndpointConfigName="second")
    description = sagemaker.describe_endpoint(EndpointName="described")
    pending = description["PendingDeploymentSummary"]
    assert (description["EndpointConfigName"], pending["EndpointConfigName"]) == (NAME, "second")
    [coming] = pending["ProductionVariants"]
    assert (coming["DesiredInstanceCount"], coming["InstanceType"]) == (1, "ml.m5.large")
    assert [one["Status"] for one in coming["VariantStatus"]] == ["Creating"]
    description = wait_until_in_service(sagemaker, "described")
    assert "PendingDeploymentSummary" not in description
    [variant] = description["ProductionVariants"]
    assert "VariantStatus" not in variant
    [image] = variant["DeployedImages"]
    assert image["SpecifiedImage"] == echo_image
    assert image["ResolvedImage"].startswith(f"{echo_image.rpartition(':')[0]}@sha256:")
    sagemaker.delete_endpoint(EndpointName="described")


@pytest.mark.parametrize(
    ("wishes", "message"),
    [
        ([VARIANT | {"DesiredInstanceCount": 2}, VARIANT | {"DesiredInstanceCount": 3}], "more than once"),
        ([VARIANT | {"DesiredInstanceCount": 2}, {"VariantName": "Other"}], 'Could not find variant "Other"'),
        ([VARIANT | {"ServerlessUpdateConfig": {"MaxConcurrency": 1}}], "ServerlessUpdateConfig is not supported"),
    ],
)
def test_capacities_that_cannot_be_are_refused_as_a_whole(
    sagemaker: Any,  # noqa: ANN401 - a boto3 client
    wishes: list[dict[str, Any]],
    message: str,
) -> None:
    """The endpoint stays as it is."""
    with pytest.raises(ClientError, match=message) as refusal:
        sagemaker.update_endpoint_weights_and_capacities(EndpointName=NAME, DesiredWeightsAndCapacities=wishes)
    assert refusal.value.response["Error"]["Code"] == "ValidationException"
    assert sagemaker.describe_endpoint(EndpointName=NAME)["EndpointStatus"] == "InService"


def test_a_weight_is_shown_and_kept_like_the_count(sagemaker: Any) -> None:  # noqa: ANN401 - a boto3 client
    """It divides nothing, and setting it is an update all the same."""

    def weight(description: dict[str, Any]) -> float:
        [variant] = description["ProductionVariants"]
        assert variant["CurrentWeight"] == variant["DesiredWeight"]
        shown: float = variant["CurrentWeight"]
        return shown

    before = sagemaker.describe_endpoint(EndpointName=NAME)
    sagemaker.update_endpoint_weights_and_capacities(
        EndpointName=NAME, DesiredWeightsAndCapacities=[VARIANT | {"DesiredWeight": 3}]
    )
    description = wait_until_in_service(sagemaker)
    assert description["LastModifiedTime"] > before["LastModifiedTime"]
    assert (weight(description), counts(description)) == (3.0, (1, 1))
    sagemaker.update_endpoint(EndpointName=NAME, EndpointConfigName="second", RetainAllVariantProperties=True)
    assert weight(wait_until_in_service(sagemaker)) == 3.0
    sagemaker.update_endpoint(EndpointName=NAME, EndpointConfigName=NAME)
    assert weight(wait_until_in_service(sagemaker)) == 1.0


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


def test_an_endpoint_that_is_being_updated_or_deleted_is_neither_updated_nor_deleted(
    sagemaker: Any,  # noqa: ANN401 - a boto3 client
) -> None:
    """And its name is taken until it is gone."""
    sagemaker.create_endpoint(EndpointName="busy", EndpointConfigName=NAME)
    wait_until_in_service(sagemaker, "busy")
    sagemaker.update_endpoint(EndpointName="busy", EndpointConfigName="second")
    wish = [VARIANT | {"DesiredInstanceCount": 2}]
    for operation, members in (
        (sagemaker.delete_endpoint, {}),
        (sagemaker.update_endpoint, {"EndpointConfigName": NAME}),
        (sagemaker.update_endpoint_weights_and_capacities, {"DesiredWeightsAndCapacities": wish}),
    ):
        with pytest.raises(ClientError, match="Cannot update in-progress endpoint"):
            operation(EndpointName="busy", **members)
    wait_until_in_service(sagemaker, "busy")
    sagemaker.delete_endpoint(EndpointName="BUSY")
    sagemaker.get_waiter("endpoint_deleted").wait(EndpointName="busy", WaiterConfig=IN_A_MOMENT)
    sagemaker.create_endpoint(EndpointName="busy", EndpointConfigName=NAME)
    with pytest.raises(ClientError, match="Cannot create already existing endpoint"):
        sagemaker.create_endpoint(EndpointName="Busy", EndpointConfigName=NAME)
    wait_until_in_service(sagemaker, "busy")
    sagemaker.delete_endpoint(EndpointName="busy")


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
    sagemaker.create_model(ModelName="bad", ExecutionRoleArn=ROLE, PrimaryContainer={"Image": UNKNOWN_IMAGE})
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
    sagemaker.create_model(ModelName="worse", ExecutionRoleArn=ROLE, PrimaryContainer={"Image": UNKNOWN_IMAGE})
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


@pytest.mark.usefixtures("two_instances")
def test_a_canary_works_beside_the_old_instances(
    client: Callable[[str], Any],
    sagemaker: Any,  # noqa: ANN401 - a boto3 client
    eventually: Callable[..., Any],
) -> None:
    """While it is watched both configurations take requests, and then the new one takes all."""
    size = {"Type": "INSTANCE_COUNT", "Value": 1}
    routing = {"Type": "CANARY", "CanarySize": size, "WaitIntervalInSeconds": 3_600}
    sagemaker.update_endpoint(
        EndpointName=NAME,
        EndpointConfigName="second",
        RetainAllVariantProperties=True,
        DeploymentConfig={"BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": routing}},
    )

    def stage() -> str:
        description = sagemaker.describe_endpoint(EndpointName=NAME)
        [coming] = description.get("PendingDeploymentSummary", {}).get("ProductionVariants", [{}])
        return "".join(one["Status"] for one in coming.get("VariantStatus", ()))

    eventually(lambda: stage() == "Baking", seconds=30.0)
    runtime, s3 = client("sagemaker-runtime"), client("s3")
    # Each instance works on one request at a time, so that two of them are two instances.
    locations = [
        runtime.invoke_endpoint_async(EndpointName=NAME, Body=b"who", InvocationTimeoutSeconds=3_600)["OutputLocation"]
        for _ in range(20)
    ]
    assert stage() == "Baking"
    keys = {location.removeprefix(f"s3://{NAME}/") for location in locations}
    eventually(
        lambda: keys <= {one["Key"] for one in s3.list_objects_v2(Bucket=NAME).get("Contents", ())}, seconds=30.0
    )
    workers = {json.loads(s3.get_object(Bucket=NAME, Key=key)["Body"].read())["process"] for key in keys}
    assert len(workers) == 2
    description = wait_until_in_service(sagemaker)
    assert (description["EndpointConfigName"], counts(description)) == ("second", (2, 2))


@pytest.mark.parametrize("operation", ["create_endpoint", "update_endpoint"])
def test_a_deployment_that_cannot_be_is_refused(
    sagemaker: Any,  # noqa: ANN401 - a boto3 client
    operation: str,
) -> None:
    """At creation, too, where it would hold for later updates."""
    routing = {"Type": "CANARY", "WaitIntervalInSeconds": 0}
    with pytest.raises(ClientError, match="CanarySize is required"):
        getattr(sagemaker, operation)(
            EndpointName=NAME if operation == "update_endpoint" else "never",
            EndpointConfigName=NAME,
            DeploymentConfig={"BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": routing}},
        )


def model_template(image: str, greeting: str, **properties: str) -> str:
    """Return a template of one model."""
    container = {"Image": image, "Environment": {"GREETING": greeting}}
    model = {"ExecutionRoleArn": ROLE, "PrimaryContainer": container, **properties}
    return json.dumps({"Resources": {"Model": {"Type": "AWS::SageMaker::Model", "Properties": model}}})


@pytest.mark.parametrize(
    ("properties", "status"), [({}, "UPDATE_COMPLETE"), ({"ModelName": "fixed"}, "UPDATE_ROLLBACK_COMPLETE")]
)
def test_a_replacement_needs_a_name_of_its_own(
    client: Callable[[str], Any],
    echo_image: str,
    eventually: Callable[..., Any],
    properties: dict[str, str],
    status: str,
) -> None:
    """The new model is there before the old one goes, so that a name that the template fixes is taken."""
    cloudformation, stack = client("cloudformation"), f"replaced-{len(properties)}"

    def state() -> dict[str, Any]:
        [shown] = cloudformation.describe_stacks(StackName=stack)["Stacks"]
        done: dict[str, Any] = {} if shown["StackStatus"].endswith("IN_PROGRESS") else shown
        return done

    def model() -> str:
        [resource] = cloudformation.describe_stack_resources(StackName=stack)["StackResources"]
        return str(resource["PhysicalResourceId"].rpartition("/")[2])

    cloudformation.create_stack(StackName=stack, TemplateBody=model_template(echo_image, "old", **properties))
    assert eventually(state)["StackStatus"] == "CREATE_COMPLETE"
    old = model()
    cloudformation.update_stack(StackName=stack, TemplateBody=model_template(echo_image, "new", **properties))
    assert eventually(state)["StackStatus"] == status
    is_replaced = status == "UPDATE_COMPLETE"
    assert (model() != old) == is_replaced
    container = client("sagemaker").describe_model(ModelName=model())["PrimaryContainer"]
    assert container["Environment"] == {"GREETING": "new" if is_replaced else "old"}
    names = [one["ModelName"].lower() for one in client("sagemaker").list_models(MaxResults=100)["Models"]]
    assert (old in names) != is_replaced
    cloudformation.delete_stack(StackName=stack)
