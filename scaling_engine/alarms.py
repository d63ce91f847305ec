"""CloudWatch metric alarms: what they watch and how their state follows from the metric's datapoints.

An alarm that AWS would move to ``ALARM`` a minute earlier or later moves a scaling decision by as much, so the
evaluation follows the documented rules for missing data rather than a count of breaches. Source: *Amazon CloudWatch
User Guide*, "Alarm evaluation" and "Configuring how CloudWatch alarms treat missing data" (with its sections "How
alarm state is evaluated when data is missing" and "Avoiding premature transitions to alarm state"), and the service
model of ``PutMetricAlarm``.
"""

from __future__ import annotations

import math
import operator
from dataclasses import dataclass
from enum import StrEnum
from itertools import repeat
from typing import TYPE_CHECKING, Final

from scaling_engine.assumptions import DEFAULTS, MOST_EXTRA_DATAPOINTS, Assumptions
from scaling_engine.exceptions import require

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from scaling_engine.metrics import Metric, MetricMath

SECONDS_PER_HOUR: Final = 3_600
SECONDS_PER_DAY: Final = 86_400


class ComparisonOperator(StrEnum):
    """How a datapoint, as the first operand, must compare with the threshold to breach it."""

    GREATER_THAN_OR_EQUAL_TO_THRESHOLD = "GreaterThanOrEqualToThreshold"
    GREATER_THAN_THRESHOLD = "GreaterThanThreshold"
    LESS_THAN_THRESHOLD = "LessThanThreshold"
    LESS_THAN_OR_EQUAL_TO_THRESHOLD = "LessThanOrEqualToThreshold"

    @property
    def is_upward(self) -> bool:
        """Whether larger values breach."""
        return self in (self.GREATER_THAN_THRESHOLD, self.GREATER_THAN_OR_EQUAL_TO_THRESHOLD)


_COMPARISONS: Final[dict[ComparisonOperator, tuple[Callable[[float, float], bool], str]]] = {
    ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD: (operator.ge, "greater than or equal to"),
    ComparisonOperator.GREATER_THAN_THRESHOLD: (operator.gt, "greater than"),
    ComparisonOperator.LESS_THAN_THRESHOLD: (operator.lt, "less than"),
    ComparisonOperator.LESS_THAN_OR_EQUAL_TO_THRESHOLD: (operator.le, "less than or equal to"),
}


class TreatMissingData(StrEnum):
    """What stands in for a datapoint that the evaluation range lacks."""

    MISSING = "missing"
    IGNORE = "ignore"
    BREACHING = "breaching"
    NOT_BREACHING = "notBreaching"


class AlarmState(StrEnum):
    """The state of an alarm; a new one begins at ``INSUFFICIENT_DATA``."""

    OK = "OK"
    ALARM = "ALARM"
    INSUFFICIENT_DATA = "INSUFFICIENT_DATA"


@dataclass(frozen=True, kw_only=True, slots=True)
class Alarm:
    """A CloudWatch alarm on one metric, or on metric math, with a fixed threshold.

    Attributes:
        name: unique in its region.
        metric: what it watches.
        comparison: how a datapoint breaches.
        threshold: what datapoints are compared with, in the metric's unit.
        period_seconds: 10, 20, 30 or a multiple of 60.
        evaluation_periods: N, the number of datapoints evaluated; with the period at most one day, or seven days for
            periods of an hour or more.
        datapoints_to_alarm: M, how many of them must breach: 1 to N.
        treat_missing_data: AWS's default is ``missing``.

    Raises:
        ScalingConfigurationError: a value is outside these bounds.
    """

    name: str
    metric: Metric | MetricMath
    comparison: ComparisonOperator
    threshold: float
    period_seconds: int
    evaluation_periods: int
    datapoints_to_alarm: int
    treat_missing_data: TreatMissingData = TreatMissingData.MISSING

    def __post_init__(self) -> None:
        period, periods = self.period_seconds, self.evaluation_periods
        longest = SECONDS_PER_DAY if period < SECONDS_PER_HOUR else 7 * SECONDS_PER_DAY
        prefix = f"alarm {self.name}:"
        require(math.isfinite(self.threshold), f"{prefix} threshold {self.threshold} is not a finite number")
        require(
            period in (10, 20, 30) or (period > 0 and period % 60 == 0),
            f"{prefix} period of {period} s is not 10, 20, 30 or a multiple of 60",
        )
        require(
            periods >= 1 and period * periods <= longest,
            f"{prefix} {periods} evaluation periods of {period} s are not between one period and {longest} s",
        )
        require(
            1 <= self.datapoints_to_alarm <= periods,
            f"{prefix} {self.datapoints_to_alarm} datapoints to alarm are not 1 to {periods}, the evaluation periods",
        )

    @property
    def evaluation_range(self) -> int:
        """How many of the most recent periods may matter, missing ones included."""
        return self.evaluation_periods + MOST_EXTRA_DATAPOINTS

    def is_breached_by(self, value: float) -> bool:
        """Return whether a datapoint of ``value`` breaches the threshold."""
        return _COMPARISONS[self.comparison][0](value, self.threshold)


