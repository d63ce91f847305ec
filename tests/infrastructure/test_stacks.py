"""What a stack has besides its resources: outputs, the parameter's name, protection, the roles' boundary."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from aws_cdk import assertions

from constructs_lib.model import ContainerModel
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
    """Endpoint, bucket, function, the topic of alarms, and the parameter under the name of the contract."""
    (name,) = [
        resource["Properties"]["Name"]
        for resource in template["Resources"].values()
        if resource["Type"] == "AWS::SSM::Parameter"
    ]

    expected = {"AlarmTopicArn", "EndpointName", "BucketName", "ParameterName", "PollingFunctionName"}
    assert expected == template["Outputs"].keys()
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
