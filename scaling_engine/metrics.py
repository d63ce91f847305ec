"""What an alarm watches: one time series with a statistic, or metric math over several.

Both kinds answer the same question, what the datapoints of the last periods are, from a function that knows the
published series. Sources: the service model of ``PutMetricAlarm`` (``MetricDataQuery``) and *Amazon CloudWatch User
Guide*, "Using math expressions with CloudWatch metrics".
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from scaling_engine import metric_math
from scaling_engine.assumptions import DEFAULTS, Assumptions
from scaling_engine.exceptions import require


class Statistic(StrEnum):
    """How the samples of a period become its datapoint. Percentiles are not supported."""

    AVERAGE = "Average"
    MAXIMUM = "Maximum"
    MINIMUM = "Minimum"
    SAMPLE_COUNT = "SampleCount"
    SUM = "Sum"


@dataclass(frozen=True, kw_only=True, slots=True)
class Metric:
    """One time series with the statistic taken of it.

    Attributes:
        namespace: such as ``AWS/SageMaker``.
        name: such as ``ApproximateBacklogSizePerInstance``.
        dimensions: pairs of name and value, in no order; a series published under other dimensions is another series.
        statistic: how a period's samples become one number.
    """

    namespace: str
    name: str
    dimensions: frozenset[tuple[str, str]] = frozenset()
    statistic: Statistic = Statistic.AVERAGE

    @property
    def sources(self) -> tuple[Metric, ...]:
        """The published series that are read: itself."""
        return (self,)

    @property
    def is_pointwise(self) -> bool:
        """Whether each period's value depends on that period alone: always."""
        return True

    def datapoints(self, fetch: Fetch, assumptions: Assumptions = DEFAULTS) -> list[float | None]:  # noqa: ARG002 - as metric math
        """Return the statistic in each of the periods that ``fetch`` knows."""
        return list(fetch(self))


Fetch = Callable[[Metric], Sequence[float | None]]
"""Returns a metric's statistic in each of the last periods, oldest first, ``None`` where nothing was published."""


@dataclass(frozen=True, kw_only=True, slots=True)
class MetricMath:
    """A time series that is computed from others.

    Attributes:
        returned: the id of the expression that is watched.
        expressions: pairs of id and expression.
        metrics: pairs of id and metric.

    Raises:
        ScalingConfigurationError: an expression is malformed, uses a function that the engine lacks, or names an id
            that there is not.
    """

    returned: str
    expressions: tuple[tuple[str, str], ...]
    metrics: tuple[tuple[str, Metric], ...] = ()

    def __post_init__(self) -> None:
        known = {name for name, _ in (*self.expressions, *self.metrics)}
        require(self.returned in dict(self.expressions), f"metric math: {self.returned} is no expression's id")
        for name, text in self.expressions:
            missing = sorted(metric_math.compiled(text).names - known)
            require(not missing, f"metric math: expression {name} names {', '.join(missing)}, which there is not")

    @property
    def sources(self) -> tuple[Metric, ...]:
        """The published series that are read."""
        return tuple(metric for _, metric in self.metrics)

    @property
    def is_pointwise(self) -> bool:
        """Whether each period's value depends on the datapoints of that period alone."""
        return all(metric_math.compiled(text).is_pointwise for _, text in self.expressions)

    def datapoints(self, fetch: Fetch, assumptions: Assumptions = DEFAULTS) -> list[float | None]:
        """Return the expression's value in each of the periods that ``fetch`` knows."""
        series: dict[str, metric_math.Value] = {name: list(fetch(metric)) for name, metric in self.metrics}
        length = max((len(one) for one in series.values() if isinstance(one, list)), default=0)
        value = self._value(self.returned, series, assumptions, frozenset())
        require(not isinstance(value, tuple), f"metric math: {self.returned} is an array, an alarm needs one series")
        return value if isinstance(value, list) else [_scalar(value)] * length

    def _value(
        self, name: str, series: dict[str, metric_math.Value], assumptions: Assumptions, outer: frozenset[str]
    ) -> metric_math.Value:
        """Return the value of ``name``, after those of the expressions that it names; keeps them in ``series``."""
        if name not in series:
            require(name not in outer, f"metric math: expression {name} is computed from itself")
            expression = metric_math.compiled(dict(self.expressions)[name])
            for needed in expression.names:
                self._value(needed, series, assumptions, outer | {name})
            series[name] = expression.value(series, assumptions)
        return series[name]


def _scalar(value: metric_math.Value) -> float | None:
    return value if isinstance(value, float) else None
