"""The role in whose right Application Auto Scaling counts a variant's instances and keeps its alarms.

Source: *Application Auto Scaling User Guide*, "Service-linked roles": ``RegisterScalableTarget`` and
``PutScalingPolicy`` create it where it is missing.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from local_cloud.aws_clients import AwsClients
    from local_cloud.ministack_iam import Identities
    from local_cloud.scope import Scope

PRINCIPAL: Final = "sagemaker.application-autoscaling.amazonaws.com"
"""The service that assumes the role."""

_NAME: Final = "AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint"
_PATH: Final = f"/aws-service-role/{PRINCIPAL}/"


def service_linked_role_arn(scope: Scope) -> str:
    """Return the ARN of an account's role, whether it exists or not."""
    return f"arn:aws:iam::{scope.account}:role{_PATH}{_NAME}"


class ServiceLinkedRole:
    """The role of each account.

    Args:
        identities: knows which accounts have it.
        clients: creates it, as the account itself.
    """

    def __init__(self, identities: Identities, clients: AwsClients) -> None:
        self._identities = identities
        self._clients = clients

    def exists(self, scope: Scope) -> bool:
        """Return whether the account has the role."""
        return self._identities.role_trusts(service_linked_role_arn(scope), PRINCIPAL)

    async def ensure(self, scope: Scope) -> None:
        """Create the role where it is missing."""
        if self.exists(scope):
            return
        statement = {"Effect": "Allow", "Principal": {"Service": PRINCIPAL}, "Action": "sts:AssumeRole"}
        trust = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        try:
            await self._clients.call(
                scope, "iam", "create_role", RoleName=_NAME, Path=_PATH, AssumeRolePolicyDocument=trust
            )
        except ClientError as error:
            # Of several first registrations at a time one creates it.
            if error.response["Error"]["Code"] != "EntityAlreadyExists":
                raise
