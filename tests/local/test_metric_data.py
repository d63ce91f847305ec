"""CloudWatch's GetMetricData, by bare boto3."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from collections.abc import Callable

    from local_cloud.process import RunningLocalCloud

METRIC = {"Namespace": "Counted", "MetricName": "Orders", "Dimensions": [{"Name": "Branch", "Value": "north"}]}


@pytest.fixture(scope="module")
def get(cloud: RunningLocalCloud, client: Callable[[str], Any]) -> Callable[..., dict[str, Any]]:
    """Asks for the minutes in which 1, 2 and 3 were published, as a count."""
    cloudwatch, now = client("cloudwatch"), datetime.fromisoformat(cloud.health()["simulated_time"])
    start = now.replace(second=0, microsecond=0) - timedelta(minutes=30)
    for minute in range(3):
        datum = {name: METRIC[name] for name in ("MetricName", "Dimensions")} | {"Value": minute + 1.0, "Unit": "Count"}
        moment = start + timedelta(minutes=minute)
        cloudwatch.put_metric_data(Namespace="Counted", MetricData=[datum | {"Timestamp": moment}])

    def ask(*queries: dict[str, Any], **members: Any) -> dict[str, Any]:  # noqa: ANN401
        end = start + timedelta(minutes=3)
        answer: dict[str, Any] = cloudwatch.get_metric_data(
            MetricDataQueries=list(queries), StartTime=start, EndTime=end, **members
        )
        return answer

    return ask


def orders(statistic: str = "Sum", **members: Any) -> dict[str, Any]:  # noqa: ANN401
    """Return a query of the metric."""
    return {"Id": "orders", "MetricStat": {"Metric": METRIC, "Period": 60, "Stat": statistic, **members}}


def test_expressions_are_computed_beside_the_metrics_that_they_read(get: Callable[..., dict[str, Any]]) -> None:
    """Newest first."""
    answer = get(orders() | {"ReturnData": False}, {"Id": "twice", "Expression": "orders * 2"})
    [result] = answer["MetricDataResults"]
    assert (result["Id"], result["Values"], result["StatusCode"]) == ("twice", [6.0, 4.0, 2.0], "Complete")
    assert result["Timestamps"] == sorted(result["Timestamps"], reverse=True)


def test_answers_come_in_pages(get: Callable[..., dict[str, Any]]) -> None:
    """A page's token leads to the next."""
    first = get(orders(), MaxDatapoints=2, ScanBy="TimestampAscending")
    assert first["MetricDataResults"][0]["Values"] == [1.0, 2.0]
    second = get(orders(), MaxDatapoints=2, ScanBy="TimestampAscending", NextToken=first["NextToken"])
    assert second["MetricDataResults"][0]["Values"] == [3.0]
    assert "NextToken" not in second


@pytest.mark.parametrize(("unit", "values"), [("Count", [3.0, 2.0, 1.0]), ("Bytes", [])])
def test_only_samples_of_the_unit_are_found(get: Callable[..., dict[str, Any]], unit: str, values: list[float]) -> None:
    """A unit that nobody published finds nothing."""
    assert get(orders(Unit=unit))["MetricDataResults"][0]["Values"] == values


@pytest.mark.parametrize(("unit", "state"), [("Count", "ALARM"), ("Bytes", "INSUFFICIENT_DATA")])
@pytest.mark.usefixtures("get")
def test_an_alarm_watches_the_samples_of_its_unit(
    client: Callable[[str], Any], eventually: Callable[..., Any], unit: str, state: str
) -> None:
    """Of another unit it has no data, as on AWS; the alarm of the right one shows when both were evaluated."""
    cloudwatch = client("cloudwatch")
    for name, asked in (("asked", unit), ("right", "Count")):
        cloudwatch.put_metric_alarm(
            AlarmName=name,
            **METRIC,
            Statistic="Sum",
            Unit=asked,
            Period=3_600,
            EvaluationPeriods=1,
            Threshold=1.0,
            ComparisonOperator="GreaterThanOrEqualToThreshold",
        )

    def states() -> dict[str, str]:
        alarms = cloudwatch.describe_alarms(AlarmNames=["asked", "right"])["MetricAlarms"]
        return {alarm["AlarmName"]: alarm["StateValue"] for alarm in alarms}

    eventually(lambda: states()["right"] == "ALARM")
    assert states()["asked"] == state
    cloudwatch.delete_alarms(AlarmNames=["asked", "right"])


def test_an_alarm_of_a_template_has_its_unit(client: Callable[[str], Any], eventually: Callable[..., Any]) -> None:
    """As one that was put."""
    alarm = METRIC | {"Statistic": "Sum", "Unit": "Bytes", "Period": 60, "EvaluationPeriods": 1, "Threshold": 1}
    properties = alarm | {"AlarmName": "templated", "ComparisonOperator": "GreaterThanThreshold"}
    resources = {"Alarm": {"Type": "AWS::CloudWatch::Alarm", "Properties": properties}}
    client("cloudformation").create_stack(StackName="alarmed", TemplateBody=json.dumps({"Resources": resources}))
    describe = client("cloudwatch").describe_alarms
    [made] = eventually(lambda: describe(AlarmNames=["templated"])["MetricAlarms"])
    assert made["Unit"] == "Bytes"


def test_a_statistic_that_is_none_is_refused(get: Callable[..., dict[str, Any]]) -> None:
    """It is not quietly another one."""
    with pytest.raises(ClientError, match="Stat of orders must be Average"):
        get(orders("Bogus"))
