"""What a stack has besides its resources: outputs, the parameter's name, protection, the roles' boundary."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from aws_cdk import CfnResource, TagManager, assertions

from constructs_lib.model import ContainerModel
from constructs_lib.payload_store import InputBucket
from stacks.inference_stack import add_stacks
from stacks.settings import EndpointSettings, StageSettings
from stacks.stages import STAGES, stage_settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from aws_cdk import App

BOUNDARY = "arn:aws:iam::111122223333:policy/boundary"

UNTYPED_THAT_TAKE_TAGS = {"AWS::IAM::Role", "AWS::Lambda::Function"}
"""What the CDK declares without a class of its own, so that it cannot say whether it takes tags."""


def _endpoint(name: str) -> EndpointSettings:
    image = ContainerModel(image_uri="111122223333.dkr.ecr.eu-west-1.amazonaws.com/team/model:1")
    return EndpointSettings(name=name, model=image, instance_type="ml.m5.xlarge")


def test_outputs_tell_a_caller_where_to_begin(template: dict[str, Any], stage_name: str) -> None:
    """Endpoint, bucket, function, alarm topic, caller's policy, and the parameter under the name of the contract."""
    (name,) = [
        resource["Properties"]["Name"]
        for resource in template["Resources"].values()
        if resource["Type"] == "AWS::SSM::Parameter"
    ]

    assert template["Outputs"].keys() == {
        "AlarmTopicArn",
        "EndpointName",
        "BucketName",
        "ParameterName",
        "PollingFunctionName",
        "CallerPolicyArndefault",
    }
    assert name == f"/async-inference/{stage_name}/{stage_settings(stage_name).endpoints[0].name}"


@pytest.mark.parametrize(("stage", "protected"), [("dev", False), ("prod", True)])
def test_production_is_protected_against_deletion(new_app: Callable[[], App], stage: str, *, protected: bool) -> None:
    """A production stack cannot be deleted by mistake; another can be."""
    (stack,) = add_stacks(new_app(), stage_settings(stage))

    assert stack.termination_protection is protected


def test_each_endpoint_is_a_stack_of_its_own(new_app: Callable[[], App]) -> None:
    """Several endpoints of a stage are several stacks, named after both."""
    stage = StageSettings(name="dev", endpoints=(_endpoint("ocr"), _endpoint("speech-to-text")))

    names = [stack.stack_name for stack in add_stacks(new_app(), stage)]

    assert names == ["AsyncInference-dev-ocr", "AsyncInference-dev-speech-to-text"]


def test_boundary_is_on_every_role(new_app: Callable[[], App]) -> None:
    """Where an organisation demands a permissions boundary, no role is without it."""
    stage = StageSettings(name="dev", endpoints=(_endpoint("ocr"),), permissions_boundary_arn=BOUNDARY)
    (stack,) = add_stacks(new_app(), stage)

    roles = assertions.Template.from_stack(stack).find_resources("AWS::IAM::Role")

    assert len(roles) == 3
    assert {BOUNDARY} == {role["Properties"]["PermissionsBoundary"] for role in roles.values()}


def test_callers_are_told_where_else_inputs_may_lie(synthesize: Callable[[StageSettings], dict[str, Any]]) -> None:
    """The client refuses what the role could not read, so it has to know what the role can."""
    buckets = (InputBucket(name="scans", prefix="inbox/"),)
    endpoint = replace(_endpoint("ocr"), input_buckets=buckets)
    template = synthesize(StageSettings(name="dev", endpoints=(endpoint,)))

    (parameter,) = [each for each in template["Resources"].values() if each["Type"] == "AWS::SSM::Parameter"]
    assert '"input_locations":[{"bucket":"scans","prefix":"inbox/"}]' in str(parameter["Properties"]["Value"])


def _tags(resource: dict[str, Any]) -> dict[str, str]:
    """Return a resource's tags, whichever of CloudFormation's two shapes they have."""
    tags = resource["Properties"].get("Tags", {})
    return dict(tags) if isinstance(tags, dict) else {tag["Key"]: tag["Value"] for tag in tags}


@pytest.mark.parametrize("name", sorted(STAGES))
def test_everything_that_takes_tags_has_them(new_app: Callable[[], App], name: str) -> None:
    """Whatever the CDK takes for taggable, and what it makes itself, has the app's two tags and the team's own."""
    (stack,) = add_stacks(new_app(), replace(stage_settings(name), tags={"cost-centre": "4711", "owner": ""}))
    taggable = {
        stack.resolve(construct.logical_id)
        for construct in stack.node.find_all()
        if isinstance(construct, CfnResource)
        and (TagManager.is_taggable(construct) or construct.cfn_resource_type in UNTYPED_THAT_TAKE_TAGS)
    }
    resources = assertions.Template.from_stack(stack).to_json()["Resources"]
    expected = {
        "async-inference:stage": name,
        "async-inference:endpoint": stage_settings(name).endpoints[0].name,
        "cost-centre": "4711",
        "owner": "",
    }

    assert {resources[one]["Type"] for one in taggable} >= {"AWS::SageMaker::Endpoint", "AWS::S3::Bucket"}
    assert [one for one in sorted(taggable) if not _tags(resources[one]).items() >= expected.items()] == []


def test_other_tags_change_nothing_but_tags(synthesize: Callable[[StageSettings], dict[str, Any]]) -> None:
    """So that neither model nor configuration is replaced, and the endpoint is not updated."""
    dev = stage_settings("dev")
    ours, others = synthesize(dev)["Resources"], synthesize(replace(dev, tags={"cost-centre": "4711"}))["Resources"]
    for resource in (*ours.values(), *others.values()):
        resource.get("Properties", {}).pop("Tags", None)

    assert ours == others
