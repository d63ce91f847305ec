"""Named resources, kept apart by scope and compared without regard to case."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from local_cloud.errors import AwsError
from local_cloud.sagemaker.registry import Registry
from local_cloud.scope import Scope

SCOPE = Scope("000000000000", "us-east-1")
ARN = "arn:aws:sagemaker:us-east-1:000000000000:endpoint/ocr-endpoint8024a810"


@dataclass
class Thing:
    """A resource."""

    name: str
    arn: str = ARN


@pytest.fixture
def registry() -> Registry[Thing]:
    """A registry with one resource."""
    registry: Registry[Thing] = Registry("endpoint")
    registry.add(SCOPE, Thing("OCR-Endpoint8024A810"))
    return registry


def test_arns_have_the_name_in_lower_case(registry: Registry[Thing]) -> None:
    """As SageMaker writes them, which IAM policies have to match."""
    assert registry.arn(SCOPE, "OCR-Endpoint8024A810") == ARN


def test_a_name_is_found_in_any_case_and_keeps_its_own(registry: Registry[Thing]) -> None:
    """What is found has the name under which it was added."""
    assert registry.get(SCOPE, "ocr-ENDPOINT8024a810").name == "OCR-Endpoint8024A810"


def test_a_name_that_differs_in_case_alone_is_taken(registry: Registry[Thing]) -> None:
    """Names are unique without regard to case."""
    with pytest.raises(AwsError, match="Cannot create already existing endpoint"):
        registry.add(SCOPE, Thing("ocr-endpoint8024a810"))


def test_another_region_has_resources_of_its_own(registry: Registry[Thing]) -> None:
    """Nothing is found across scopes."""
    with pytest.raises(AwsError, match="Could not find endpoint"):
        registry.get(Scope("000000000000", "eu-west-1"), "OCR-Endpoint8024A810")


def test_what_is_removed_is_gone(registry: Registry[Thing]) -> None:
    """Its name is free again."""
    registry.remove(SCOPE, "ocr-endpoint8024a810")

    assert registry.in_scope(SCOPE) == []
