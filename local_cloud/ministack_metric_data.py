"""``GetMetricData`` of MiniStack's CloudWatch, which finds datapoints and leaves the rest of the question aside.

Clients that speak the query protocol, as SDKs did until 2025, still get MiniStack's own answer.
"""

from __future__ import annotations

import json
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from local_cloud.cloudwatch.metric_data import answer, check_queries, computed
from local_cloud.errors import AwsError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from local_cloud.cloudwatch.metric_data import Series
    from local_cloud.json_api import Members

PRIVATE_NAMES: Final[Mapping[str, tuple[str, ...]]] = {
    "ministack.services.cloudwatch": (
        "_cbor_metric_data_result",
        "_cbor_ok",
        "_dims_from_list",
        "_dims_key",
        "_error",
        "_get_metric_data",
        "_json_ok",
        "_metrics",
        "_parse_ts",
    )
}
"""What is used of MiniStack, by module."""


def answer_whole_questions() -> None:
    """Let ``GetMetricData`` compute expressions, select by unit, sort and page."""
    # Any: MiniStack carries no types.
    cloudwatch: Any = import_module("ministack.services.cloudwatch")
    find = cloudwatch._get_metric_data  # noqa: SLF001

    def get_metric_data(params: Members, members: Members, is_cbor: bool, is_json: bool = False) -> object:  # noqa: FBT001, FBT002
        if not (is_cbor or is_json):
            return find(params, members, is_cbor, is_json)
        try:
            found = _answer(cloudwatch, find, members)
        except AwsError as error:
            return cloudwatch._error(error.code, error.message, error.status, use_json=is_json, use_cbor=is_cbor)  # noqa: SLF001
        if is_json:
            return cloudwatch._json_ok(found)  # noqa: SLF001
        results = [cloudwatch._cbor_metric_data_result(one) for one in found["MetricDataResults"]]  # noqa: SLF001
        return cloudwatch._cbor_ok({**found, "MetricDataResults": results})  # noqa: SLF001

    cloudwatch._get_metric_data = get_metric_data  # noqa: SLF001


def _answer(cloudwatch: Any, find: Any, members: Members) -> dict[str, Any]:  # noqa: ANN401 - of MiniStack
    queries = members.get("MetricDataQueries") or []
    check_queries(queries)
    stats = [{**query, "ReturnData": True} for query in queries if not query.get("Expression")]
    _, _, body = find({}, {**members, "MetricDataQueries": stats}, False, True)  # noqa: FBT003
    results = json.loads(body)["MetricDataResults"]
    series: dict[str, Series] = {
        query["Id"]: _points(result) if _has_unit(cloudwatch, query["MetricStat"]) else {}
        for query, result in zip(stats, results, strict=True)
    }
    start, end = (cloudwatch._parse_ts(members[name]) for name in ("StartTime", "EndTime"))  # noqa: SLF001
    return answer(queries, series | computed(queries, series, start, end), members)


def _points(result: Members) -> Series:
    return dict(zip(map(float, result["Timestamps"]), result["Values"], strict=True))


def _has_unit(cloudwatch: Any, stat: Members) -> bool:  # noqa: ANN401 - of MiniStack
    """Return whether a query asks for the unit that its metric has: one unit is taken to be that of all samples."""
    if not stat.get("Unit"):
        return True
    metric = stat["Metric"]
    dimensions = cloudwatch._dims_key(cloudwatch._dims_from_list(metric.get("Dimensions") or []))  # noqa: SLF001
    points = cloudwatch._metrics.get((metric["Namespace"], metric["MetricName"], dimensions), ())  # noqa: SLF001
    return any(point["Unit"] == stat["Unit"] for point in points)