@dataclass(frozen=True, kw_only=True, slots=True)
class Evaluation:
    """What an alarm concluded.

    Attributes:
        alarm: which one.
        state: the alarm's state from now on.
        datapoints: the real datapoints that were evaluated, oldest first; at most the alarm's evaluation periods.
        breaches: how many of them breach the threshold.
    """

    alarm: Alarm
    state: AlarmState
    datapoints: tuple[float, ...] = ()
    breaches: int = 0

    @property
    def reason(self) -> str:
        """One line for people, in the manner of CloudWatch's ``StateReason``."""
        alarm, missing = self.alarm, self.alarm.evaluation_periods - len(self.datapoints)
        if self.state is AlarmState.INSUFFICIENT_DATA:
            return f"Insufficient Data: {missing} datapoints were unknown."
        comparison = _COMPARISONS[alarm.comparison][1]
        filled = f", {missing} missing treated as [{alarm.treat_missing_data}]" if missing else ""
        newest_first = ", ".join(str(float(value)) for value in reversed(self.datapoints))
        return (
            f"Threshold Crossed: {self.breaches} out of the last {alarm.evaluation_periods} datapoints"
            f" [{newest_first}] were {comparison} the threshold ({float(alarm.threshold)}),"
            f" {alarm.datapoints_to_alarm} needed to alarm{filled}."
        )


def evaluate(
    alarm: Alarm, datapoints: Sequence[float | None], state: AlarmState, assumptions: Assumptions = DEFAULTS
) -> Evaluation:
    """Return the state of ``alarm``, evaluated now.

    Where some of the last ``evaluation_periods`` have no datapoint, a few periods more are looked at. Of the real
    datapoints found, the most recent ``evaluation_periods`` are compared with the threshold, and the treatment of
    missing data matters only where there are fewer. CloudWatch evaluates once a minute (more often for periods below a
    minute).

    Args:
        alarm: what to evaluate.
        datapoints: the metric's statistic in each period, oldest first, ``None`` where nothing was published; of the
            last :attr:`Alarm.evaluation_range` periods or more. A shorter sequence means that nothing was published
            earlier.
        state: the alarm's present state, kept where missing data are ignored.
        assumptions: how far it looks back.
    """
    recent = _evaluated(alarm, tuple(datapoints), assumptions)
    oldest_age = next((len(recent) - index for index, value in enumerate(recent) if value is not None), 0)
    real = tuple([value for value in recent if value is not None])[-alarm.evaluation_periods :]
    breaches = sum(map(_COMPARISONS[alarm.comparison][0], real, repeat(alarm.threshold)))
    new_state = _state(alarm, breaches=breaches, real=len(real), oldest_age=oldest_age, state=state)
    return Evaluation(alarm=alarm, state=new_state, datapoints=real, breaches=breaches)


def _evaluated(
    alarm: Alarm, datapoints: tuple[float | None, ...], assumptions: Assumptions
) -> tuple[float | None, ...]:
    """Return the datapoints of the evaluation periods, and of those before them that stand in for missing ones."""
    recent, earlier = datapoints[-alarm.evaluation_periods :], datapoints[: -alarm.evaluation_periods]
    if None not in recent or not any(value is not None for value in earlier[-MOST_EXTRA_DATAPOINTS:]):
        return recent
    return datapoints[-(alarm.evaluation_periods + assumptions.extra_datapoints) :]


def _state(alarm: Alarm, *, breaches: int, real: int, oldest_age: int, state: AlarmState) -> AlarmState:
    """Return the state that the counts ask for; ``oldest_age`` is in periods, 1 for the most recent one."""
    filled = alarm.evaluation_periods - real
    treatment = alarm.treat_missing_data
    if breaches + (filled if treatment is TreatMissingData.BREACHING else 0) >= alarm.datapoints_to_alarm:
        return AlarmState.ALARM
    if treatment in (TreatMissingData.BREACHING, TreatMissingData.NOT_BREACHING) or real > breaches:
        return AlarmState.OK
    if treatment is TreatMissingData.IGNORE:
        return state
    # The "premature alarm state" rule: nothing but breaches, the oldest of which is old enough that M periods have
    # passed. A younger one alone is INSUFFICIENT_DATA: the guide's present tables leave that row out, its 2018
    # edition had it.
    return AlarmState.ALARM if oldest_age >= alarm.datapoints_to_alarm else AlarmState.INSUFFICIENT_DATA
