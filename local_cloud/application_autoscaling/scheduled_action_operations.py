"""The operations of Application Auto Scaling on scheduled actions."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any, Final

from local_cloud.application_autoscaling.pages import page
from local_cloud.application_autoscaling.scheduled_actions import ScheduledActionRecord, moment, schedule_of
from local_cloud.application_autoscaling.target_registry import not_found
from local_cloud.application_autoscaling.targets import NAMESPACE
from local_cloud.errors import validation_exception
from scaling_engine.exceptions import ScalingConfigurationError
from scaling_engine.scalable_target import ScalableTarget

if TYPE_CHECKING:
    from collections.abc import Mapping

    from local_cloud.application_autoscaling.target_registry import TargetRegistry
    from local_cloud.application_autoscaling.targets import TargetRecord
    from local_cloud.clock import SimulatedClock
    from local_cloud.json_api import Members, Operation
    from local_cloud.scope import Scope

_BOUNDS: Final = ("StartTime", "EndTime")


class ScheduledActionOperations:
    """Puts, describes and deletes the scheduled actions of targets.

    Args:
        clock: of creation times.
        targets: what is registered.
    """

    def __init__(self, clock: SimulatedClock, targets: TargetRegistry) -> None:
        self._clock = clock
        self._targets = targets

    def operations(self) -> Mapping[str, Operation]:
        """Return the operations by AWS's names."""
        return {
            "PutScheduledAction": self.put,
            "DescribeScheduledActions": self.describe,
            "DeleteScheduledAction": self.delete,
        }

    async def put(self, scope: Scope, members: Members) -> Members:
        """Perform ``PutScheduledAction``: a new action, or those members of a known one that are given.

        ``StartTime`` and ``EndTime`` are not kept where they are left out.
        """
        target, name = self._targets.get(scope, members), members["ScheduledActionName"]
        known = target.scheduled_actions.get(name)
        kept = {key: value for key, value in (known.definition if known else {}).items() if key not in _BOUNDS}
        try:
            bounds = {key: moment(members[key]) for key in _BOUNDS if members.get(key) is not None}
            definition = {**kept, **members, **bounds}
            _check(definition)
            schedule = schedule_of(definition)
        except ValueError as error:
            raise validation_exception(str(error)) from error
        target.scheduled_actions[name] = ScheduledActionRecord(
            arn=known.arn if known else _arn(target, name),
            created_at=known.created_at if known else self._clock.now(),
            definition=definition,
            schedule=schedule,
        )
        return {}

    async def describe(self, scope: Scope, members: Members) -> Members:
        """Perform ``DescribeScheduledActions``."""
        wanted = members.get("ScheduledActionNames")
        shown = [
            record.description()
            for target in self._targets.asked_for(scope, members)
            for name, record in target.scheduled_actions.items()
            if not wanted or name in wanted
        ]
        return page("ScheduledActions", shown, members)

    async def delete(self, scope: Scope, members: Members) -> Members:
        """Perform ``DeleteScheduledAction``."""
        name = members["ScheduledActionName"]
        if self._targets.get(scope, members).scheduled_actions.pop(name, None) is None:
            message = f"No scheduled action found for service namespace: {NAMESPACE}, scheduled action name: {name}"
            raise not_found(message)
        return {}


def _check(definition: Members) -> None:
    """Check what an action has to have.

    Raises:
        ScalingConfigurationError: it does not say when, or to what limits, or these are crossed.
    """
    subject = f"scheduled action {definition['ScheduledActionName']}"
    limits: Mapping[str, Any] = definition.get("ScalableTargetAction") or {}
    if not definition.get("Schedule"):
        raise ScalingConfigurationError(f"{subject}: Schedule is missing")
    if not limits:
        raise ScalingConfigurationError(f"{subject}: ScalableTargetAction needs MinCapacity, MaxCapacity or both")
    low = limits.get("MinCapacity", 0)
    ScalableTarget(min_capacity=low, max_capacity=limits.get("MaxCapacity", low))


def _arn(target: TargetRecord, name: str) -> str:
    resource = f"resource/{NAMESPACE}/{target.resource_id}:scheduledActionName/{name}"
    return target.scope.arn("autoscaling", f"scheduledAction:{uuid.uuid4()}:{resource}")
