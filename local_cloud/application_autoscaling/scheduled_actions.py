"""Scheduled actions of scalable targets: when they happen, on simulated time.

Source: *Application Auto Scaling User Guide*, "Scheduled scaling", and the reference of ``PutScheduledAction``.
Recurring schedules are the scaling engine's; what needs a date is here: one-time actions, and when recurring ones start
and end.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from scaling_engine.exceptions import ScalingConfigurationError
from scaling_engine.scalable_target import ScalableTarget
from scaling_engine.schedules import ScheduledAction, scheduled_action_from_api

if TYPE_CHECKING:
    from local_cloud.json_api import Members

_MINUTE: Final = 60.0
_ONCE: Final = re.compile(r"at\((\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\)")
_RECURRING_MEMBERS: Final = ("ScheduledActionName", "Schedule", "Timezone", "ScalableTargetAction")


@dataclass(frozen=True, kw_only=True, slots=True)
class ScheduledActionRecord:
    """A scheduled action as it was put.

    Attributes:
        arn: of the action.
        created_at: simulated seconds since the epoch.
        definition: what was put of it, its moments in seconds since the epoch.
        schedule: when it happens: a recurring action, or one moment in seconds since the epoch.
    """

    arn: str
    created_at: float
    definition: Members
    schedule: ScheduledAction | float

    def is_due(self, now: float) -> bool:
        """Return whether the action happens at ``now``, a full minute in seconds since the epoch."""
        if not isinstance(self.schedule, ScheduledAction):
            return now - _MINUTE < self.schedule <= now
        start, end = self.definition.get("StartTime"), self.definition.get("EndTime")
        if (start is not None and now < start) or (end is not None and now > end):
            return False
        counted_from = self.created_at if start is None else start
        return self.schedule.is_due(datetime.fromtimestamp(now, UTC), now - counted_from)

    def new_limits(self, limits: ScalableTarget) -> ScalableTarget:
        """Return the limits once the action has happened; a limit that it does not name stays.

        Raises:
            ScalingConfigurationError: the new limits are crossed.
        """
        named = self.definition["ScalableTargetAction"]
        return ScalableTarget(
            min_capacity=named.get("MinCapacity", limits.min_capacity),
            max_capacity=named.get("MaxCapacity", limits.max_capacity),
        )

    def description(self) -> dict[str, Any]:
        """Return what ``DescribeScheduledActions`` shows."""
        return {**self.definition, "ScheduledActionARN": self.arn, "CreationTime": self.created_at}


def schedule_of(members: Members) -> ScheduledAction | float:
    """Return when the action of ``PutScheduledAction`` happens.

    Raises:
        ScalingConfigurationError: the schedule, the time zone or the limits are none.
    """
    name, zone = members["ScheduledActionName"], members.get("Timezone", "UTC")
    try:
        timezone = ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ScalingConfigurationError(f"scheduled action {name}: Timezone {zone!r} is none") from error
    once = _ONCE.fullmatch(members["Schedule"])
    if once is None:
        return scheduled_action_from_api({one: members[one] for one in _RECURRING_MEMBERS if one in members})
    try:
        return datetime.fromisoformat(once[1]).replace(tzinfo=timezone).timestamp()
    except ValueError as error:
        raise ScalingConfigurationError(f"scheduled action {name}: {members['Schedule']!r}: {error}") from error


def moment(value: str | float) -> float:
    """Return a moment in seconds since the epoch: requests have it so, templates write ISO 8601.

    Raises:
        ValueError: it is neither.
    """
    if not isinstance(value, str):
        return float(value)
    written = datetime.fromisoformat(value)
    return (written if written.tzinfo else written.replace(tzinfo=UTC)).timestamp()
