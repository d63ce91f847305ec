"""A scalable target: how the policies' wishes, the limits and the cooldowns become one new capacity.

Sources: *Application Auto Scaling User Guide*, "Target tracking scaling policies" and "Step scaling policies"
(several policies at once, cooldowns), "Scaling activities" (the words of causes), the service model of
``RegisterScalableTarget``, and *Amazon CloudWatch User Guide*, "Using Amazon CloudWatch alarms": an alarm with an
Auto Scaling action invokes it every minute for as long as it stays in ``ALARM``, which is why
:meth:`ScalableTarget.decide` looks at states and not at transitions.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from operator import itemgetter
from typing import TYPE_CHECKING

from scaling_engine.alarms import Alarm, AlarmState, Evaluation
from scaling_engine.exceptions import require
from scaling_engine.policies import ScalingPolicy, TargetTrackingPolicy

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True, kw_only=True, slots=True)
class PolicyAlarm:
    """One alarm of one policy, as evaluated this minute."""

    policy: ScalingPolicy
    alarm: Alarm
    evaluation: Evaluation

    @property
    def fires(self) -> bool:
        """Whether the alarm is in ``ALARM``, just now or still."""
        return self.evaluation.state is AlarmState.ALARM


@dataclass(frozen=True, kw_only=True, slots=True)
class ScalingActivity:
    """A change of capacity that Application Auto Scaling decides on.

    Attributes:
        from_capacity: the desired instances before.
        to_capacity: the desired instances from now on; never equal to ``from_capacity``.
        cause: in AWS's words, such as ``monitor alarm A in state ALARM triggered policy P``.
        policy: whose wish it is; ``None`` where the target's limits forced it.
        time: of the decision, in seconds.
    """

    from_capacity: int
    to_capacity: int
    cause: str
    policy: ScalingPolicy | None
    time: float

    @property
    def is_scale_out(self) -> bool:
        """Whether capacity grows."""
        return self.to_capacity > self.from_capacity

    @property
    def description(self) -> str:
        """What AWS says of the activity for a SageMaker variant."""
        return f"Setting desired instance count to {self.to_capacity}."


@dataclass(frozen=True, kw_only=True, slots=True)
class ScaleOutCooldown:
    """A policy's time to wait for the effect of its scale-out: until ``until``, ``added`` counts as not there yet."""

    added: int
    until: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Cooldowns:
    """Which cooldowns run on a scalable target: all the state that decisions need besides the capacity.

    Assumptions: a scale-out cooldown holds for the policy that scaled out ("the scaling policy won't increase the
    desired capacity again"), a scale-in cooldown for every scale-in of the target ("scale-in activities are
    blocked"); a scale-out cooldown blocks no scale-in; a larger scale-out during a cooldown starts it anew and goes
    on counting what the first one added as not there yet.
    """

    scale_out: Mapping[str, ScaleOutCooldown] = field(default_factory=dict)
    """By policy name; entries whose time has passed have no effect."""

    scale_in_until: float = -math.inf
    """Before this time nothing scales in."""

    def base_capacity(self, policy: ScalingPolicy, capacity: int, now: float) -> int:
        """Return what a scale-out of ``policy`` counts from: ``capacity`` without what it added during its cooldown."""
        return max(0, capacity - self._added(policy, now))

    def _added(self, policy: ScalingPolicy, now: float) -> int:
        running = self.scale_out.get(policy.name)
        return running.added if running and now < running.until else 0

    def after(self, activity: ScalingActivity, *, completed_at: float) -> Cooldowns:
        """Return the cooldowns once ``activity`` has happened.

        A scale-out ends a scale-in cooldown. Activities of no policy start none.

        Args:
            activity: what was decided and done.
            completed_at: seconds. AWS documents that a cooldown starts when the activity has completed, but not whether
                alarms act in the meantime: a caller who lets them act passes the activity's own time.
        """
        policy = activity.policy
        if policy is None:
            return self
        if not activity.is_scale_out:
            return replace(self, scale_in_until=completed_at + policy.scale_in_cooldown_seconds)
        added = activity.to_capacity - activity.from_capacity + self._added(policy, activity.time)
        cooldown = ScaleOutCooldown(added=added, until=completed_at + policy.scale_out_cooldown_seconds)
        return Cooldowns(scale_out={**self.scale_out, policy.name: cooldown})

    def completed(self, activity: ScalingActivity, completed_at: float) -> Cooldowns:
        """Return the cooldowns once ``activity``, which :meth:`after` knows already, has turned out to end then."""
        policy = activity.policy
        if policy is None:
            return self
        if not activity.is_scale_out:
            return replace(self, scale_in_until=completed_at + policy.scale_in_cooldown_seconds)
        until = completed_at + policy.scale_out_cooldown_seconds
        cooldown = replace(self.scale_out[policy.name], until=until)
        return replace(self, scale_out={**self.scale_out, policy.name: cooldown})

    def without(self, activity: ScalingActivity) -> Cooldowns:
        """Return the cooldowns as if ``activity`` had left none."""
        if activity.policy is None:
            return self
        if not activity.is_scale_out:
            return replace(self, scale_in_until=-math.inf)
        others = {name: cooldown for name, cooldown in self.scale_out.items() if name != activity.policy.name}
        return replace(self, scale_out=others)


