"""A role for an AWS service: who may assume it, and the one policy that says what it may do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import aws_iam as iam
from constructs import Construct

if TYPE_CHECKING:
    from collections.abc import Mapping


class ServiceRole(Construct):
    """A role with a managed policy of its own, to which everything is granted that the role may do.

    The policy is no inline one, so that who looks at a role sees all of it as policies with versions; and whatever
    names the role's ARN is deployed after the policy, because the role is.

    Args:
        scope: The parent.
        construct_id: The name within it.
        service: The principal, such as ``lambda.amazonaws.com``.
        conditions: Under which the service may assume the role; as in IAM's JSON.
        description: What the role is for.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        service: str,
        conditions: Mapping[str, Mapping[str, str]],
        description: str,
    ) -> None:
        super().__init__(scope, construct_id)
        self.policy = iam.ManagedPolicy(self, "Policy", description=f"What is allowed to: {description}")
        self.role = iam.Role(
            self,
            "Role",
            assumed_by=iam.ServicePrincipal(
                service, conditions={operator: dict(keys) for operator, keys in conditions.items()}
            ),
            description=description,
            managed_policies=[self.policy],
        )
