"""Which permissions Application Auto Scaling asks of those who call it.

Sources: *Application Auto Scaling User Guide*, "Identity-based policy examples" (which actions on SageMaker and
CloudWatch a caller needs) and "Permissions validation" (that they are tried with the caller's rights, CloudWatch's
without naming an alarm, and what is missing is listed in a ``ValidationException``); the words of the refusal, and that
``sagemaker:DescribeEndpointConfig`` is tried on a configuration that does not exist, are those that users report. The
guide describes the trial for ``RegisterScalableTarget`` and speaks of all requests; decided: whatever changes how a
variant scales is tried, what describes or tags is not.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Final

from local_cloud.application_autoscaling.service_linked_role import PRINCIPAL, service_linked_role_arn
from local_cloud.ministack_iam import Grant

if TYPE_CHECKING:
    from collections.abc import Mapping

    from local_cloud.json_api import Members
    from local_cloud.scope import Scope

_CONFIGURING: Final = (
    "RegisterScalableTarget",
    "DeregisterScalableTarget",
    "PutScalingPolicy",
    "DeleteScalingPolicy",
    "PutScheduledAction",
    "DeleteScheduledAction",
)
_NO_MEMBERS: Final[Mapping[str, object]] = {}


def scaling_resource(scope: Scope) -> str:
    """Return the resource of Application Auto Scaling's actions."""
    return scope.arn("application-autoscaling", "scalable-target/*")


def caller_grant(scope: Scope, operation: str, members: Members = _NO_MEMBERS) -> Grant:
    """Return what the caller of an operation needs of Application Auto Scaling itself."""
    resource = str(members.get("ResourceARN") or scaling_resource(scope))
    return Grant(f"application-autoscaling:{operation}", resource)


def target_grants(scope: Scope, operation: str, members: Members) -> list[Grant]:
    """Return what the caller of an operation needs of CloudWatch and of SageMaker."""
    if operation not in _CONFIGURING:
        return []
    return [
        *_variant_grants(scope, str(members.get("ResourceId", ""))),
        Grant("cloudwatch:PutMetricAlarm", scope.arn("cloudwatch", "alarm:")),
        Grant("cloudwatch:DescribeAlarms", scope.arn("cloudwatch", "alarm:*")),
        Grant("cloudwatch:DeleteAlarms", scope.arn("cloudwatch", "alarm:")),
    ]


def role_grant(scope: Scope) -> Grant:
    """Return what the first caller in an account needs, so that the service-linked role is created."""
    service = (("iam:AWSServiceName", PRINCIPAL),)
    return Grant("iam:CreateServiceLinkedRole", service_linked_role_arn(scope), service)


def _variant_grants(scope: Scope, resource_id: str) -> list[Grant]:
    """Return what is tried on a variant's endpoint; nothing where ``resource_id`` names none, which is refused."""
    match resource_id.split("/"):
        case ["endpoint", name, "variant", _]:
            endpoint = scope.arn("sagemaker", f"endpoint/{name.lower()}")
            return [
                Grant("sagemaker:DescribeEndpoint", endpoint),
                Grant("sagemaker:DescribeEndpointConfig", scope.arn("sagemaker", f"endpoint-config/{uuid.uuid4()}")),
                Grant("sagemaker:UpdateEndpointWeightsAndCapacities", endpoint),
            ]
    return []