@dataclass(frozen=True, kw_only=True, slots=True)
class ScalableTarget:
    """The limits within which Application Auto Scaling may move a SageMaker variant's instance count.

    Attributes:
        min_capacity: 0 or more.
        max_capacity: at least ``min_capacity``.

    Raises:
        ScalingConfigurationError: the limits are negative or crossed.
    """

    min_capacity: int
    max_capacity: int

    def __post_init__(self) -> None:
        require(
            0 <= self.min_capacity <= self.max_capacity,
            f"scalable target: {self.min_capacity} to {self.max_capacity} instances are no range from 0 upwards",
        )

    def registered(self, *, capacity: int, now: float) -> ScalingActivity | None:
        """Return the activity that registering or updating the target causes: none within the limits."""
        bounded = min(max(capacity, self.min_capacity), self.max_capacity)
        if bounded == capacity:
            return None
        cause = f"{'minimum' if bounded > capacity else 'maximum'} capacity was set to {bounded}"
        return ScalingActivity(from_capacity=capacity, to_capacity=bounded, cause=cause, policy=None, time=now)

    def decide(
        self, policy_alarms: Sequence[PolicyAlarm], *, capacity: int, cooldowns: Cooldowns, now: float
    ) -> ScalingActivity | None:
        """Return the scaling activity that the alarms cause this minute, or ``None``.

        Of several policies that fire, the one that asks for the largest capacity wins, for scale-out and scale-in
        alike; so a firing policy that asks for the present capacity (at the maximum, in its cooldown, or by an
        adjustment of 0) keeps the others from scaling in (assumption). A target tracking policy scales in only when
        every target tracking policy whose scale-in is enabled is ready to; step policies do not wait for them.

        Args:
            policy_alarms: every alarm of every policy of the target, firing or not.
            capacity: the desired number of instances now.
            cooldowns: what earlier activities left.
            now: seconds, on the same clock as earlier activities.
        """
        ready_to_scale_in = _target_tracking_is_ready_to_scale_in(policy_alarms)
        wishes = [
            (wish, candidate)
            for candidate in policy_alarms
            if (wish := self._wish(candidate, capacity, cooldowns, now)) is not None
            and (wish >= capacity or ready_to_scale_in or not isinstance(candidate.policy, TargetTrackingPolicy))
        ]
        to_capacity, winner = max(wishes, key=itemgetter(0), default=(capacity, None))
        blocked = to_capacity < capacity and now < cooldowns.scale_in_until
        if winner is None or to_capacity == capacity or blocked:
            return None
        cause = f"monitor alarm {winner.alarm.name} in state ALARM triggered policy {winner.policy.name}"
        return ScalingActivity(
            from_capacity=capacity, to_capacity=to_capacity, cause=cause, policy=winner.policy, time=now
        )

    def _wish(self, candidate: PolicyAlarm, capacity: int, cooldowns: Cooldowns, now: float) -> int | None:
        """Return the capacity within the limits that one alarm asks for, ``None`` where it asks for nothing."""
        policy, alarm, datapoints = candidate.policy, candidate.alarm, candidate.evaluation.datapoints
        wish = policy.desired_capacity(alarm, datapoints, capacity) if candidate.fires else None
        if wish is None or wish == capacity:
            return wish
        if wish < capacity:
            return min(capacity, max(wish, self.min_capacity))
        base = cooldowns.base_capacity(policy, capacity, now)
        from_base = policy.desired_capacity(alarm, datapoints, base)
        return max(capacity, min(wish if from_base is None else from_base, self.max_capacity))


def _target_tracking_is_ready_to_scale_in(policy_alarms: Sequence[PolicyAlarm]) -> bool:
    """Return whether every low alarm of a target tracking policy that may scale in fires."""
    return all(
        candidate.fires
        for candidate in policy_alarms
        if isinstance(candidate.policy, TargetTrackingPolicy)
        and not candidate.policy.disable_scale_in
        and not candidate.alarm.comparison.is_upward
    )
