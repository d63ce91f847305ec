"""Alarms, policies and dashboard read metrics that are published, as they are published: others have no datapoints."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.infrastructure.published_metrics import PUBLISHED, metrics_read

if TYPE_CHECKING:
    from collections.abc import Callable

    from stacks.settings import StageSettings

ENDPOINT = "<Endpoint8024A810.EndpointName>"
OWNERS = {
    "EndpointName": {ENDPOINT},
    "VariantName": {"AllTraffic"},
    "QueueName": {
        "<NotificationsConsumerdefaultDeadLetters3856DFEB.QueueName>",
        "<PollingFailedInvocationsA82F9BBD.QueueName>",
    },
    "FunctionName": {"<PollingFunctionA1572602>"},
}


def _deviations(template: dict[str, Any]) -> list[str]:
    deviations = []
    for metric in metrics_read(template):
        published = PUBLISHED.get(metric.name)
        if published is None or metric.namespace != published.namespace:
            deviations.append(f"{metric.name} is published by nobody in {metric.namespace}")
        elif frozenset(name for name, _ in metric.dimensions) != published.dimensions:
            deviations.append(f"{metric.name} is read under {metric.dimensions}")
        elif metric.statistic not in published.statistics:
            deviations.append(f"{metric.name} has no {metric.statistic}")
        elif strangers := [value for name, value in metric.dimensions if value not in OWNERS[name]]:
            deviations.append(f"{metric.name} is read of {strangers}")
    return deviations


def test_every_metric_is_published_so(template: dict[str, Any]) -> None:
    """In every stage, of the stack's own endpoint, queues and function."""
    read = {metric.name for metric in metrics_read(template)}

    assert PUBLISHED.keys() - read == {"JobsInFlight"}
    assert _deviations(template) == []


def test_jobs_in_flight_are_published_so(
    synthesize: Callable[[StageSettings], dict[str, Any]], counting_stage: StageSettings
) -> None:
    """Clients publish them under the endpoint's name."""
    template = synthesize(counting_stage)

    assert "JobsInFlight" in {metric.name for metric in metrics_read(template)}
    assert _deviations(template) == []


@pytest.mark.parametrize(
    "metric",
    [
        {"Dimensions": []},
        {"Dimensions": [{"Name": "EndpointName", "Value": ENDPOINT}, {"Name": "VariantName", "Value": "AllTraffic"}]},
        {"Dimensions": [{"Name": "Endpoint", "Value": ENDPOINT}]},
        {"Dimensions": [{"Name": "EndpointName", "Value": "other"}]},
        {"Statistic": "p99"},
        {"MetricName": "Invocations"},
        {"MetricName": "OverheadLatency"},
        {"MetricName": "InvocationModelErrors"},
        {"Namespace": "/aws/sagemaker/Endpoints"},
    ],
)
def test_another_metric_is_seen(metric: dict[str, Any]) -> None:
    """The check can fail: one dimension more, less or other is a deviation, and so is a name that nobody publishes."""
    published = {
        "Namespace": "AWS/SageMaker",
        "MetricName": "ApproximateBacklogSizePerInstance",
        "Statistic": "Average",
        "Dimensions": [{"Name": "EndpointName", "Value": ENDPOINT}],
    }

    assert _deviations({"Resources": {"Alarm": {"Type": "AWS::CloudWatch::Alarm", "Properties": published}}}) == []
    assert (
        len(_deviations({"Resources": {"Alarm": {"Type": "AWS::CloudWatch::Alarm", "Properties": published | metric}}}))
        == 1
    )


def test_the_documentation_names_the_published_metrics_and_no_other() -> None:
    """Those that are not published are named as such."""
    monitoring = (Path(__file__).resolve().parents[2] / "docs/monitoring.md").read_text()
    _, often_named, published, *_ = re.split(r"^\| (?=often named|metric )", monitoring, flags=re.MULTILINE)
    absent = set(re.findall(r"^\| `(\w+)` \| no", often_named, re.MULTILINE))
    named = set(re.findall(r"`([A-Z]\w+)`(?=[^|\n]*\|[^|\n]*\|[^|\n]*\|$)", published, re.MULTILINE))
    of_endpoints = {name for name, one in PUBLISHED.items() if "EndpointName" in one.dimensions} - {"JobsInFlight"}

    assert absent >= {"Invocations", "InvocationModelErrors", "OverheadLatency"}
    assert not absent & PUBLISHED.keys()
    assert named == of_endpoints


def test_a_metric_of_the_dashboard_is_seen() -> None:
    """The check looks into the dashboard's text."""
    row = ["AWS/SageMaker", "OverheadLatency", "EndpointName", ENDPOINT, {"stat": "Sum"}]
    body = json.dumps({"widgets": [{"properties": {"metrics": [row]}}]})
    dashboard = {"Type": "AWS::CloudWatch::Dashboard", "Properties": {"DashboardBody": body}}

    assert len(_deviations({"Resources": {"Dashboard": dashboard}})) == 1
