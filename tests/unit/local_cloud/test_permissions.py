"""Which permissions SageMaker asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from local_cloud.ministack_iam import Grant
from local_cloud.sagemaker.permissions import caller_grants, destination_grants, image_grants
from local_cloud.scope import Scope

if TYPE_CHECKING:
    from local_cloud.sagemaker.resources import AsyncInferenceSettings

SCOPE = Scope("000000000000", "us-east-1")
ARN = "arn:aws:sagemaker:us-east-1:000000000000"
ROLE = "arn:aws:iam::000000000000:role/execution"


@pytest.mark.parametrize(
    ("operation", "members", "expected"),
    [
        ("ListModels", {}, [("sagemaker:ListModels", "*")]),
        ("DescribeEndpoint", {"EndpointName": "Ocr"}, [("sagemaker:DescribeEndpoint", f"{ARN}:endpoint/ocr")]),
        (
            "CreateEndpoint",
            {"EndpointName": "a", "EndpointConfigName": "b"},
            [
                ("sagemaker:CreateEndpoint", f"{ARN}:endpoint-config/b"),
                ("sagemaker:CreateEndpoint", f"{ARN}:endpoint/a"),
            ],
        ),
        ("AddTags", {"ResourceArn": f"{ARN}:model/m"}, [("sagemaker:AddTags", f"{ARN}:model/m")]),
        (
            "CreateModel",
            {"ModelName": "m", "ExecutionRoleArn": ROLE},
            [("sagemaker:CreateModel", f"{ARN}:model/m"), ("iam:PassRole", ROLE)],
        ),
    ],
)
def test_an_operation_needs_its_action_on_what_it_names(
    operation: str, members: dict[str, Any], expected: list[tuple[str, str]]
) -> None:
    """Names are in lower case in ARNs, and a role that is handed over has to be passed."""
    assert [(grant.action, grant.resource) for grant in caller_grants(SCOPE, operation, members)] == expected


def test_who_tags_what_it_creates_needs_to_add_tags() -> None:
    """On what is created, and not on what else is named."""
    members = {"EndpointName": "a", "EndpointConfigName": "b", "Tags": [{"Key": "owner", "Value": "me"}]}
    tags = (("aws:RequestTag/owner", "me"), ("aws:TagKeys", ("owner",)))
    assert caller_grants(SCOPE, "CreateEndpoint", members) == [
        Grant("sagemaker:CreateEndpoint", f"{ARN}:endpoint-config/b", tags),
        Grant("sagemaker:CreateEndpoint", f"{ARN}:endpoint/a", tags),
        Grant("sagemaker:AddTags", f"{ARN}:endpoint/a", (*tags, ("sagemaker:TaggingAction", "CreateEndpoint"))),
    ]


def test_an_image_in_ecr_has_to_be_pulled() -> None:
    """From the repository of its own account and region."""
    grants = image_grants("111111111111.dkr.ecr.eu-west-1.amazonaws.com/team/ocr@sha256:0")
    repository = "arn:aws:ecr:eu-west-1:111111111111:repository/team/ocr"
    assert grants[0] == Grant("ecr:GetAuthorizationToken", "*")
    assert {grant.resource for grant in grants[1:]} == {repository}


def test_an_image_elsewhere_needs_nothing() -> None:
    """What stands for it is a program of this machine."""
    assert image_grants("echo:1") == []


def test_results_are_stored_and_told_of(settings: AsyncInferenceSettings) -> None:
    """Keys and both topics."""
    assert {(grant.action, grant.resource) for grant in destination_grants(settings)} == {
        ("s3:PutObject", "arn:aws:s3:::bucket/output/*"),
        ("s3:PutObject", "arn:aws:s3:::bucket/failure/*"),
        ("sns:Publish", settings.success_topic),
        ("sns:Publish", settings.error_topic),
    }
