"""What CloudFormation looks at before and after a resource's own handlers."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from local_cloud.errors import AwsError, NotFoundError, validation_exception
from local_cloud.resource_type import ResourceType
from local_cloud.sagemaker.cloudformation import ENDPOINT_CONFIG
from local_cloud.scope import Scope

if TYPE_CHECKING:
    from collections.abc import Callable

SCOPE = Scope("000000000000", "us-east-1")


async def keep(*_: object) -> tuple[str, dict[str, Any]]:
    """Be a handler that changes nothing."""
    return "", {}


async def delete_nothing(*_: object) -> None:
    """Be a handler that finds nothing."""
    raise NotFoundError("ValidationException", "Could not find it.")


async def refuse(*_: object) -> None:
    """Be a handler that may not delete yet."""
    raise validation_exception("Cannot update in-progress endpoint")


TYPE = ResourceType(
    name="AWS::SageMaker::EndpointConfig",
    create=keep,
    update=keep,
    delete=delete_nothing,
    create_only=(),
    schema=ENDPOINT_CONFIG,
)


@pytest.mark.parametrize(
    ("properties", "violations"),
    [
        ({"Bogus": 1, "ProductionVariants": []}, ["#: extraneous key [Bogus] is not permitted"]),
        ({}, ["#: required key [ProductionVariants] not found"]),
        (
            {"ProductionVariants": [{"VariantName": "A"}, {"InstanceTyp": "ml.m5.large"}]},
            [
                "#/ProductionVariants/1: required key [VariantName] not found",
                "#/ProductionVariants/1: extraneous key [InstanceTyp] is not permitted",
            ],
        ),
        (
            {"ProductionVariants": [], "AsyncInferenceConfig": {"OutputConfig": {"Path": "s3://bucket/output"}}},
            ["#/AsyncInferenceConfig/OutputConfig: extraneous key [Path] is not permitted"],
        ),
    ],
)
def test_properties_that_the_type_does_not_have_are_refused(properties: dict[str, Any], violations: list[str]) -> None:
    """All of them are named at once, by where they stand, and so are those that are missing."""
    with pytest.raises(ValueError, match="Properties validation failed for resource Config with message") as refused:
        TYPE.check("Config", properties)
    assert str(refused.value).splitlines()[1:] == violations


def test_the_properties_of_the_type_are_taken() -> None:
    """Names are looked at only: what values may be is the service's business."""
    TYPE.check("Config", {"ProductionVariants": [{"VariantName": "A", "InitialInstanceCount": "1"}], "Tags": []})


def test_what_somebody_else_deleted_is_deleted(finish: Callable[..., Any]) -> None:
    """A stack can be deleted whose resources are gone; other refusals remain."""
    finish(TYPE.delete_if_present(SCOPE, "arn"))
    with pytest.raises(AwsError, match="in-progress"):
        finish(replace(TYPE, delete=refuse).delete_if_present(SCOPE, "arn"))
