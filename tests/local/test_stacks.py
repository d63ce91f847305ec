"""What CloudFormation does with the resource types that are this project's own, by bare boto3."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from tests.local.sagemaker_calls import IN_A_MOMENT, ROLE

if TYPE_CHECKING:
    from collections.abc import Callable

STACK = "tagged"
DIMENSION = {"ServiceNamespace": "sagemaker", "ScalableDimension": "sagemaker:variant:DesiredInstanceCount"}


def tag_list(**tags: str) -> list[dict[str, str]]:
    """Return tags as templates and SageMaker have them."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def template(image: str, stage: str, **bogus: str) -> str:
    """Return a template of a scaled endpoint, all of it tagged; ``bogus`` are properties of its model."""
    tags = tag_list(stage=stage)
    variant = {"VariantName": "AllTraffic", "ModelName": {"Fn::GetAtt": "Model.ModelName"}, "InitialInstanceCount": 1}
    resource_id = {"Fn::Sub": "endpoint/${Endpoint.EndpointName}/variant/AllTraffic"}
    resources = {
        "Model": ("Model", {"ExecutionRoleArn": ROLE, "PrimaryContainer": {"Image": image}, "Tags": tags, **bogus}),
        "Config": (
            "EndpointConfig",
            {
                "ProductionVariants": [variant | {"InstanceType": "ml.m5.large"}],
                "AsyncInferenceConfig": {"OutputConfig": {"S3OutputPath": "s3://bucket/output"}},
                "Tags": tags,
            },
        ),
        "Endpoint": ("Endpoint", {"EndpointConfigName": {"Fn::GetAtt": "Config.EndpointConfigName"}, "Tags": tags}),
    }
    target = {**DIMENSION, "ResourceId": resource_id, "MinCapacity": 0, "MaxCapacity": 2, "Tags": tags}
    described: dict[str, Any] = {
        name: {"Type": f"AWS::SageMaker::{kind}", "Properties": properties}
        for name, (kind, properties) in resources.items()
    }
    described["Target"] = {"Type": "AWS::ApplicationAutoScaling::ScalableTarget", "Properties": target}
    return json.dumps({"Resources": described})


class Stacks(NamedTuple):
    """CloudFormation, and how to wait for it."""

    cloudformation: Any
    eventually: Callable[..., Any]

    def wait(self, name: str) -> str:
        """Return the status of a stack once nothing is going on, or that it is gone."""

        def status() -> str:
            listed = self.cloudformation.list_stacks()["StackSummaries"]
            [shown] = [one["StackStatus"] for one in listed if one["StackName"] == name]
            return "" if shown.endswith("IN_PROGRESS") else str(shown)

        return str(self.eventually(status))

    def resources(self, name: str) -> dict[str, str]:
        """Return the physical ids of a stack's resources."""
        shown = self.cloudformation.describe_stack_resources(StackName=name)["StackResources"]
        return {one["LogicalResourceId"]: one["PhysicalResourceId"] for one in shown}

    def failures(self, name: str) -> list[str]:
        """Return why resources of a stack failed."""
        events = self.cloudformation.describe_stack_events(StackName=name)["StackEvents"]
        return [one["ResourceStatusReason"] for one in events if one["ResourceStatus"] == "CREATE_FAILED"]


@pytest.fixture(scope="module")
def stacks(client: Callable[[str], Any], eventually: Callable[..., Any]) -> Stacks:
    """CloudFormation."""
    return Stacks(client("cloudformation"), eventually)


@pytest.fixture(scope="module")
def resources(stacks: Stacks, client: Callable[[str], Any], echo_image: str) -> dict[str, str]:
    """The resources of a stack whose endpoint was scaled to two instances since."""
    stacks.cloudformation.create_stack(StackName=STACK, TemplateBody=template(echo_image, "old"))
    assert stacks.wait(STACK) == "CREATE_COMPLETE", stacks.failures(STACK)
    made = stacks.resources(STACK)
    name, sagemaker = made["Endpoint"].rpartition("/")[2], client("sagemaker")
    two = {"VariantName": "AllTraffic", "DesiredInstanceCount": 2}
    sagemaker.update_endpoint_weights_and_capacities(EndpointName=name, DesiredWeightsAndCapacities=[two])
    sagemaker.get_waiter("endpoint_in_service").wait(EndpointName=name, WaiterConfig=IN_A_MOMENT)
    sagemaker.add_tags(ResourceArn=made["Endpoint"], Tags=tag_list(added="elsewhere"))
    return made


def own_tags(client: Callable[[str], Any], arn: str) -> dict[str, str]:
    """Return the tags of a resource of SageMaker, but for those that CloudFormation adds."""
    listed = {tag["Key"]: tag["Value"] for tag in client("sagemaker").list_tags(ResourceArn=arn)["Tags"]}
    return {key: value for key, value in listed.items() if not key.startswith("aws:cloudformation:")}


def test_changed_tags_change_nothing_else(
    client: Callable[[str], Any], stacks: Stacks, resources: dict[str, str], echo_image: str
) -> None:
    """Tags of template and stack reach what is there: nothing is replaced, and the endpoint keeps its instances."""
    stacks.cloudformation.update_stack(
        StackName=STACK, TemplateBody=template(echo_image, "new"), Tags=tag_list(owner="us")
    )
    assert stacks.wait(STACK) == "UPDATE_COMPLETE"
    assert stacks.resources(STACK) == resources
    for logical_id in ("Model", "Config"):
        assert own_tags(client, resources[logical_id]) == {"stage": "new", "owner": "us"}
    assert own_tags(client, resources["Endpoint"]) == {"stage": "new", "owner": "us", "added": "elsewhere"}
    shown = client("sagemaker").describe_endpoint(EndpointName=resources["Endpoint"].rpartition("/")[2])
    assert [one["DesiredInstanceCount"] for one in shown["ProductionVariants"]] == [2]
    scaling = client("application-autoscaling")
    [target] = scaling.describe_scalable_targets(ServiceNamespace="sagemaker")["ScalableTargets"]
    assert scaling.list_tags_for_resource(ResourceARN=target["ScalableTargetARN"])["Tags"] == {"stage": "new"}


def test_a_property_that_the_type_does_not_have_fails_the_stack(stacks: Stacks, echo_image: str) -> None:
    """CloudFormation refuses it before the service is asked."""
    stacks.cloudformation.create_stack(StackName="bogus", TemplateBody=template(echo_image, "any", Bogus="x"))
    assert stacks.wait("bogus") == "ROLLBACK_COMPLETE"
    [reason] = stacks.failures("bogus")
    assert reason.splitlines()[-1] == "#: extraneous key [Bogus] is not permitted"


def test_a_stack_is_deleted_whose_resources_are_gone(
    client: Callable[[str], Any], stacks: Stacks, resources: dict[str, str], eventually: Callable[..., Any]
) -> None:
    """What somebody else has deleted, its scaling included, is deleted."""
    sagemaker = client("sagemaker")
    sagemaker.delete_endpoint(EndpointName=resources["Endpoint"].rpartition("/")[2])
    eventually(lambda: sagemaker.list_endpoints()["Endpoints"] == [])
    sagemaker.delete_endpoint_config(EndpointConfigName=resources["Config"].rpartition("/")[2])
    sagemaker.delete_model(ModelName=resources["Model"].rpartition("/")[2])
    stacks.cloudformation.delete_stack(StackName=STACK)
    assert stacks.wait(STACK) == "DELETE_COMPLETE"
