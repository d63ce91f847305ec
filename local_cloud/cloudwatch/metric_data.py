"""What ``GetMetricData`` makes of the datapoints of metrics: expressions, their order, and pages.

Source: *Amazon CloudWatch API Reference*, "GetMetricData" and "MetricDataQuery". Expressions are those that alarms
have (:mod:`scaling_engine.metric_math`); ``SEARCH`` and Metrics Insights are refused.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any, Final

from local_cloud.errors import AwsError
from scaling_engine.exceptions import ScalingConfigurationError
from scaling_engine.metrics import Metric, MetricMath, Statistic

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from local_cloud.json_api import Members

Series = dict[float, float]
"""Datapoints by the moments at which their periods begin, in seconds since the epoch."""

DEFAULT_MAX_DATAPOINTS: Final = 100_800
"""Datapoints of a page where the request names no ``MaxDatapoints``."""

_STATISTIC: Final = re.compile("|".join([*Statistic, r"p(100|\d{1,2}(\.\d{1,10})?)"]))


def check_queries(queries: Sequence[Members]) -> None:
    """Check the queries of a request.

    Raises:
        AwsError: an id is there twice, or a statistic is none that is computed here.
    """
    ids = [query["Id"] for query in queries]
    if len(set(ids)) < len(ids):
        raise _refusal(f"The values for parameter Id in MetricDataQueries are not unique: {', '.join(ids)}")
    for query in queries:
        if not query.get("Expression") and not _STATISTIC.fullmatch(query["MetricStat"]["Stat"]):
            known = ", ".join(Statistic)
            raise _refusal(f"Stat of {query['Id']} must be {known} or a percentile: {query['MetricStat']['Stat']}")


def computed(queries: Sequence[Members], series: Mapping[str, Series], start: float, end: float) -> dict[str, Series]:
    """Return the values of the expressions among ``queries``, by id.

    Args:
        queries: of the request.
        series: the datapoints of the metrics among them, by id.
        start: from when on datapoints are asked for, in seconds since the epoch.
        end: until when.

    Raises:
        AwsError: an expression is malformed, uses what is not supported, or reads metrics of several periods or too
            many.
    """
    expressions = tuple((query["Id"], query["Expression"]) for query in queries if query.get("Expression"))
    if not expressions:
        return {}
    periods = {query["MetricStat"]["Period"] for query in queries if not query.get("Expression")}
    if len(periods) != 1:
        raise _refusal(f"metric math: one period is supported, found {sorted(periods) or 'none'}")
    [period] = periods
    ticks = range(math.floor(start / period), math.ceil(end / period))
    if len(ticks) > DEFAULT_MAX_DATAPOINTS:
        raise _refusal(f"metric math: at most {DEFAULT_MAX_DATAPOINTS} periods are supported, not {len(ticks)}")
    moments = [tick * float(period) for tick in ticks]
    metrics = tuple((name, Metric(namespace="query", name=name)) for name in series)

    def fetch(metric: Metric) -> list[float | None]:
        return [series[metric.name].get(moment) for moment in moments]

    try:
        values = {
            name: MetricMath(returned=name, expressions=expressions, metrics=metrics).datapoints(fetch)
            for name, _ in expressions
        }
    except ScalingConfigurationError as error:
        raise _refusal(str(error)) from error
    return {
        name: {moment: value for moment, value in zip(moments, found, strict=True) if value is not None}
        for name, found in values.items()
    }


def answer(queries: Sequence[Members], series: Mapping[str, Series], members: Members) -> dict[str, Any]:
    """Return one page of what is asked for.

    Args:
        queries: of the request.
        series: the datapoints of metrics and expressions, by id.
        members: of the request: ``ScanBy``, ``MaxDatapoints`` and ``NextToken`` count.

    Raises:
        AwsError: the token is none that this operation returned.
    """
    token = str(members.get("NextToken") or "0")
    if not (token.isascii() and token.isdecimal()):
        raise _refusal(f"NextToken {token} is not one that GetMetricData returned")
    size = math.inf
    if not any(query.get("Expression") for query in queries):
        size = members.get("MaxDatapoints") or DEFAULT_MAX_DATAPOINTS
    is_newest_first = members.get("ScanBy") != "TimestampAscending"
    position, start, results = 0, int(token), []
    for query in queries:
        if query.get("ReturnData", True):
            points = sorted(series[query["Id"]].items(), reverse=is_newest_first)
            low, high = max(start - position, 0), max(start + size - position, 0)
            shown = [point for index, point in enumerate(points) if low <= index < high]
            results.append(_result(query, shown, is_complete=high >= len(points)))
            position += len(points)
    return {"MetricDataResults": results} | ({"NextToken": str(start + size)} if position > start + size else {})


def _result(query: Members, points: Sequence[tuple[float, float]], *, is_complete: bool) -> dict[str, Any]:
    return {
        "Id": query["Id"],
        "Label": query.get("Label") or query["Id"],
        "Timestamps": [int(moment) for moment, _ in points],
        "Values": [value for _, value in points],
        "StatusCode": "Complete" if is_complete else "PartialData",
    }


def _refusal(message: str) -> AwsError:
    return AwsError("ValidationError", message)
