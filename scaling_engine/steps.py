"""The steps of a step scaling policy: which one a metric's value selects and what it does to the capacity.

Source: *Application Auto Scaling User Guide*, "Step scaling policies" ("Step adjustments", "Scaling adjustment types"),
and the service model of ``StepAdjustment``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import TYPE_CHECKING

from scaling_engine.exceptions import require

if TYPE_CHECKING:
    from collections.abc import Iterable


class AdjustmentType(StrEnum):
    """What the number in a step adjustment means."""

    CHANGE_IN_CAPACITY = "ChangeInCapacity"
    EXACT_CAPACITY = "ExactCapacity"
    PERCENT_CHANGE_IN_CAPACITY = "PercentChangeInCapacity"


@dataclass(frozen=True, kw_only=True, slots=True)
class StepAdjustment:
    """What to do while the metric is within an interval.

    Attributes:
        lower_bound: of metric minus alarm threshold; minus infinity where AWS has null.
        upper_bound: of metric minus alarm threshold; plus infinity where AWS has null.
        adjustment: instances or percent, as the policy's adjustment type says.

    Raises:
        ScalingConfigurationError: the interval is empty, or both bounds are infinite.
    """

    lower_bound: float = -math.inf
    upper_bound: float = math.inf
    adjustment: int

    def __post_init__(self) -> None:
        bounds = f"lower bound {self.lower_bound} and upper bound {self.upper_bound}"
        require(self.lower_bound < self.upper_bound, f"step adjustment: {bounds} leave no interval between them")
        require(
            math.isfinite(self.lower_bound) or math.isfinite(self.upper_bound),
            "step adjustment: lower and upper bound are both null, give one of them",
        )

    def contains(self, difference: float, *, upward: bool) -> bool:
        """Return whether ``difference``, metric minus threshold, is within the interval.

        The bound that is nearer to the threshold belongs to the interval. Assumption: which one that is follows from
        the alarm's comparison, because AWS's own wake policy (at least 1, lower bound 0) has to fire on a value of
        exactly 1.
        """
        if upward:
            return self.lower_bound <= difference < self.upper_bound
        return self.lower_bound < difference <= self.upper_bound


def require_contiguous(steps: Iterable[StepAdjustment], subject: str) -> None:
    """Check that ``steps`` cover what ``PutScalingPolicy`` wants covered, without gap or overlap.

    Raises:
        ScalingConfigurationError: they do not; the message starts with ``subject``.
    """
    ordered = sorted(steps, key=lambda step: step.lower_bound)
    require(bool(ordered), f"{subject}: has no step adjustment")
    for step, following in pairwise(ordered):
        require(
            step.upper_bound == following.lower_bound,
            f"{subject}: steps overlap or leave a gap between {step.upper_bound} and {following.lower_bound}",
        )
    first, last = ordered[0].lower_bound, ordered[-1].upper_bound
    require(math.isinf(first) or first >= 0, f"{subject}: lowest bound {first} is negative, make it null")
    require(math.isinf(last) or last <= 0, f"{subject}: highest bound {last} is positive, make it null")


def adjusted_capacity(capacity: int, step: StepAdjustment, adjustment_type: AdjustmentType, min_magnitude: int) -> int:
    """Return ``capacity`` after ``step``, never negative; ``min_magnitude`` counts for percentages alone."""
    match adjustment_type:
        case AdjustmentType.EXACT_CAPACITY:
            return step.adjustment
        case AdjustmentType.CHANGE_IN_CAPACITY:
            return max(0, capacity + step.adjustment)
        case AdjustmentType.PERCENT_CHANGE_IN_CAPACITY:
            return max(0, capacity + _percentage(capacity, step.adjustment, min_magnitude))


def _percentage(capacity: int, percent: int, min_magnitude: int) -> int:
    """Return the change in instances, rounded as documented: toward zero, but a fraction of one counts as one."""
    hundredths = capacity * abs(percent)
    magnitude = max(hundredths // 100, 1 if hundredths else 0, min_magnitude if percent else 0)
    return magnitude if percent > 0 else -magnitude
