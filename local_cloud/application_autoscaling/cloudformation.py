"""``AWS::ApplicationAutoScaling::ScalableTarget`` and ``ScalingPolicy``: templates through the API.

Source of what ``Ref`` returns: *CloudFormation Template Reference*; the target's is its resource id, dimension and
namespace, joined by bars, and the policy's is its ARN.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from local_cloud.resource_type import ResourceType
from local_cloud.service_model import coerced, input_shape

if TYPE_CHECKING:
    from local_cloud.application_autoscaling.api import AutoScalingApi
    from local_cloud.json_api import Members
    from local_cloud.scope import Scope

_SERVICE: Final = "application-autoscaling"
_KEY: Final = ("ResourceId", "ScalableDimension", "ServiceNamespace")


class AutoScalingResources:
    """The resource types of Application Auto Scaling, by way of ``api``."""

    def __init__(self, api: AutoScalingApi) -> None:
        self._api = api.json_api

    def types(self) -> list[ResourceType]:
        """Return the types."""
        return [
            ResourceType(
                name="AWS::ApplicationAutoScaling::ScalableTarget",
                create=self._create_target,
                update=self._put_target,
                delete=self._delete_target,
                create_only=_KEY,
            ),
            ResourceType(
                name="AWS::ApplicationAutoScaling::ScalingPolicy",
                create=self._create_policy,
                update=self._put_policy,
                delete=self._delete_policy,
                create_only=("PolicyName", "ScalingTargetId", *_KEY),
            ),
        ]

    async def _create_target(self, scope: Scope, _generated: str, properties: Members) -> tuple[str, Members]:
        return await self._put_target(scope, "", properties)

    async def _put_target(self, scope: Scope, _physical_id: str, properties: Members) -> tuple[str, Members]:
        await self._api.call(scope, "RegisterScalableTarget", _known("RegisterScalableTarget", properties))
        physical_id = "|".join(str(properties[name]) for name in _KEY)
        return physical_id, {"Id": physical_id}

    async def _delete_target(self, scope: Scope, physical_id: str) -> None:
        await self._api.call(scope, "DeregisterScalableTarget", _target_key(physical_id))

    async def _create_policy(self, scope: Scope, _generated: str, properties: Members) -> tuple[str, Members]:
        return await self._put_policy(scope, "", properties)

    async def _put_policy(self, scope: Scope, _physical_id: str, properties: Members) -> tuple[str, Members]:
        key = _target_key(properties["ScalingTargetId"]) if properties.get("ScalingTargetId") else {}
        members = _known("PutScalingPolicy", {**properties, **key})
        arn = (await self._api.call(scope, "PutScalingPolicy", members))["PolicyARN"]
        return arn, {"Arn": arn, "PolicyName": members["PolicyName"]}

    async def _delete_policy(self, scope: Scope, arn: str) -> None:
        policies = await self._api.call(scope, "DescribeScalingPolicies", {"ServiceNamespace": "sagemaker"})
        for policy in policies["ScalingPolicies"]:
            if policy["PolicyARN"] == arn:
                key = {name: policy[name] for name in (*_KEY, "PolicyName")}
                await self._api.call(scope, "DeleteScalingPolicy", key)


def _known(operation: str, properties: Members) -> dict[str, Any]:
    """Return those properties that ``operation`` has as members; the others exist in templates only."""
    shape = input_shape(_SERVICE, operation)
    known: dict[str, Any] = coerced(shape, {name: value for name, value in properties.items() if name in shape.members})
    return known


def _target_key(physical_id: str) -> dict[str, str]:
    return dict(zip(_KEY, physical_id.split("|"), strict=True))
