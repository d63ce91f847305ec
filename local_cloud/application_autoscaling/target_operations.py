"""The operations on scalable targets themselves."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Final

from local_cloud.application_autoscaling.pages import page
from local_cloud.application_autoscaling.targets import DIMENSION, NAMESPACE, TargetRecord
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


_BURSTABLE: Final = "ml.t2."
"""What instance types begin with that cannot be scaled. Source: *SageMaker Developer Guide*, "Configure model auto
scaling with the console"."""


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
            target.tags = dict(members.get("Tags") or {})
            self._targets.add(target)
        target.scaling.limits = limits
        target.suspended.update(members.get("SuspendedState") or {})
        return {"ScalableTargetARN": target.arn}

    async def describe(self, scope: Scope, members: Members) -> Members:
        """Perform ``DescribeScalableTargets``."""
        found = self._targets.asked_for(scope, members)
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
        shown = [
            target.activity_description(record)
            for target in self._targets.asked_for(scope, members)
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
        resource_id, kind = str(members["ResourceId"]), (members["ServiceNamespace"], members["ScalableDimension"])
        if kind != (NAMESPACE, DIMENSION):
            raise validation_exception(f"the local cloud scales {NAMESPACE} {DIMENSION} only, not {' '.join(kind)}")
        existing = {
            f"endpoint/{endpoint.name}/variant/{endpoint.config.variant_name}": endpoint.config
            for endpoint in self._endpoints.in_scope(scope)
        }
        if resource_id not in existing:
            raise validation_exception(f"SageMaker variant doesn't exist: {resource_id}, {DIMENSION}")
        for instance_type in existing[resource_id].instance_types:
            if instance_type.startswith(_BURSTABLE):
                raise validation_exception(
                    f"{resource_id} cannot be scaled: {instance_type} is a burstable instance type"
                )
        return resource_id


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
