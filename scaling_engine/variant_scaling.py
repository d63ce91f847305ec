"""Application Auto Scaling's work on one variant: decisions, and the state that they leave.

The assumptions about cooldowns and about updates in progress are applied here, so that whoever owns a clock and
instances, a simulator or the local cloud, only says what happened.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from scaling_engine.assumptions import Assumptions, CooldownStart
from scaling_engine.scalable_target import Cooldowns, ScalableTarget, ScalingActivity

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scaling_engine.scalable_target import PolicyAlarm


@dataclass(kw_only=True, slots=True)
class VariantScaling:
    """The scaling of one variant.

    Attributes:
        limits: its scalable target; may be exchanged.
        assumptions: what is undocumented.
        cooldowns: which run.
    """

    limits: ScalableTarget
    assumptions: Assumptions = field(default_factory=Assumptions)
    cooldowns: Cooldowns = field(default_factory=Cooldowns)
    _waited_for: list[ScalingActivity] = field(default_factory=list)
    """Activities in progress whose end some cooldown starts at: the latest scale-out of each policy, or scale-in."""

    def decide(
        self, policy_alarms: Sequence[PolicyAlarm], *, capacity: int, updating: bool, now: float
    ) -> ScalingActivity | None:
        """Return the activity that the limits or this minute's alarms cause, or ``None``.

        Args:
            policy_alarms: every alarm of every policy, as evaluated.
            capacity: the desired number of instances.
            updating: whether instances are being launched or removed.
            now: in seconds.
        """
        activity = self.limits.registered(capacity=capacity, now=now) or self.limits.decide(
            policy_alarms, capacity=capacity, cooldowns=self.cooldowns, now=now
        )
        if activity is not None and updating and self.assumptions.blocked_while_updating:
            return None
        return activity

    def begin(self, activity: ScalingActivity) -> None:
        """Say that ``activity`` has begun."""
        if self.assumptions.cooldown_start is CooldownStart.DECISION:
            self.cooldowns = self.cooldowns.after(activity, completed_at=activity.time)
            return
        self.cooldowns = self.cooldowns.after(activity, completed_at=math.inf)
        self._waited_for = [one for one in self._waited_for if not _supersedes(activity, one)]
        self._waited_for.append(activity)

    def complete(self, activity: ScalingActivity, now: float) -> None:
        """Say that the instances of ``activity`` are in service or gone. A later activity's cooldown stays."""
        if self._is_waited_for(activity):
            self.cooldowns = self.cooldowns.completed(activity, now)

    def fail(self, activity: ScalingActivity) -> None:
        """Say that ``activity`` came to nothing: it leaves no cooldown that waits for its end."""
        if self._is_waited_for(activity):
            self.cooldowns = self.cooldowns.without(activity)

    def _is_waited_for(self, activity: ScalingActivity) -> bool:
        others = [one for one in self._waited_for if one is not activity]
        found = len(others) < len(self._waited_for)
        self._waited_for = others
        return found


def _supersedes(activity: ScalingActivity, earlier: ScalingActivity) -> bool:
    """Return whether the cooldown of ``earlier`` is none any more: started anew, or stopped by a scale-out."""
    if not earlier.is_scale_out:
        return activity.policy is not None
    return activity.is_scale_out and activity.policy == earlier.policy
