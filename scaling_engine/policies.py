"""Scaling policies: how much capacity each asks for once its alarm fires.

Both kinds answer the same question, :meth:`ScalingPolicy.desired_capacity`, so that the scalable target can compare
them. Limits and cooldowns are the target's matter (:mod:`scaling_engine.scalable_target`). Sources: *Application Auto
Scaling User Guide*, "Step scaling policies" and "Target tracking scaling policies", and the service model of
``PutScalingPolicy``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from statistics import fmean
from typing import TYPE_CHECKING, Final, Protocol

from scaling_engine.alarms import Alarm, ComparisonOperator
from scaling_engine.exceptions import require
from scaling_engine.steps import AdjustmentType, StepAdjustment, adjusted_capacity, require_contiguous

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from scaling_engine.metrics import Metric, MetricMath

DEFAULT_COOLDOWN_SECONDS: Final = 300
"""What Application Auto Scaling assumes for SageMaker variants where a policy names no cooldown."""

HIGH_EVALUATION_PERIODS: Final = 3
"""Minutes above target before target tracking scales out.

Assumption, like the two below: AWS makes these alarms itself and does not document them; this is what users see in
their accounts for SageMaker variants.
"""

LOW_EVALUATION_PERIODS: Final = 15
"""Minutes below :data:`LOW_THRESHOLD_RATIO` of the target before target tracking scales in."""

LOW_THRESHOLD_RATIO: Final = 0.9
"""Share of the target below which target tracking thinks of scaling in; documented as "usually more than 10% lower"."""


_PROPORTION_DECIMALS: Final = 9
"""Keeps the rounding error of a per-instance metric, multiplied back, from adding an instance."""


class ScalingPolicy(Protocol):
    """What a scalable target needs of a policy."""

    @property
    def name(self) -> str:
        """Unique among the target's policies."""

    @property
    def scale_out_cooldown_seconds(self) -> float:
        """How long after a scale-out of this policy its own effect counts as not yet seen."""

    @property
    def scale_in_cooldown_seconds(self) -> float:
        """How long after a scale-in of this policy nothing scales in."""

    def desired_capacity(self, alarm: Alarm, datapoints: Sequence[float], capacity: int) -> int | None:
        """Return the capacity asked for, before minimum and maximum, or ``None`` where the policy has nothing to say.

        Args:
            alarm: which of the policy's alarms fired.
            datapoints: the real datapoints that the alarm evaluated, oldest first.
            capacity: the number of instances to start from.
        """


class MetricAggregationType(StrEnum):
    """How the alarm's datapoints become the one value that selects the step."""

    AVERAGE = "Average"
    MINIMUM = "Minimum"
    MAXIMUM = "Maximum"


