"""The operations on scalable targets themselves."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from local_cloud.application_autoscaling.pages import page
from local_cloud.application_autoscaling.targets import DIMENSION, TargetRecord
from local_cloud.errors import validation_exception
from scaling_engine.documents import scalable_target_from_api
from scaling_engine.exceptions import ScalingConfigurationError
from scaling_engine.variant_scaling import VariantScaling

if TYPE_CHECKING:
    from collections.abc import Mapping

    from local_cloud.application_autoscaling.policy_alarms import PolicyAlarms
    from local_cloud.application_autoscaling.service_linked_role import ServiceLinkedRole
    from local_cloud.application_autoscaling.target_registry import TargetRegistry
    from local_cloud.clock import SimulatedClock
    from local_cloud.json_api import Members, Operation
    from local_cloud.sagemaker.endpoints import Endpoints
    from local_cloud.scope import Scope
    from scaling_engine.assumptions import Assumptions
    from scaling_engine.scalable_target import ScalableTarget


class TargetOperations:
    """Registers, describes and deregisters scalable targets, and tells what they did.

    Args:
        clock: of creation times.
        endpoints: what can be scaled.
        targets: what is registered.
        alarms: of target tracking policies.
        role: acts for the service.
        assumptions: what is undocumented of scaling.
    """

    def __init__(
        self,
        *,
        clock: SimulatedClock,
        endpoints: Endpoints,
        targets: TargetRegistry,
        alarms: PolicyAlarms,
        role: ServiceLinkedRole,
        assumptions: Assumptions,
    ) -> None:
        self._clock = clock
        self._endpoints = endpoints
        self._targets = targets
        self._alarms = alarms
        self._role = role
        self._assumptions = assumptions

    def operations(self) -> Mapping[str, Operation]:
        """Return the operations by AWS's names."""
        return {
            "RegisterScalableTarget": self.register,
            "DescribeScalableTargets": self.describe,
            "DeregisterScalableTarget": self.deregister,
            "DescribeScalingActivities": self.describe_activities,
        }

    async def register(self, scope: Scope, members: Members) -> Members:
        """Perform ``RegisterScalableTarget``: a new target, or what is given anew of a registered one."""
        resource_id = self._checked_resource(scope, members)
        target = self._targets.find(scope, resource_id)
        limits = _limits(members, target.scaling.limits if target else None)
        await self._role.ensure(scope)
        if target is None:
            target = self._new_target(scope, resource_id, limits)
            self._targets.add(target)
        target.scaling.limits = limits
        target.suspended.update(members.get("SuspendedState") or {})
        return {"ScalableTargetARN": target.arn}

    async def describe(self, scope: Scope, members: Members) -> Members:
        """Perform ``DescribeScalableTargets``."""
        wanted = members.get("ResourceIds")
        found = [target for target in self._targets.in_scope(scope) if not wanted or target.resource_id in wanted]
        return page("ScalableTargets", [target.description() for target in found], members)

    async def deregister(self, scope: Scope, members: Members) -> Members:
        """Perform ``DeregisterScalableTarget``, which takes the target's policies and scheduled actions with it."""
        target = self._targets.get(scope, members)
        for record in target.policies.values():
            await self._alarms.delete(record)
        self._targets.remove(target)
        return {}

    async def describe_activities(self, scope: Scope, members: Members) -> Members:
        """Perform ``DescribeScalingActivities``: newest first."""
        resource_id = members.get("ResourceId")
        shown = [
            target.activity_description(record)
            for target in self._targets.in_scope(scope)
            if resource_id in (None, target.resource_id)
            for record in target.activities
        ]
        newest_first = sorted(shown, key=lambda activity: float(activity["StartTime"]), reverse=True)
        return page("ScalingActivities", newest_first, members)

    def _new_target(self, scope: Scope, resource_id: str, limits: ScalableTarget) -> TargetRecord:
        return TargetRecord(
            scope=scope,
            resource_id=resource_id,
            arn=scope.arn("application-autoscaling", f"scalable-target/{uuid.uuid4().hex[:20]}"),
            created_at=self._clock.now(),
            scaling=VariantScaling(limits=limits, assumptions=self._assumptions),
        )

    def _checked_resource(self, scope: Scope, members: Members) -> str:
        resource_id = str(members["ResourceId"])
        match resource_id.split("/"):
            case ["endpoint", name, "variant", variant] if members["ScalableDimension"] == DIMENSION:
                existing = {endpoint.name: endpoint.config.variant_name for endpoint in self._endpoints.in_scope(scope)}
                if existing.get(name) == variant:
                    return resource_id
        raise validation_exception(f"SageMaker variant doesn't exist: {resource_id}, {members['ScalableDimension']}")


def _limits(members: Members, known: ScalableTarget | None) -> ScalableTarget:
    """Return the limits that a registration names; what it leaves out stays.

    Raises:
        AwsError: they are missing or crossed.
    """
    kept = {"MinCapacity": known.min_capacity, "MaxCapacity": known.max_capacity} if known else {}
    named = {name: value for name, value in members.items() if name != "SuspendedState"}
    try:
        return scalable_target_from_api({**kept, **named})
    except ScalingConfigurationError as error:
        raise validation_exception(str(error)) from error
