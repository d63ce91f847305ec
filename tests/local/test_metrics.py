"""Metrics as clients of CloudWatch read them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import cbor2
import pytest
import urllib3

from local_cloud.process import ACCOUNT, REGION

if TYPE_CHECKING:
    from collections.abc import Callable

    from local_cloud.process import RunningLocalCloud

NORTH = [{"Name": "Branch", "Value": "north"}]


@pytest.fixture(scope="module")
def start(cloud: RunningLocalCloud, client: Callable[[str], Any]) -> datetime:
    """A full minute at which samples of the shop begin: three of the north in two minutes, one of no branch."""
    now = datetime.fromisoformat(cloud.health()["simulated_time"])
    first = now.replace(second=0, microsecond=0) - timedelta(minutes=30)
    north = {"MetricName": "Orders", "Dimensions": NORTH, "Unit": "Count"}
    data = [
        north | {"Timestamp": first + timedelta(seconds=5), "Values": [1.0, 3.0], "Counts": [2.0, 1.0]},
        north | {"Timestamp": first + timedelta(seconds=25), "Value": 7.0},
        north
        | {
            "Timestamp": first + timedelta(minutes=1),
            "StatisticValues": {"SampleCount": 4.0, "Sum": 8.0, "Minimum": 2.0, "Maximum": 2.0},
        },
        {"MetricName": "Orders", "Timestamp": first, "Value": 100.0},
    ]
    client("cloudwatch").put_metric_data(Namespace="Shop", MetricData=data)
    return first


def values(
    client: Callable[[str], Any],
    start: datetime,
    statistic: str,
    *,
    period: int = 60,
    dimensions: Any = NORTH,  # noqa: ANN401
) -> list[float]:
    """Return what GetMetricData has of a statistic, oldest first."""
    metric = {"Namespace": "Shop", "MetricName": "Orders", "Dimensions": dimensions}
    query = {"Id": "orders", "MetricStat": {"Metric": metric, "Period": period, "Stat": statistic}}
    [result] = client("cloudwatch").get_metric_data(
        MetricDataQueries=[query], StartTime=start, EndTime=start + timedelta(minutes=5)
    )["MetricDataResults"]
    assert result["StatusCode"] == "Complete"
    return [value for _, value in sorted(zip(result["Timestamps"], result["Values"], strict=True))]


@pytest.mark.parametrize(
    ("statistic", "expected"),
    [
        ("SampleCount", [4.0, 4.0]),
        ("Sum", [12.0, 8.0]),
        ("Average", [3.0, 2.0]),
        ("Minimum", [1.0, 2.0]),
        ("Maximum", [7.0, 2.0]),
        ("p50", [2.0, 2.0]),
        ("p100", [7.0, 2.0]),
    ],
)
def test_a_statistic_is_that_of_each_minutes_samples(
    client: Callable[[str], Any], start: datetime, statistic: str, expected: list[float]
) -> None:
    """However they were published: one by one, with counts, or as a statistic set."""
    assert values(client, start, statistic) == expected


def test_shorter_and_longer_periods_are_read_as_well(client: Callable[[str], Any], start: datetime) -> None:
    """Samples keep their times."""
    assert values(client, start, "Sum", period=10) == [5.0, 7.0, 8.0]
    assert sum(values(client, start, "Sum", period=300)) == 20.0


def test_a_metric_without_dimensions_is_one_of_its_own(client: Callable[[str], Any], start: datetime) -> None:
    """It does not stand for all that have some."""
    assert values(client, start, "Sum", dimensions=[]) == [100.0]
    found = client("cloudwatch").get_metric_statistics(
        Namespace="Shop",
        MetricName="Orders",
        StartTime=start,
        EndTime=start + timedelta(minutes=5),
        Period=60,
        Statistics=["Sum", "SampleCount"],
    )["Datapoints"]
    assert [(point["Timestamp"], point["Sum"], point["SampleCount"], point["Unit"]) for point in found] == [
        (start, 100.0, 1.0, "None")
    ]


def test_newer_clients_speak_cbor(cloud: RunningLocalCloud, client: Callable[[str], Any]) -> None:
    """Those in Go, Java and JavaScript do; boto3 does not."""
    scope = f"{ACCOUNT}/20260101/{REGION}/monitoring/aws4_request"
    headers = {
        "smithy-protocol": "rpc-v2-cbor",
        "content-type": "application/cbor",
        "authorization": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=none",
    }

    def call(operation: str, members: dict[str, Any]) -> dict[str, Any]:
        url = f"{cloud.endpoint_url}/service/GraniteServiceVersion20100801/operation/{operation}"
        response = urllib3.request("POST", url, body=cbor2.dumps(members), headers=headers)
        answer: dict[str, Any] = cbor2.loads(response.data)
        assert response.status == 200, answer
        return answer

    call("PutMetricData", {"Namespace": "Binary", "MetricData": [{"MetricName": "Orders", "Value": 3.0}]})
    [metric] = client("cloudwatch").list_metrics(Namespace="Binary")["Metrics"]
    assert metric["MetricName"] == "Orders"
    client("cloudwatch").put_metric_alarm(
        AlarmName="binary",
        Namespace="Binary",
        MetricName="Orders",
        Statistic="Maximum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=5.0,
        ComparisonOperator="GreaterThanThreshold",
        TreatMissingData="ignore",
    )
    call("SetAlarmState", {"AlarmName": "binary", "StateValue": "ALARM", "StateReason": "drill"})
    [alarm] = call("DescribeAlarms", {"AlarmNames": ["binary"]})["MetricAlarms"]
    assert isinstance(alarm["StateTransitionedTimestamp"], datetime)
    assert alarm["StateReason"] == "drill"


@pytest.mark.usefixtures("start")
def test_metrics_are_listed_with_their_dimensions(client: Callable[[str], Any]) -> None:
    """Each set of dimensions is a metric."""
    metrics = client("cloudwatch").list_metrics(Namespace="Shop", MetricName="Orders")["Metrics"]
    assert sorted(metric["Dimensions"] for metric in metrics) == [[], NORTH]
