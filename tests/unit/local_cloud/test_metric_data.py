"""What GetMetricData makes of the datapoints of metrics."""

from __future__ import annotations

from typing import Any

import pytest

from local_cloud.cloudwatch.metric_data import answer, check_queries, computed
from local_cloud.errors import AwsError

SERIES = {"a": {600.0: 1.0, 660.0: 2.0, 720.0: 3.0}, "b": {660.0: 10.0}}


def stat(name: str, statistic: str = "Sum", period: int = 60, **members: Any) -> dict[str, Any]:  # noqa: ANN401
    """Return a query of a metric."""
    return {"Id": name, "MetricStat": {"Metric": {}, "Period": period, "Stat": statistic}, **members}


def expression(name: str, text: str) -> dict[str, Any]:
    """Return a query of metric math."""
    return {"Id": name, "Expression": text}


def values(members: dict[str, Any], *queries: dict[str, Any]) -> list[tuple[str, list[float], str]]:
    """Return id, values and status of each result."""
    results = answer(queries, SERIES, members)["MetricDataResults"]
    return [(one["Id"], one["Values"], one["StatusCode"]) for one in results]


@pytest.mark.parametrize("statistic", ["Average", "SampleCount", "p0", "p99", "p99.9", "p100"])
def test_statistics_that_are_computed_are_taken(statistic: str) -> None:
    """The five, and percentiles."""
    check_queries([stat("a", statistic)])


@pytest.mark.parametrize("statistic", ["Bogus", "average", "p101", "p", "TM(10%:90%)"])
def test_other_statistics_are_refused(statistic: str) -> None:
    """A trimmed mean is not quietly an average."""
    with pytest.raises(AwsError, match="Stat of a must be Average, Maximum"):
        check_queries([stat("a", statistic)])


def test_an_id_is_there_once() -> None:
    """Else an expression would not know which it reads."""
    with pytest.raises(AwsError, match="not unique: a, a"):
        check_queries([stat("a"), stat("a")])


def test_the_newest_come_first_unless_asked_otherwise() -> None:
    """The times go with the values."""
    assert values({}, stat("a")) == [("a", [3.0, 2.0, 1.0], "Complete")]
    assert values({"ScanBy": "TimestampDescending"}, stat("a")) == [("a", [3.0, 2.0, 1.0], "Complete")]
    assert values({"ScanBy": "TimestampAscending"}, stat("a")) == [("a", [1.0, 2.0, 3.0], "Complete")]
    [result] = answer([stat("a")], SERIES, {})["MetricDataResults"]
    assert result["Timestamps"] == [720.0, 660.0, 600.0]


def test_what_is_not_to_be_returned_is_not() -> None:
    """It is there for expressions."""
    assert values({}, stat("a", ReturnData=False), stat("b")) == [("b", [10.0], "Complete")]


def test_pages_have_no_more_datapoints_than_asked_for() -> None:
    """All metrics count together; a metric that is cut is partial, and the last page has no token."""
    queries = [stat("a"), stat("b")]
    assert values({"MaxDatapoints": 2}, *queries) == [("a", [3.0, 2.0], "PartialData"), ("b", [], "PartialData")]
    assert answer(queries, SERIES, {"MaxDatapoints": 2})["NextToken"] == "2"
    last = {"MaxDatapoints": 2, "NextToken": "2"}
    assert values(last, *queries) == [("a", [1.0], "Complete"), ("b", [10.0], "Complete")]
    assert "NextToken" not in answer(queries, SERIES, last)
    with pytest.raises(AwsError, match="NextToken x is not one"):
        answer(queries, SERIES, {"NextToken": "x"})


def test_answers_with_expressions_have_one_page() -> None:
    """AWS returns no token with metric math."""
    found = answer([stat("a"), expression("e", "a")], {**SERIES, "e": SERIES["a"]}, {"MaxDatapoints": 1})
    assert "NextToken" not in found
    assert [one["StatusCode"] for one in found["MetricDataResults"]] == ["Complete", "Complete"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a * 2", {600.0: 2.0, 660.0: 4.0, 720.0: 6.0}),
        ("a + b", {660.0: 12.0}),
        ("FILL(b, 0)", {540.0: 0.0, 600.0: 0.0, 660.0: 10.0, 720.0: 0.0}),
        ("f + 1", {660.0: 11.0}),
    ],
)
def test_expressions_are_computed_in_each_period(text: str, expected: dict[float, float]) -> None:
    """Where a value is missing there is none, unless it is filled, throughout what is asked for."""
    queries = [stat("a"), stat("b"), expression("e", text), expression("f", "b")]
    assert computed(queries, SERIES, 550.0, 780.0)["e"] == expected


def test_expressions_have_no_more_periods_than_an_answer() -> None:
    """Eighty years of minutes are no question."""
    with pytest.raises(AwsError, match="at most 100800 periods are supported, not 42"):
        computed([stat("a"), expression("e", "a")], SERIES, 0.0, 80 * 365.25 * 86_400)


@pytest.mark.parametrize(
    ("queries", "message"),
    [
        ([stat("a"), expression("e", "a +")], "metric math"),
        ([stat("a"), expression("e", "c * 2")], "names c, which there is not"),
        ([stat("a"), expression("e", "SEARCH(a)")], "SEARCH"),
        ([stat("a"), stat("b", period=300), expression("e", "a + b")], r"one period is supported, found \[60, 300\]"),
        ([expression("e", "1")], "one period is supported, found none"),
    ],
)
def test_expressions_that_cannot_be_computed_are_refused(queries: list[dict[str, Any]], message: str) -> None:
    """Nothing is answered in their place."""
    series = {query["Id"]: SERIES[query["Id"]] for query in queries if "MetricStat" in query}
    with pytest.raises(AwsError, match=message) as refusal:
        computed(queries, series, 600.0, 780.0)
    assert refusal.value.code == "ValidationError"
