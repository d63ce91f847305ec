"""How the work of an endpoint passes to new instances, and how that is watched: a ``DeploymentConfig``.

Source: *SageMaker Developer Guide*, "Deployment guardrails", which apply to asynchronous endpoints, and the service
model of ``UpdateEndpoint`` for the bounds.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from local_cloud.errors import validation_exception
from local_cloud.sagemaker.container_specification import ContainerError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from local_cloud.clock import SimulatedClock
    from local_cloud.json_api import Members

NO_WATCH: Final[Mapping[str, Any]] = {}
"""The ``DeploymentConfig`` of endpoints that name none."""

ROLLING: Final = "ROLLING"
"""What :attr:`DeploymentPolicy.kind` is for a ``RollingUpdatePolicy``; AWS has no word for it beside the others."""

_SIZES: Final = {
    "CANARY": ("CanarySize", 1, 50),
    "LINEAR": ("LinearStepSize", 10, 50),
    ROLLING: ("MaximumBatchSize", 5, 50),
}
"""The member that says how large a step is, and its bounds in percent of all instances."""

_WHOLE_PERCENT: Final = 100
_INTERVAL_SECONDS: Final = 15.0


@dataclass(frozen=True, kw_only=True, slots=True)
class DeploymentPolicy:
    """What passes in which steps, what is watched, and for how long.

    Attributes:
        kind: ``ALL_AT_ONCE``, ``CANARY``, ``LINEAR`` or :data:`ROLLING`.
        size: the ``CapacitySize`` of a step; ``None`` where there is one step.
        interval_seconds: simulated seconds that are watched after each step but the last of a blue/green deployment.
        final_seconds: simulated seconds that are watched once the new instances have all of the work.
        alarms: names of the alarms that roll back.
    """

    kind: str = "ALL_AT_ONCE"
    size: Members | None = None
    interval_seconds: float = 0.0
    final_seconds: float = 0.0
    alarms: tuple[str, ...] = ()

    @classmethod
    def from_members(cls, members: Members) -> DeploymentPolicy:
        """Read a ``DeploymentConfig``; an empty one is not watched at all.

        Raises:
            AwsError: there are two policies, a step has no size or one out of bounds, or the waits are longer than the
                whole may take.
        """
        blue_green, rolling = members.get("BlueGreenUpdatePolicy"), members.get("RollingUpdatePolicy")
        if blue_green and rolling:
            raise validation_exception("Only one of BlueGreenUpdatePolicy and RollingUpdatePolicy can be specified.")
        policy = blue_green or rolling or {}
        routing = rolling or policy.get("TrafficRoutingConfiguration") or {}
        kind = ROLLING if rolling else routing.get("Type", "ALL_AT_ONCE")
        interval = float(routing.get("WaitIntervalInSeconds", 0))
        alarms = (members.get("AutoRollbackConfiguration") or {}).get("Alarms") or ()
        read = cls(
            kind=kind,
            size=_size(kind, routing),
            interval_seconds=interval,
            final_seconds=interval if rolling else float(policy.get("TerminationWaitInSeconds", 0)),
            alarms=tuple(alarm["AlarmName"] for alarm in alarms),
        )
        _check_waits(read, policy.get("MaximumExecutionTimeoutInSeconds", math.inf))
        return read

    def steps(self, count: int) -> list[int]:
        """Return how many of ``count`` new instances work after each step; the last are all.

        Raises:
            AwsError: a step of so many instances is more than half of them.
        """
        if not self.size:
            return [count]
        step, whole = self.size["Value"], _WHOLE_PERCENT
        if self.size["Type"] == "INSTANCE_COUNT":
            whole = count
            # Of a single instance there is no half, and of none nothing at all.
            if count > 1 and step * 2 > count:
                raise validation_exception(f"{_SIZES[self.kind][0]} must be at most half of {count} instances: {step}")
        shares = [step] if self.kind == "CANARY" else range(step, whole, step)
        return [*(min(count, math.ceil(count * share / whole)) if whole else 0 for share in shares), count]

    async def watch(self, seconds: float, clock: SimulatedClock, in_alarm: Callable[[str], bool]) -> None:
        """Wait, and look at the alarms.

        Args:
            seconds: simulated ones.
            clock: of the time.
            in_alarm: tells whether the alarm of a name is in the state ``ALARM``.

        Raises:
            ContainerError: an alarm is.
        """
        deadline = clock.now() + seconds
        while clock.now() < deadline:
            await clock.sleep(min(_INTERVAL_SECONDS, deadline - clock.now()))
            if ringing := [name for name in self.alarms if in_alarm(name)]:
                raise ContainerError(f"One or more alarms are in the ALARM state: {', '.join(ringing)}. Rolled back.")


UNWATCHED: Final = DeploymentPolicy()
"""Of updates without a ``DeploymentConfig``."""


def _size(kind: str, routing: Members) -> Members | None:
    if kind not in _SIZES:
        return None
    name, low, high = _SIZES[kind]
    size: Members | None = routing.get(name)
    if not size:
        raise validation_exception(f"{name} is required for {kind} traffic routing.")
    if size["Type"] == "CAPACITY_PERCENT" and not low <= size["Value"] <= high:
        raise validation_exception(f"{name} must be {low} to {high} percent: {size['Value']}")
    return size


def _check_waits(policy: DeploymentPolicy, limit: float) -> None:
    """Check that the waits that do not depend on the number of instances are shorter than ``limit`` seconds.

    Raises:
        AwsError: they are not.
    """
    waits = policy.final_seconds + (policy.interval_seconds if policy.size else 0.0)
    if waits >= limit:
        raise validation_exception(
            f"MaximumExecutionTimeoutInSeconds must be larger than the total waiting time: {limit} against {waits:.0f}"
        )
