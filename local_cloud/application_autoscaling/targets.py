"""Scalable targets with their policies and activities: the state of Application Auto Scaling."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from local_cloud.application_autoscaling.service_linked_role import service_linked_role_arn

if TYPE_CHECKING:
    from local_cloud.application_autoscaling.scheduled_actions import ScheduledActionRecord
    from local_cloud.json_api import Members
    from local_cloud.scope import Scope
    from scaling_engine.policies import ScalingPolicy
    from scaling_engine.variant_scaling import VariantScaling

NAMESPACE: Final = "sagemaker"
"""The service whose targets the local cloud scales."""

DIMENSION: Final = "sagemaker:variant:DesiredInstanceCount"
"""What of a variant is scaled."""

SCALING_IN: Final = "DynamicScalingInSuspended"
"""Suspends that policies remove instances."""

SCALING_OUT: Final = "DynamicScalingOutSuspended"
"""Suspends that policies add instances."""

SCHEDULED_SCALING: Final = "ScheduledScalingSuspended"
"""Suspends that scheduled actions happen."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PolicyRecord:
    """A scaling policy as it was put.

    Attributes:
        arn: what alarms name as their action.
        created_at: simulated seconds since the epoch.
        definition: the members of the last ``PutScalingPolicy``.
        policy: what the scaling engine makes of them.
        own_alarms: names of the alarms that Application Auto Scaling keeps for the policy.
    """

    arn: str
    created_at: float
    definition: Members
    policy: ScalingPolicy
    own_alarms: tuple[str, ...] = ()


@dataclass(kw_only=True, slots=True)
class ActivityRecord:
    """A scaling activity as it was done.

    Attributes:
        activity_id: of the activity.
        description: what is done.
        cause: why.
        started_at: simulated seconds since the epoch.
        status: ``InProgress``, ``Successful`` or ``Failed``.
        status_message: what became of it.
        ended_at: simulated seconds since the epoch; ``None`` while it is going on.
    """

    activity_id: str
    description: str
    cause: str
    started_at: float
    status: str = "InProgress"
    status_message: str = ""
    ended_at: float | None = None


@dataclass(kw_only=True, slots=True)
class TargetRecord:
    """A registered scalable target.

    Attributes:
        scope: who owns it.
        resource_id: ``endpoint/<endpoint>/variant/<variant>``.
        arn: of the target.
        created_at: simulated seconds since the epoch.
        scaling: the range of its capacity, and the cooldowns that earlier activities left.
        suspended: the target's ``SuspendedState``.
        tags: values by key.
        policies: by name.
        scheduled_actions: by name.
        activities: oldest first.
    """

    scope: Scope
    resource_id: str
    arn: str
    created_at: float
    scaling: VariantScaling
    suspended: dict[str, bool] = field(
        default_factory=lambda: dict.fromkeys((SCALING_IN, SCALING_OUT, SCHEDULED_SCALING), False)
    )
    tags: dict[str, str] = field(default_factory=dict)
    policies: dict[str, PolicyRecord] = field(default_factory=dict)
    scheduled_actions: dict[str, ScheduledActionRecord] = field(default_factory=dict)
    activities: list[ActivityRecord] = field(default_factory=list)

    @property
    def endpoint_name(self) -> str:
        """The endpoint whose variant is scaled."""
        return self.resource_id.split("/")[1]

    @property
    def key(self) -> dict[str, str]:
        """The members by which every operation names the target."""
        return {"ServiceNamespace": NAMESPACE, "ResourceId": self.resource_id, "ScalableDimension": DIMENSION}

    def description(self) -> dict[str, Any]:
        """Return what ``DescribeScalableTargets`` shows."""
        return self.key | {
            "MinCapacity": self.scaling.limits.min_capacity,
            "MaxCapacity": self.scaling.limits.max_capacity,
            "RoleARN": service_linked_role_arn(self.scope),
            "CreationTime": self.created_at,
            "SuspendedState": dict(self.suspended),
            "ScalableTargetARN": self.arn,
        }

    def policy_description(self, record: PolicyRecord) -> dict[str, Any]:
        """Return what ``DescribeScalingPolicies`` shows of a policy."""
        alarms = [
            {"AlarmName": name, "AlarmARN": self.scope.arn("cloudwatch", f"alarm:{name}")} for name in record.own_alarms
        ]
        return {**record.definition, "PolicyARN": record.arn, "Alarms": alarms, "CreationTime": record.created_at}

    def activity_description(self, record: ActivityRecord) -> dict[str, Any]:
        """Return what ``DescribeScalingActivities`` shows of an activity."""
        shown: dict[str, Any] = self.key | {
            "ActivityId": record.activity_id,
            "Description": record.description,
            "Cause": record.cause,
            "StartTime": record.started_at,
            "StatusCode": record.status,
            "StatusMessage": record.status_message,
        }
        return shown | ({"EndTime": record.ended_at} if record.ended_at is not None else {})