_AGGREGATIONS: Final[dict[MetricAggregationType, Callable[[Sequence[float]], float]]] = {
    MetricAggregationType.AVERAGE: fmean,
    MetricAggregationType.MINIMUM: min,
    MetricAggregationType.MAXIMUM: max,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class StepScalingPolicy:
    """Changes capacity by steps that depend on how far the metric is beyond the alarm's threshold.

    Attributes:
        name: of the policy.
        adjustment_type: what the steps' numbers mean.
        steps: intervals without gap or overlap.
        cooldown_seconds: after a scale-out or a scale-in by this policy.
        aggregation: of the alarm's datapoints.
        min_adjustment_magnitude: least number of instances that a percentage changes; other types ignore it.

    Raises:
        ScalingConfigurationError: the steps are none that ``PutScalingPolicy`` accepts.
    """

    name: str
    adjustment_type: AdjustmentType
    steps: tuple[StepAdjustment, ...]
    cooldown_seconds: float = DEFAULT_COOLDOWN_SECONDS
    aggregation: MetricAggregationType = MetricAggregationType.AVERAGE
    min_adjustment_magnitude: int = 0

    def __post_init__(self) -> None:
        prefix = f"scaling policy {self.name}"
        require_contiguous(self.steps, prefix)
        require(
            self.adjustment_type is not AdjustmentType.EXACT_CAPACITY
            or all(step.adjustment >= 0 for step in self.steps),
            f"{prefix}: an exact capacity is negative",
        )
        require(self.cooldown_seconds >= 0, f"{prefix}: cooldown of {self.cooldown_seconds} s is negative")
        require(
            self.min_adjustment_magnitude >= 0,
            f"{prefix}: minimum adjustment magnitude {self.min_adjustment_magnitude} is negative",
        )

    @property
    def scale_out_cooldown_seconds(self) -> float:
        """The policy's one cooldown."""
        return self.cooldown_seconds

    @property
    def scale_in_cooldown_seconds(self) -> float:
        """The policy's one cooldown."""
        return self.cooldown_seconds

    def desired_capacity(self, alarm: Alarm, datapoints: Sequence[float], capacity: int) -> int | None:
        """Return the capacity that the step of the aggregated datapoints asks for, ``None`` where no step has them.

        Assumptions: the datapoints aggregated are those that the alarm evaluated ("the most recent" in the guide); an
        alarm that fired on missing data alone counts as a metric right at the threshold.
        """
        value = _AGGREGATIONS[self.aggregation](datapoints) if datapoints else alarm.threshold
        difference, upward = value - alarm.threshold, alarm.comparison.is_upward
        for step in self.steps:
            if step.contains(difference, upward=upward):
                return adjusted_capacity(capacity, step, self.adjustment_type, self.min_adjustment_magnitude)
        return None


@dataclass(frozen=True, kw_only=True, slots=True)
class TargetTrackingPolicy:
    """Keeps a per-instance metric near a target by proportional capacity, with two alarms of its own.

    Attributes:
        name: of the policy.
        metric: falls as capacity grows, such as a backlog per instance.
        target_value: what the metric should be; positive.
        scale_out_cooldown_seconds: after a scale-out by this policy.
        scale_in_cooldown_seconds: after a scale-in by this policy.
        disable_scale_in: whether the policy never removes capacity.

    Raises:
        ScalingConfigurationError: the target is not positive or a cooldown negative.
    """

    name: str
    metric: Metric | MetricMath
    target_value: float
    scale_out_cooldown_seconds: float = DEFAULT_COOLDOWN_SECONDS
    scale_in_cooldown_seconds: float = DEFAULT_COOLDOWN_SECONDS
    disable_scale_in: bool = False

    def __post_init__(self) -> None:
        prefix = f"scaling policy {self.name}"
        require(
            0 < self.target_value < math.inf, f"{prefix}: target value {self.target_value} is not a positive number"
        )
        for cooldown in (self.scale_out_cooldown_seconds, self.scale_in_cooldown_seconds):
            require(cooldown >= 0, f"{prefix}: cooldown of {cooldown} s is negative")

    def high_alarm(self, name: str) -> Alarm:
        """Return the alarm that scales out; AWS's name is ``TargetTracking-<resource id>-AlarmHigh-<uuid>``."""
        return self._alarm(name, ComparisonOperator.GREATER_THAN_THRESHOLD, self.target_value, HIGH_EVALUATION_PERIODS)

    def low_alarm(self, name: str) -> Alarm:
        """Return the alarm that scales in; AWS's name is ``TargetTracking-<resource id>-AlarmLow-<uuid>``."""
        threshold = self.target_value * LOW_THRESHOLD_RATIO
        return self._alarm(name, ComparisonOperator.LESS_THAN_THRESHOLD, threshold, LOW_EVALUATION_PERIODS)

    def _alarm(self, name: str, comparison: ComparisonOperator, threshold: float, periods: int) -> Alarm:
        return Alarm(
            name=name,
            metric=self.metric,
            comparison=comparison,
            threshold=threshold,
            period_seconds=60,
            evaluation_periods=periods,
            datapoints_to_alarm=periods,
        )

    def desired_capacity(self, alarm: Alarm, datapoints: Sequence[float], capacity: int) -> int | None:
        """Return ``ceil(capacity x metric / target)``, or ``capacity`` where the fired alarm asks for the other way.

        Rounding up means that a scale-in never lifts the metric above the target again. ``None`` where scale-in is
        disabled and the low alarm fired, or where there is no datapoint to compute with.

        Assumptions: the metric is the most recent datapoint that the alarm evaluated. *Zero counts as one*: at
        capacity 0 the proportion is taken of one instance, because the proportion of zero would never leave zero
        while AWS says of target tracking on asynchronous endpoints that it scales up from zero once the backlog
        exceeds the target (*SageMaker Developer Guide*, "Autoscale an asynchronous endpoint"). Whether the metric is
        published at zero is the caller's matter.
        """
        upward = alarm.comparison.is_upward
        if not datapoints or (self.disable_scale_in and not upward):
            return None
        proportion = max(capacity, 1) * datapoints[-1] / self.target_value
        proportional = math.ceil(round(proportion, _PROPORTION_DECIMALS))
        return max(capacity, proportional) if upward else min(capacity, max(0, proportional))
