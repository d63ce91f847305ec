"""The API of Application Auto Scaling, for SageMaker variants."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Final

from local_cloud.application_autoscaling.pages import page
from local_cloud.application_autoscaling.scheduled_action_operations import ScheduledActionOperations
from local_cloud.application_autoscaling.targets import DIMENSION, NAMESPACE, PolicyRecord, TargetRecord
from local_cloud.application_autoscaling.tracking_alarms import alarm_documents, new_alarm_names
from local_cloud.errors import AwsError, validation_exception
from local_cloud.json_api import JsonApi
from scaling_engine.documents import scalable_target_from_api, scaling_policy_from_api
from scaling_engine.exceptions import ScalingConfigurationError
from scaling_engine.policies import TargetTrackingPolicy
from scaling_engine.variant_scaling import VariantScaling

if TYPE_CHECKING:
    from local_cloud.clock import SimulatedClock
    from local_cloud.json_api import Members
    from local_cloud.ministack_bridge import MiniStack
    from local_cloud.sagemaker.endpoints import Endpoints
    from local_cloud.scope import Scope
    from scaling_engine.assumptions import Assumptions

_POLICY_CONFIGURATIONS: Final = (
    "PolicyName",
    "PolicyType",
    "StepScalingPolicyConfiguration",
    "TargetTrackingScalingPolicyConfiguration",
)


class AutoScalingApi:
    """Registers targets, policies and scheduled actions.

    Args:
        clock: of creation times.
        endpoints: what can be scaled.
        ministack: keeps the alarms of target tracking policies.
        assumptions: what is undocumented of scaling.
    """

    def __init__(
        self, clock: SimulatedClock, endpoints: Endpoints, ministack: MiniStack, assumptions: Assumptions
    ) -> None:
        self._clock = clock
        self._endpoints = endpoints
        self._ministack = ministack
        self._assumptions = assumptions
        self._targets: dict[tuple[Scope, str], TargetRecord] = {}
        self.json_api = JsonApi(
            "application-autoscaling",
            {
                "RegisterScalableTarget": self.register_scalable_target,
                "DescribeScalableTargets": self.describe_scalable_targets,
                "DeregisterScalableTarget": self.deregister_scalable_target,
                "PutScalingPolicy": self.put_scaling_policy,
                "DescribeScalingPolicies": self.describe_scaling_policies,
                "DeleteScalingPolicy": self.delete_scaling_policy,
                "DescribeScalingActivities": self.describe_scaling_activities,
                **ScheduledActionOperations(clock, self._target, self._in_scope).operations(),
            },
        )

    def targets(self) -> list[TargetRecord]:
        """Return all registered targets."""
        return list(self._targets.values())

    async def register_scalable_target(self, scope: Scope, members: Members) -> Members:
        """Perform ``RegisterScalableTarget``: a new target, or new limits of a registered one."""
        resource_id = self._checked_resource(scope, members)
        known = self._targets.get((scope, resource_id))
        limits = _limits(known) if known else {}
        try:
            new_limits = scalable_target_from_api({**limits, **members})
        except ScalingConfigurationError as error:
            raise validation_exception(str(error)) from error
        if known is not None:
            known.scaling.limits = new_limits
            return {"ScalableTargetARN": known.arn}
        arn = scope.arn("application-autoscaling", f"scalable-target/{uuid.uuid4().hex[:20]}")
        self._targets[scope, resource_id] = TargetRecord(
            scope=scope,
            resource_id=resource_id,
            arn=arn,
            created_at=self._clock.now(),
            scaling=VariantScaling(limits=new_limits, assumptions=self._assumptions),
        )
        return {"ScalableTargetARN": arn}

    async def describe_scalable_targets(self, scope: Scope, members: Members) -> Members:
        """Perform ``DescribeScalableTargets``."""
        wanted = members.get("ResourceIds")
        found = [target for target in self._in_scope(scope) if not wanted or target.resource_id in wanted]
        return page("ScalableTargets", [target.description() for target in found], members)

    async def deregister_scalable_target(self, scope: Scope, members: Members) -> Members:
        """Perform ``DeregisterScalableTarget``, which takes the target's policies and scheduled actions with it."""
        target = self._target(scope, members)
        for record in target.policies.values():
            await self._delete_alarms(record)
        del self._targets[scope, target.resource_id]
        return {}

    async def put_scaling_policy(self, scope: Scope, members: Members) -> Members:
        """Perform ``PutScalingPolicy``: a new policy, or a new content of a known one."""
        target = self._target(scope, members)
        definition = {**members, **target.key}
        try:
            policy = scaling_policy_from_api(
                {name: members[name] for name in _POLICY_CONFIGURATIONS if name in members}
            )
        except ScalingConfigurationError as error:
            raise validation_exception(str(error)) from error
        known = target.policies.get(policy.name)
        record = PolicyRecord(
            arn=known.arn if known else _policy_arn(target, policy.name),
            created_at=known.created_at if known else self._clock.now(),
            definition=definition,
            policy=policy,
            own_alarms=_own_alarms(target, policy, known),
        )
        if isinstance(policy, TargetTrackingPolicy):
            for document in alarm_documents(policy, record.own_alarms, record.arn):
                await self._ministack.call("monitoring", "PutMetricAlarm", document)
        target.policies[policy.name] = record
        shown = target.policy_description(record)
        return {"PolicyARN": record.arn, "Alarms": shown["Alarms"]}

    async def describe_scaling_policies(self, scope: Scope, members: Members) -> Members:
        """Perform ``DescribeScalingPolicies``."""
        wanted, resource_id = members.get("PolicyNames"), members.get("ResourceId")
        shown = [
            target.policy_description(record)
            for target in self._in_scope(scope)
            if resource_id in (None, target.resource_id)
            for name, record in target.policies.items()
            if not wanted or name in wanted
        ]
        return page("ScalingPolicies", shown, members)

    async def delete_scaling_policy(self, scope: Scope, members: Members) -> Members:
        """Perform ``DeleteScalingPolicy``."""
        target = self._target(scope, members)
        record = target.policies.pop(members["PolicyName"], None)
        if record is None:
            raise _not_found(f"No scaling policy found for service namespace: {NAMESPACE}, {members['PolicyName']}")
        await self._delete_alarms(record)
        return {}

    async def describe_scaling_activities(self, scope: Scope, members: Members) -> Members:
        """Perform ``DescribeScalingActivities``: newest first."""
        resource_id = members.get("ResourceId")
        shown = [
            target.activity_description(record)
            for target in self._in_scope(scope)
            if resource_id in (None, target.resource_id)
            for record in target.activities
        ]
        newest_first = sorted(shown, key=lambda activity: float(activity["StartTime"]), reverse=True)
        return page("ScalingActivities", newest_first, members)

    def _in_scope(self, scope: Scope) -> list[TargetRecord]:
        return [target for target in self._targets.values() if target.scope == scope]

    def _target(self, scope: Scope, members: Members) -> TargetRecord:
        target = self._targets.get((scope, members["ResourceId"]))
        if target is None or members["ScalableDimension"] != DIMENSION:
            raise _not_found(
                f"No scalable target found for service namespace: {members['ServiceNamespace']}, "
                f"resource ID: {members['ResourceId']}, scalable dimension: {members['ScalableDimension']}"
            )
        return target

    def _checked_resource(self, scope: Scope, members: Members) -> str:
        resource_id = str(members["ResourceId"])
        match resource_id.split("/"):
            case ["endpoint", name, "variant", variant] if members["ScalableDimension"] == DIMENSION:
                existing = {endpoint.name: endpoint.config.variant_name for endpoint in self._endpoints.in_scope(scope)}
                if existing.get(name) == variant:
                    return resource_id
        raise validation_exception(f"SageMaker variant doesn't exist: {resource_id}, {members['ScalableDimension']}")

    async def _delete_alarms(self, record: PolicyRecord) -> None:
        if record.own_alarms:
            await self._ministack.call("monitoring", "DeleteAlarms", {"AlarmNames": list(record.own_alarms)})


def _limits(target: TargetRecord) -> dict[str, int]:
    limits = target.scaling.limits
    return {"MinCapacity": limits.min_capacity, "MaxCapacity": limits.max_capacity}


def _policy_arn(target: TargetRecord, name: str) -> str:
    resource = f"resource/{NAMESPACE}/{target.resource_id}:policyName/{name}"
    return target.scope.arn("autoscaling", f"scalingPolicy:{uuid.uuid4()}:{resource}")


def _own_alarms(target: TargetRecord, policy: object, known: PolicyRecord | None) -> tuple[str, ...]:
    if not isinstance(policy, TargetTrackingPolicy):
        return ()
    return (known.own_alarms if known else ()) or new_alarm_names(target.resource_id)


def _not_found(message: str) -> AwsError:
    return AwsError("ObjectNotFoundException", message)
