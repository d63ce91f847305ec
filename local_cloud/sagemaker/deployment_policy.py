"""How an update is watched before the old instances go: the ``DeploymentConfig`` of an endpoint.

Source: *SageMaker Developer Guide*, "Deployment guardrails". A queue has no traffic to divide, so all new instances
take over at once here, and the intervals of canary, linear and rolling updates are watched one after the other.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from local_cloud.sagemaker.container_specification import ContainerError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from local_cloud.clock import SimulatedClock
    from local_cloud.json_api import Members

NO_WATCH: Final[Mapping[str, Any]] = {}
"""The ``DeploymentConfig`` of endpoints that name none."""

_WHOLE_FLEET_PERCENT: Final = 100
_INTERVAL_SECONDS: Final = 15.0


@dataclass(frozen=True, slots=True)
class DeploymentPolicy:
    """What is watched, and for how long.

    Attributes:
        watch_seconds: simulated seconds in which an alarm rolls the update back.
        alarms: names of the alarms.
    """

    watch_seconds: float = 0.0
    alarms: tuple[str, ...] = ()

    @classmethod
    def from_members(cls, members: Members) -> DeploymentPolicy:
        """Read a ``DeploymentConfig``; an empty one is not watched at all."""
        blue_green = members.get("BlueGreenUpdatePolicy") or {}
        routing = blue_green.get("TrafficRoutingConfiguration") or members.get("RollingUpdatePolicy") or {}
        interval = routing.get("WaitIntervalInSeconds", 0) * _intervals(routing)
        rollback = members.get("AutoRollbackConfiguration") or {}
        return cls(
            watch_seconds=float(interval + blue_green.get("TerminationWaitInSeconds", 0)),
            alarms=tuple(alarm["AlarmName"] for alarm in rollback.get("Alarms") or ()),
        )

    async def watch(self, clock: SimulatedClock, in_alarm: Callable[[str], bool]) -> None:
        """Wait as long as the update is watched.

        Args:
            clock: of the time.
            in_alarm: tells whether the alarm of a name is in the state ``ALARM``.

        Raises:
            ContainerError: an alarm is.
        """
        deadline = clock.now() + self.watch_seconds
        while clock.now() < deadline:
            await clock.sleep(min(_INTERVAL_SECONDS, deadline - clock.now()))
            if ringing := [name for name in self.alarms if in_alarm(name)]:
                raise ContainerError(f"One or more alarms are in the ALARM state: {', '.join(ringing)}. Rolled back.")


UNWATCHED: Final = DeploymentPolicy()
"""Of updates without a ``DeploymentConfig``."""


def _intervals(routing: Members) -> int:
    """Return how many intervals there are between the first instances and the last."""
    if routing.get("Type") == "ALL_AT_ONCE":
        return 0
    step = routing.get("LinearStepSize") or routing.get("MaximumBatchSize")
    if not step:
        return 1
    share = step["Value"] if step["Type"] == "CAPACITY_PERCENT" else _WHOLE_FLEET_PERCENT
    return max(1, math.ceil(_WHOLE_FLEET_PERCENT / share) - 1)
