"""``AWS::ApplicationAutoScaling::ScalableTarget`` and ``ScalingPolicy``: templates through the API.

Source of what ``Ref`` returns: *CloudFormation Template Reference*; the target's is its resource id, dimension and
namespace, joined by bars, and the policy's is its ARN.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from local_cloud.resource_type import ResourceType
from local_cloud.service_model import coerced, input_shape
from local_cloud.template_schema import TemplateSchema, template_schema
from local_cloud.template_tags import TAG, tag_changes, tags

if TYPE_CHECKING:
    from local_cloud.application_autoscaling.api import AutoScalingApi
    from local_cloud.json_api import JsonApi, Members
    from local_cloud.scope import Scope

_SERVICE: Final = "application-autoscaling"
_KEY: Final = ("ResourceId", "ScalableDimension", "ServiceNamespace")

_ACTION: Final = template_schema(_SERVICE, "PutScheduledAction")

SCALABLE_TARGET: Final = template_schema(
    _SERVICE,
    "RegisterScalableTarget",
    ScheduledActions=TemplateSchema(
        properties={name: nested for name, nested in _ACTION.properties.items() if name not in _KEY},
        required=_ACTION.required,
    ),
    Tags=TAG,
)
"""The properties of ``AWS::ApplicationAutoScaling::ScalableTarget``."""

SCALING_POLICY: Final = template_schema(_SERVICE, "PutScalingPolicy", ScalingTargetId=None)
"""The properties of ``AWS::ApplicationAutoScaling::ScalingPolicy``."""


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
                update=self._update_target,
                delete=self._delete_target,
                schema=SCALABLE_TARGET,
                create_only=_KEY,
            ),
            ResourceType(
                name="AWS::ApplicationAutoScaling::ScalingPolicy",
                create=self._create_policy,
                update=self._update_policy,
                delete=self._delete_policy,
                schema=SCALING_POLICY,
                create_only=("PolicyName", "ScalingTargetId", *_KEY),
            ),
        ]

    async def _create_target(self, scope: Scope, _generated: str, properties: Members) -> tuple[str, Members]:
        return await self._put_target(scope, properties, Tags=tags(properties))

    async def _update_target(self, scope: Scope, _id: str, old: Members, new: Members) -> tuple[str, Members]:
        updated = await self._put_target(scope, new)
        await self._update_tags(scope, old, new)
        return updated

    async def _put_target(self, scope: Scope, properties: Members, **more: Members) -> tuple[str, Members]:
        """Register a target, ``more`` being members that an update cannot have."""
        untagged = {name: value for name, value in properties.items() if name != "Tags"}
        members = _known("RegisterScalableTarget", untagged)
        await self._api.call(scope, "RegisterScalableTarget", {**members, **more})
        await self._put_scheduled_actions(scope, properties)
        physical_id = "|".join(str(properties[name]) for name in _KEY)
        return physical_id, {"Id": physical_id}

    async def _update_tags(self, scope: Scope, old: Members, new: Members) -> None:
        asked = {"ServiceNamespace": new["ServiceNamespace"], "ResourceIds": [new["ResourceId"]]}
        [target] = await _all(self._api, scope, "DescribeScalableTargets", "ScalableTargets", asked)
        arn = {"ResourceARN": target["ScalableTargetARN"]}
        changed, dropped = tag_changes(old, new)
        if dropped:
            await self._api.call(scope, "UntagResource", {**arn, "TagKeys": dropped})
        if changed:
            await self._api.call(scope, "TagResource", {**arn, "Tags": changed})

    async def _delete_target(self, scope: Scope, physical_id: str) -> None:
        await self._api.call(scope, "DeregisterScalableTarget", _target_key(physical_id))

    async def _put_scheduled_actions(self, scope: Scope, properties: Members) -> None:
        """Make a target's scheduled actions those of its template."""
        key = {name: properties[name] for name in _KEY}
        wanted = {one["ScheduledActionName"]: one for one in properties.get("ScheduledActions", ())}
        present = await _all(self._api, scope, "DescribeScheduledActions", "ScheduledActions", key)
        for name in {action["ScheduledActionName"] for action in present} - wanted.keys():
            await self._api.call(scope, "DeleteScheduledAction", {**key, "ScheduledActionName": name})
        for action in wanted.values():
            await self._api.call(scope, "PutScheduledAction", _known("PutScheduledAction", {**key, **action}))

    async def _create_policy(self, scope: Scope, _generated: str, properties: Members) -> tuple[str, Members]:
        return await self._put_policy(scope, properties)

    async def _update_policy(self, scope: Scope, _arn: str, _old: Members, new: Members) -> tuple[str, Members]:
        return await self._put_policy(scope, new)

    async def _put_policy(self, scope: Scope, properties: Members) -> tuple[str, Members]:
        key = _target_key(properties["ScalingTargetId"]) if properties.get("ScalingTargetId") else {}
        members = _known("PutScalingPolicy", {**properties, **key})
        arn = (await self._api.call(scope, "PutScalingPolicy", members))["PolicyARN"]
        return arn, {"Arn": arn, "PolicyName": members["PolicyName"]}

    async def _delete_policy(self, scope: Scope, arn: str) -> None:
        everything = {"ServiceNamespace": "sagemaker"}
        for policy in await _all(self._api, scope, "DescribeScalingPolicies", "ScalingPolicies", everything):
            if policy["PolicyARN"] == arn:
                key = {name: policy[name] for name in (*_KEY, "PolicyName")}
                await self._api.call(scope, "DeleteScalingPolicy", key)


async def _all(api: JsonApi, scope: Scope, operation: str, name: str, members: Members) -> list[Members]:
    """Return what all pages of a ``Describe…`` operation show."""
    found: list[Members] = []
    token: Members = {}
    while True:
        shown = await api.call(scope, operation, {**members, **token})
        found += shown[name]
        if "NextToken" not in shown:
            return found
        token = {"NextToken": shown["NextToken"]}


def _known(operation: str, properties: Members) -> dict[str, Any]:
    """Return those properties that ``operation`` has as members; the others exist in templates only."""
    shape = input_shape(_SERVICE, operation)
    known: dict[str, Any] = coerced(shape, {name: value for name, value in properties.items() if name in shape.members})
    return known


def _target_key(physical_id: str) -> dict[str, str]:
    return dict(zip(_KEY, physical_id.split("|"), strict=True))
