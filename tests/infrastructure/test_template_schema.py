"""The local cloud's resource types have the properties that CloudFormation's have."""

from __future__ import annotations

import inspect
import re
from typing import TYPE_CHECKING, Any

import pytest
from aws_cdk import CfnTag, aws_applicationautoscaling, aws_cloudwatch, aws_sagemaker

from local_cloud.application_autoscaling.cloudformation import SCALABLE_TARGET, SCALING_POLICY
from local_cloud.cloudwatch.cloudformation import COMPOSITE_ALARM
from local_cloud.sagemaker.cloudformation import ENDPOINT, ENDPOINT_CONFIG, MODEL

if TYPE_CHECKING:
    from collections.abc import Iterator

    from local_cloud.template_schema import TemplateSchema


def flat(name: str) -> str:
    """Return a name of the CDK or of CloudFormation as neither writes it."""
    return name.replace("_", "").lower()


def differences(construct: Any, properties: Any, schema: TemplateSchema, path: str) -> Iterator[str]:  # noqa: ANN401 - classes
    """Yield where the properties of an L1 construct are other ones than those of ``schema``."""
    parameters = dict(list(inspect.signature(properties.__init__).parameters.items())[1:])
    theirs = {flat(name): parameter for name, parameter in parameters.items()}
    ours = {flat(name): nested for name, nested in schema.properties.items()}
    required = {name for name, parameter in theirs.items() if parameter.default is parameter.empty}
    yield from (f"{path}.{name} is not the same in both" for name in sorted(theirs.keys() ^ ours.keys()))
    for name in sorted(required ^ {flat(name) for name in schema.required}):
        yield f"{path}.{name} is not required in both"
    for name in theirs.keys() & ours.keys():
        their_nested, our_nested = nested_properties(construct, str(theirs[name].annotation)), ours[name]
        if their_nested and our_nested:
            yield from differences(construct, their_nested, our_nested, f"{path}.{name}")
        elif their_nested or our_nested:
            yield f"{path}.{name} is an object in one only"


def nested_properties(construct: Any, annotation: str) -> Any:  # noqa: ANN401 - classes
    """Return the class of the objects that a property of an L1 construct takes, ``None`` if it takes none."""
    if "CfnTag" in annotation:
        return CfnTag
    kind = re.search(rf"{construct.__name__}\.(\w+Property)", annotation)
    return getattr(construct, kind[1]) if kind else None


@pytest.mark.parametrize(
    ("construct", "properties", "schema"),
    [
        (aws_sagemaker.CfnModel, aws_sagemaker.CfnModelProps, MODEL),
        (aws_sagemaker.CfnEndpointConfig, aws_sagemaker.CfnEndpointConfigProps, ENDPOINT_CONFIG),
        (aws_sagemaker.CfnEndpoint, aws_sagemaker.CfnEndpointProps, ENDPOINT),
        (aws_cloudwatch.CfnCompositeAlarm, aws_cloudwatch.CfnCompositeAlarmProps, COMPOSITE_ALARM),
        (
            aws_applicationautoscaling.CfnScalableTarget,
            aws_applicationautoscaling.CfnScalableTargetProps,
            SCALABLE_TARGET,
        ),
        (aws_applicationautoscaling.CfnScalingPolicy, aws_applicationautoscaling.CfnScalingPolicyProps, SCALING_POLICY),
    ],
)
def test_a_type_has_the_properties_of_cloudformations(
    construct: Any,  # noqa: ANN401 - a class
    properties: Any,  # noqa: ANN401 - a class
    schema: TemplateSchema,
) -> None:
    """Names and what is required are the same at every depth; the CDK derives its constructs from AWS's schemas."""
    assert not list(differences(construct, properties, schema, construct.__name__))
