"""Does each minute what the scaling engine decides: alarms in, instance counts out."""

from __future__ import annotations

import asyncio
import logging
import uuid
from typing import TYPE_CHECKING

from local_cloud.application_autoscaling.targets import SCALING_IN, SCALING_OUT, SCHEDULED_SCALING, ActivityRecord
from local_cloud.errors import AwsError
from scaling_engine.exceptions import ScalingConfigurationError
from scaling_engine.scalable_target import PolicyAlarm

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from local_cloud.application_autoscaling.api import AutoScalingApi
    from local_cloud.application_autoscaling.targets import TargetRecord
    from local_cloud.clock import SimulatedClock
    from local_cloud.cloudwatch.alarms import EvaluatedAlarm
    from local_cloud.sagemaker.endpoint import Endpoint
    from local_cloud.sagemaker.endpoints import Endpoints
    from scaling_engine.scalable_target import ScalingActivity

logger = logging.getLogger(__name__)


class Scaling:
    """Scales the endpoints.

    While an endpoint is being created, updated or scaled, SageMaker refuses to scale it, so alarms have no effect in
    the meantime and an activity's cooldown starts when its instances are in service.

    Args:
        clock: of activities.
        api: knows the targets.
        endpoints: what is scaled.
    """

    def __init__(self, clock: SimulatedClock, api: AutoScalingApi, endpoints: Endpoints) -> None:
        self._clock = clock
        self._api = api
        self._endpoints = endpoints
        self._activities: set[asyncio.Task[None]] = set()

    def scale(self, in_service: Collection[Endpoint], alarms: Sequence[EvaluatedAlarm], now: float) -> None:
        """Begin the scaling activities that this minute's scheduled actions and alarms cause.

        Args:
            in_service: the endpoints that were in service when the minute ended.
            alarms: as evaluated on the minute's metrics.
            now: the minute's end, in simulated seconds since the epoch.
        """
        for target in self._api.targets:
            act_on_schedule(target, now)
            endpoint = self._registered_endpoint(target)
            if endpoint is None or endpoint not in in_service:
                continue
            activity = target.scaling.decide(
                acting_alarms(target, policy_alarms(target, alarms), endpoint.desired_count, now),
                capacity=endpoint.desired_count,
                updating=endpoint.status != "InService",
                now=now,
            )
            if activity is not None:
                self._begin(target, endpoint, activity)

    def _registered_endpoint(self, target: TargetRecord) -> Endpoint | None:
        try:
            return self._endpoints.get(target.scope, target.endpoint_name)
        except AwsError:
            # Deleted while it was registered, which leaves the target behind.
            return None

    def _begin(self, target: TargetRecord, endpoint: Endpoint, activity: ScalingActivity) -> None:
        record = ActivityRecord(
            activity_id=str(uuid.uuid4()),
            description=activity.description,
            cause=activity.cause,
            started_at=activity.time,
        )
        target.activities.append(record)
        target.scaling.begin(activity)
        self._endpoints.scale(endpoint, activity.to_capacity)
        task = asyncio.create_task(self._complete(target, endpoint, activity, record))
        self._activities.add(task)
        task.add_done_callback(self._activities.discard)

    async def _complete(
        self, target: TargetRecord, endpoint: Endpoint, activity: ScalingActivity, record: ActivityRecord
    ) -> None:
        if endpoint.operation is not None:
            await asyncio.wait([endpoint.operation])
        record.ended_at = self._clock.now()
        if endpoint.failure_reason:
            record.status, record.status_message = "Failed", endpoint.failure_reason
            target.scaling.fail(activity)
            return
        record.status = "Successful"
        record.status_message = f"Successfully set desired instance count to {activity.to_capacity}."
        target.scaling.complete(activity, record.ended_at)


def act_on_schedule(target: TargetRecord, now: float) -> None:
    """Let the scheduled actions of a target that are due at ``now``, a full minute, change its limits.

    What is due while scheduled scaling is suspended never happens.
    """
    if target.suspended[SCHEDULED_SCALING]:
        return
    for name, action in target.scheduled_actions.items():
        if not action.is_due(now):
            continue
        record = ActivityRecord(
            activity_id=str(uuid.uuid4()),
            description="",
            cause=f"scheduled action name {name} was triggered",
            started_at=now,
            ended_at=now,
        )
        try:
            limits = target.scaling.limits = action.new_limits(target.scaling.limits)
        except ScalingConfigurationError as error:
            record.description, record.status, record.status_message = "Setting capacity limits", "Failed", str(error)
            logger.warning("%s: scheduled action %s: %s", target.resource_id, name, error)
        else:
            limited = f"min capacity to {limits.min_capacity} and max capacity to {limits.max_capacity}"
            record.description, record.status = f"Setting {limited}", "Successful"
            record.status_message = f"Successfully set {limited}"
        target.activities.append(record)


def policy_alarms(target: TargetRecord, alarms: Sequence[EvaluatedAlarm]) -> list[PolicyAlarm]:
    """Return the alarms whose actions are policies of ``target``."""
    return [
        PolicyAlarm(policy=record.policy, alarm=evaluated.alarm, evaluation=evaluated.evaluation)
        for record in target.policies.values()
        for evaluated in alarms
        if record.arn in evaluated.actions
    ]


def acting_alarms(target: TargetRecord, alarms: Sequence[PolicyAlarm], capacity: int, now: float) -> list[PolicyAlarm]:
    """Return those of a target's alarms that may act: the others, left to themselves, would scale as is suspended.

    Source: *Application Auto Scaling User Guide*, "Suspend and resume scaling".
    """

    def is_suspended(alarm: PolicyAlarm) -> bool:
        alone = target.scaling.limits.decide([alarm], capacity=capacity, cooldowns=target.scaling.cooldowns, now=now)
        return alone is not None and target.suspended[SCALING_OUT if alone.is_scale_out else SCALING_IN]

    return [alarm for alarm in alarms if not is_suspended(alarm)]
