"""What a stack has besides its resources: outputs, the parameter's name, protection, the roles' boundary."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from aws_cdk import assertions

from constructs_lib.model import ContainerModel
from constructs_lib.payload_store import InputBucket
from stacks.inference_stack import add_stacks
from stacks.settings import EndpointSettings, StageSettings
from stacks.stages import stage_settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from aws_cdk import App

BOUNDARY = "arn:aws:iam::111122223333:policy/boundary"


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
