"""Reads what alarms and target tracking policies watch: one metric, metric math, or a predefined metric."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from scaling_engine.exceptions import require
from scaling_engine.gauges import NAMESPACE
from scaling_engine.metrics import Metric, MetricMath, Statistic

if TYPE_CHECKING:
    from scaling_engine.member_reader import MemberReader

METRIC_MEMBERS: Final = frozenset({"MetricName", "Namespace", "Dimensions", "Statistic", "Unit"})
"""Of one metric with its statistic. A unit is read over: the endpoint's metrics have one unit each."""

_QUERY_MEMBERS: Final = frozenset({"Id", "Expression", "MetricStat", "Label", "ReturnData", "Period"})
_STAT_MEMBERS: Final = frozenset({"Metric", "Stat", "Period", "Unit"})
_METRIC_MEMBERS: Final = frozenset({"MetricName", "Namespace", "Dimensions"})
_DIMENSION_MEMBERS: Final = frozenset({"Name", "Value"})
_PREDEFINED: Final = {"SageMakerVariantInvocationsPerInstance": "InvocationsPerInstance"}
_TRACKING_PERIOD_SECONDS: Final = 60


def metric(reader: MemberReader) -> Metric:
    """Return the one metric that ``reader`` describes."""
    return _metric(reader, reader.choice("Statistic", Statistic))


def watched_members(watched: Metric | MetricMath, period_seconds: int) -> dict[str, object]:
    """Return the members of ``PutMetricAlarm`` that say what is watched: the other way round."""
    if isinstance(watched, Metric):
        return {**_metric_members(watched), "Statistic": str(watched.statistic), "Period": period_seconds}
    stats = [
        {
            "Id": name,
            "MetricStat": {"Metric": _metric_members(one), "Stat": str(one.statistic), "Period": period_seconds},
            "ReturnData": False,
        }
        for name, one in watched.metrics
    ]
    expressions = [
        {"Id": name, "Expression": text, "ReturnData": name == watched.returned} for name, text in watched.expressions
    ]
    return {"Metrics": [*stats, *expressions]}


def _metric_members(one: Metric) -> dict[str, object]:
    dimensions = [{"Name": name, "Value": value} for name, value in sorted(one.dimensions)]
    return {"Namespace": one.namespace, "MetricName": one.name, "Dimensions": dimensions}


def predefined_metric(reader: MemberReader) -> Metric:
    """Return the predefined metric of a target tracking policy.

    SageMaker does not publish it for asynchronous endpoints, so whatever follows it has no datapoints; it is read
    because templates that scale by it exist.
    """
    kind = reader.text("PredefinedMetricType")
    require(kind in _PREDEFINED, f"predefined metric: {kind} not supported, use only {', '.join(_PREDEFINED)}")
    return Metric(namespace=NAMESPACE, name=_PREDEFINED[kind], statistic=Statistic.SUM)


def alarm_metric_math(reader: MemberReader) -> tuple[MetricMath, int]:
    """Return the metric math of an alarm, and its period in seconds.

    Raises:
        ScalingConfigurationError: the metrics have several periods (not supported), or not exactly one query returns
            data.
    """
    queries = reader.nested_list("Metrics", _QUERY_MEMBERS)
    periods = {period for query in queries if (period := _period(query)) is not None}
    require(len(periods) == 1, f"metric math: one period is supported, found {sorted(periods) or 'none'}")
    return _metric_math(queries), periods.pop()


def tracked_metric_math(reader: MemberReader) -> MetricMath:
    """Return the metric math of a target tracking policy; its period is a minute."""
    queries = reader.nested_list("Metrics", _QUERY_MEMBERS)
    for query in queries:
        period = _period(query)
        require(period in (None, _TRACKING_PERIOD_SECONDS), f"metric math: a tracked metric has a period of {period} s")
    return _metric_math(queries)


def _metric_math(queries: list[MemberReader]) -> MetricMath:
    returned = [query.text("Id") for query in queries if query.boolean("ReturnData", default=True)]
    require(len(returned) == 1, f"metric math: exactly one query must return data, found {returned}")
    metrics = tuple((query.text("Id"), _stat(query)) for query in queries if query.has("MetricStat"))
    expressions = tuple((query.text("Id"), query.text("Expression")) for query in queries if query.has("Expression"))
    if returned[0] not in dict(expressions):
        expressions = (*expressions, ("returned", returned[0]))
        returned = ["returned"]
    return MetricMath(returned=returned[0], expressions=expressions, metrics=metrics)


def _stat(query: MemberReader) -> Metric:
    stat = query.nested("MetricStat", _STAT_MEMBERS)
    return _metric(stat.nested("Metric", _METRIC_MEMBERS), stat.choice("Stat", Statistic))


def _period(query: MemberReader) -> int | None:
    if not query.has("MetricStat"):
        return query.integer("Period") if query.has("Period") else None
    stat = query.nested("MetricStat", _STAT_MEMBERS)
    return stat.integer("Period") if stat.has("Period") else None


def _metric(reader: MemberReader, statistic: Statistic) -> Metric:
    dimensions = reader.nested_list("Dimensions", _DIMENSION_MEMBERS, optional=True)
    return Metric(
        namespace=reader.text("Namespace"),
        name=reader.text("MetricName"),
        dimensions=frozenset((dimension.text("Name"), dimension.text("Value")) for dimension in dimensions),
        statistic=statistic,
    )
