"""The one way in which something is allowed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from aws_cdk import assertions
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from cdk_nag import AwsSolutionsChecks

from constructs_lib.grants import allow
from tests.infrastructure.policies import managed_policy

if TYPE_CHECKING:
    from collections.abc import Callable

    from aws_cdk import Stack

ARN = "arn:aws:s3:::bucket/object"
REASON = "The names are made at run time."


def _role(stack: Stack) -> iam.Role:
    return iam.Role(stack, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))


def _function(stack: Stack) -> lambda_.Function:
    code = lambda_.Code.from_inline("def handler(event, context): ...")
    runtime = lambda_.Runtime.PYTHON_3_14
    return lambda_.Function(stack, "Function", code=code, handler="index.handler", runtime=runtime, role=_role(stack))


@pytest.mark.parametrize(("resource", "wildcard"), [(f"{ARN}/*", None), ("*", None), (ARN, REASON)])
def test_a_wildcard_has_a_reason_and_nothing_else_has(new_stack: Stack, resource: str, wildcard: str | None) -> None:
    """Neither an unexplained wildcard nor an explanation of none."""
    policy = iam.ManagedPolicy(new_stack, "Policy")

    with pytest.raises(ValueError, match="a wildcard needs a reason"):
        allow(policy, ["s3:GetObject"], resource, wildcard=wildcard)


def test_what_is_allowed_is_what_was_said(new_stack: Stack) -> None:
    """Actions, resource and conditions reach the policy as they are."""
    allow(
        iam.ManagedPolicy(new_stack, "Policy"),
        ["s3:GetObject"],
        ARN,
        conditions={"StringEquals": {"aws:PrincipalTag/team": ["a", "b"]}},
    )

    assert managed_policy(assertions.Template.from_stack(new_stack).to_json(), "Policy") == [
        {
            "Action": "s3:GetObject",
            "Condition": {"StringEquals": {"aws:PrincipalTag/team": ["a", "b"]}},
            "Effect": "Allow",
            "Resource": ARN,
        }
    ]


@pytest.mark.parametrize("make", [_role, _function, lambda stack: iam.ManagedPolicy(stack, "Policy")])
def test_every_kind_of_grantee_is_acknowledged_where_its_finding_lies(
    new_stack: Stack, make: Callable[[Stack], iam.IGrantable]
) -> None:
    """A role, a function with its role, or a managed policy: the wildcard's finding is not open."""
    allow(make(new_stack), ["s3:GetObject"], f"{ARN}/*", wildcard=REASON)

    findings = {violation.rule_name for violation in AwsSolutionsChecks().validate_scope(new_stack).violations}
    assert [finding for finding in findings if "IAM5" in finding] == []
