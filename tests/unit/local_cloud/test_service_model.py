"""Requests are checked as the service checks them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.model import ListShape, MapShape, StructureShape

from local_cloud.errors import AwsError
from local_cloud.service_model import check, coerced, compiled, input_shape, service_model

if TYPE_CHECKING:
    from collections.abc import Iterator

    from botocore.model import Shape

INVOCATION = input_shape("sagemaker-runtime", "InvokeEndpointAsync")
PLAIN = {"EndpointName": "ocr", "Body": b"x"}
OPERATIONS = [
    ("sagemaker", operation)
    for operation in ("CreateModel", "CreateEndpointConfig", "CreateEndpoint", "UpdateEndpoint", "AddTags", "ListTags")
] + [
    ("sagemaker-runtime", "InvokeEndpointAsync"),
    ("application-autoscaling", "RegisterScalableTarget"),
    ("application-autoscaling", "PutScalingPolicy"),
]


def patterns(shape: Shape, seen: set[str]) -> Iterator[str]:
    """Yield every pattern within ``shape``."""
    if shape.name in seen:
        return
    seen.add(shape.name)
    if "pattern" in shape.metadata:
        yield shape.metadata["pattern"]
    match shape:
        case StructureShape():
            inner = list(shape.members.values())
        case ListShape():
            inner = [shape.member]
        case MapShape():
            inner = [shape.key, shape.value]
        case _:
            inner = []
    for part in inner:
        yield from patterns(part, seen)


@pytest.mark.parametrize(("service", "operation"), OPERATIONS)
def test_every_pattern_is_one_that_python_reads(service: str, operation: str) -> None:
    """A new botocore may bring a pattern in Java's notation; it has to be translated."""
    found = set(patterns(input_shape(service, operation), set()))
    assert found
    for pattern in found:
        assert compiled(pattern).pattern


@pytest.mark.parametrize(
    ("members", "constraint"),
    [
        ({"EndpointName": "x" * 64}, "'endpointName' failed to satisfy constraint: Member must have length less than"),
        ({"EndpointName": "-ocr"}, "Member must satisfy regular expression pattern"),
        ({"EndpointName": None}, "Value null at 'endpointName' failed to satisfy constraint: Member must not be null"),
        ({"Body": b"x" * 128_001}, "Value '<binary>' at 'body' failed to satisfy constraint: Member must have length"),
        ({"InferenceId": " x"}, "'inferenceId'"),
        ({"InferenceId": "x" * 65}, "length less than or equal to 64"),
        ({"Filename": "a.b.c"}, "'filename'"),
        ({"S3OutputPathExtension": "s3://elsewhere"}, "'s3OutputPathExtension'"),
        ({"InputLocation": "ftp://bucket/key"}, "'inputLocation'"),
        ({"RequestTTLSeconds": 59}, "Member must have value greater than or equal to 60"),
        ({"InvocationTimeoutSeconds": 3_601}, "Member must have value less than or equal to 3600"),
        ({"CustomAttributes": "ä"}, "'customAttributes'"),
    ],
)
def test_what_the_service_refuses_is_refused(members: dict[str, Any], constraint: str) -> None:
    """Bounds that botocore does not enforce are enforced, in the service's words."""
    with pytest.raises(AwsError) as refusal:
        check(INVOCATION, PLAIN | members)
    assert constraint in refusal.value.message
    assert refusal.value.message.startswith("1 validation error detected: ")
    assert refusal.value.code == "ValidationException"


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"EnableNetworkIsolation": "maybe"}, "STRING_VALUE can not be converted to a Boolean: enableNetworkIsolation"),
        ({"EnableNetworkIsolation": "true"}, "STRING_VALUE can not be converted to a Boolean: enableNetworkIsolation"),
        ({"EnableNetworkIsolation": 1}, "NUMBER_VALUE can not be converted to a Boolean: enableNetworkIsolation"),
        ({"ModelName": 7}, "NUMBER_VALUE can not be converted to a String: modelName"),
        ({"ModelName": False}, "FALSE_VALUE can not be converted to a String: modelName"),
        ({"PrimaryContainer": ["image"]}, "START_ARRAY can not be converted to a Structure: primaryContainer"),
        ({"Containers": {"Image": "i"}}, "START_OBJECT can not be converted to a List: containers"),
        ({"Tags": [7]}, "NUMBER_VALUE can not be converted to a Structure: tags.1.member"),
    ],
)
def test_values_of_another_json_type_cannot_be_read(members: dict[str, Any], message: str) -> None:
    """What is no value of the member's type is no request: nothing of it is looked at."""
    with pytest.raises(AwsError) as refusal:
        check(input_shape("sagemaker", "CreateModel"), {"ModelName": "!"} | members)
    assert (refusal.value.code, refusal.value.message) == ("SerializationException", message)


def test_moments_are_numbers_or_texts() -> None:
    """A template writes them as texts, a client as numbers; nothing else is one."""
    shape = input_shape("sagemaker", "ListModels")
    check(shape, {"CreationTimeAfter": 1.5})
    check(shape, {"CreationTimeAfter": "2026-01-01T00:00:00Z"})
    with pytest.raises(AwsError, match="TRUE_VALUE can not be converted to a Timestamp"):
        check(shape, {"CreationTimeAfter": True})


def test_all_violations_are_listed() -> None:
    """One answer names everything that is wrong."""
    with pytest.raises(AwsError) as refusal:
        check(INVOCATION, PLAIN | {"RequestTTLSeconds": 1, "InvocationTimeoutSeconds": 0})
    assert refusal.value.message.startswith("2 validation errors detected: ")


def test_values_at_the_bounds_pass() -> None:
    """The bounds are inclusive."""
    bounds = {"InferenceId": "x" * 64, "RequestTTLSeconds": 60, "InvocationTimeoutSeconds": 3_600}
    check(INVOCATION, PLAIN | bounds | {"Body": b"x" * 128_000, "Filename": "a" * 32})


def test_violations_within_lists_name_their_place() -> None:
    """A violation deep inside names the path to it."""
    members = {"EndpointConfigName": "c", "ProductionVariants": [{"VariantName": "AllTraffic", "ModelName": "m!"}]}
    with pytest.raises(AwsError) as refusal:
        check(input_shape("sagemaker", "CreateEndpointConfig"), members)
    assert "'productionVariants.1.member.modelName'" in refusal.value.message


def test_strings_of_templates_become_what_the_service_wants() -> None:
    """CloudFormation passes numbers and booleans on as it found them, also as strings."""
    properties = {"MinCapacity": "0", "SuspendedState": {"ScheduledScalingSuspended": "true"}, "ResourceId": 7}
    expected = {"MinCapacity": 0, "SuspendedState": {"ScheduledScalingSuspended": True}, "ResourceId": "7"}
    assert expected == coerced(input_shape("application-autoscaling", "RegisterScalableTarget"), properties)


def test_models_are_read_once() -> None:
    """The model of a service is large: it is kept."""
    assert service_model("sagemaker") is service_model("sagemaker")
