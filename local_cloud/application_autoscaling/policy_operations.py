"""The operations on scaling policies."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Final

from local_cloud.application_autoscaling.pages import page
from local_cloud.application_autoscaling.target_registry import not_found
from local_cloud.application_autoscaling.targets import NAMESPACE, PolicyRecord
from local_cloud.errors import validation_exception
from scaling_engine.documents import scaling_policy_from_api
from scaling_engine.exceptions import ScalingConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from local_cloud.application_autoscaling.policy_alarms import PolicyAlarms
    from local_cloud.application_autoscaling.service_linked_role import ServiceLinkedRole
    from local_cloud.application_autoscaling.target_registry import TargetRegistry
    from local_cloud.application_autoscaling.targets import TargetRecord
    from local_cloud.clock import SimulatedClock
    from local_cloud.json_api import Members, Operation
    from local_cloud.scope import Scope
    from scaling_engine.policies import ScalingPolicy

_CONFIGURATIONS: Final = (
    "PolicyName",
    "PolicyType",
    "StepScalingPolicyConfiguration",
    "TargetTrackingScalingPolicyConfiguration",
)


class PolicyOperations:
    """Puts, describes and deletes the scaling policies of targets.

    Args:
        clock: of creation times.
        targets: what is registered.
        alarms: of target tracking policies.
        role: acts for the service.
    """

    def __init__(
        self, clock: SimulatedClock, targets: TargetRegistry, alarms: PolicyAlarms, role: ServiceLinkedRole
    ) -> None:
        self._clock = clock
        self._targets = targets
        self._alarms = alarms
        self._role = role

    def operations(self) -> Mapping[str, Operation]:
        """Return the operations by AWS's names."""
        return {
            "PutScalingPolicy": self.put,
            "DescribeScalingPolicies": self.describe,
            "DeleteScalingPolicy": self.delete,
        }

    async def put(self, scope: Scope, members: Members) -> Members:
        """Perform ``PutScalingPolicy``: a new policy, or a new content of a known one."""
        target = self._targets.get(scope, members)
        policy = _policy(members)
        await self._role.ensure(scope)
        known = target.policies.get(policy.name)
        record = PolicyRecord(
            arn=known.arn if known else _arn(target, policy.name),
            created_at=known.created_at if known else self._clock.now(),
            definition={**members, **target.key},
            policy=policy,
            own_alarms=self._alarms.names(target, policy, known),
        )
        await self._alarms.put(record)
        target.policies[policy.name] = record
        shown = target.policy_description(record)
        return {"PolicyARN": record.arn, "Alarms": shown["Alarms"]}

    async def describe(self, scope: Scope, members: Members) -> Members:
        """Perform ``DescribeScalingPolicies``."""
        wanted = members.get("PolicyNames")
        shown = [
            target.policy_description(record)
            for target in self._targets.asked_for(scope, members)
            for name, record in target.policies.items()
            if not wanted or name in wanted
        ]
        return page("ScalingPolicies", shown, members)

    async def delete(self, scope: Scope, members: Members) -> Members:
        """Perform ``DeleteScalingPolicy``."""
        record = self._targets.get(scope, members).policies.pop(members["PolicyName"], None)
        if record is None:
            raise not_found(f"No scaling policy found for service namespace: {NAMESPACE}, {members['PolicyName']}")
        await self._alarms.delete(record)
        return {}


def _policy(members: Members) -> ScalingPolicy:
    """Return the policy that a request describes.

    Raises:
        AwsError: AWS would refuse it.
    """
    try:
        return scaling_policy_from_api({name: members[name] for name in _CONFIGURATIONS if name in members})
    except ScalingConfigurationError as error:
        raise validation_exception(str(error)) from error


def _arn(target: TargetRecord, name: str) -> str:
    resource = f"resource/{NAMESPACE}/{target.resource_id}:policyName/{name}"
    return target.scope.arn("autoscaling", f"scalingPolicy:{uuid.uuid4()}:{resource}")
