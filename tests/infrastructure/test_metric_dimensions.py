"""Scaling reads metrics under exactly the published dimensions: with others it never gets a datapoint."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

PUBLISHED = {
    "ApproximateBacklogSize": {"EndpointName"},
    "ApproximateBacklogSizePerInstance": {"EndpointName"},
    "ApproximateAgeOfOldestRequest": {"EndpointName"},
    "HasBacklogWithoutCapacity": {"EndpointName"},
    "RequestDownloadFailures": {"EndpointName", "VariantName"},
    "ResponseUploadFailures": {"EndpointName", "VariantName"},
    "NotificationFailures": {"EndpointName", "VariantName"},
    "ExpiredRequests": {"EndpointName", "VariantName"},
    "InvocationFailures": {"EndpointName", "VariantName"},
    "InvocationsProcessed": {"EndpointName", "VariantName"},
    "RequestDownloadLatency": {"EndpointName", "VariantName"},
    "ResponseUploadLatency": {"EndpointName", "VariantName"},
    "TimeInBacklog": {"EndpointName", "VariantName"},
    "TotalProcessingTime": {"EndpointName", "VariantName"},
    "Invocation4XXErrors": {"EndpointName", "VariantName"},
    "Invocation5XXErrors": {"EndpointName", "VariantName"},
    "ModelLatency": {"EndpointName", "VariantName"},
    "CPUUtilization": {"EndpointName", "VariantName"},
}
"""Every metric of an asynchronous endpoint: "Monitor asynchronous endpoint", SageMaker developer guide; and the one of
its instances that scaling reads: "Metrics for monitoring Amazon SageMaker with Amazon CloudWatch", the same."""

NAMESPACES = {"AWS/SageMaker", "/aws/sagemaker/Endpoints"}


def _metrics(value: Any) -> Iterator[dict[str, Any]]:  # noqa: ANN401 - any part of a template
    """Find everything that names a metric of SageMaker, however deep it lies."""
    if isinstance(value, dict):
        if value.get("Namespace") in NAMESPACES and "MetricName" in value:
            yield value
        for member in value.values():
            yield from _metrics(member)
    elif isinstance(value, list):
        for member in value:
            yield from _metrics(member)


def _deviations(template: dict[str, Any]) -> list[str]:
    endpoint_name = {"Fn::GetAtt": ["Endpoint8024A810", "EndpointName"]}
    deviations = []
    for metric in _metrics(template):
        name = metric["MetricName"]
        dimensions = {dimension["Name"]: dimension["Value"] for dimension in metric.get("Dimensions", [])}
        if set(dimensions) != PUBLISHED.get(name):
            deviations.append(f"{name} is read under {sorted(dimensions)}")
        elif dimensions["EndpointName"] != endpoint_name:
            deviations.append(f"{name} is read of {dimensions['EndpointName']}")
    return deviations


def test_dimensions_are_the_published_ones(template: dict[str, Any]) -> None:
    """Alarms and policies of every stage read metrics that exist, of the stack's own endpoint."""
    assert {
        "HasBacklogWithoutCapacity",
        "ApproximateBacklogSizePerInstance",
        "ApproximateBacklogSize",
        "CPUUtilization",
    } == {metric["MetricName"] for metric in _metrics(template)}
    assert _deviations(template) == []


@pytest.mark.parametrize(
    "dimensions",
    [
        [],
        [{"Name": "EndpointName", "Value": "x"}, {"Name": "VariantName", "Value": "y"}],
        [{"Name": "Endpoint", "Value": "x"}],
    ],
)
def test_another_dimension_is_seen(dimensions: list[dict[str, str]]) -> None:
    """The check can fail: one dimension more, less or other is a deviation."""
    metric = {"Namespace": "AWS/SageMaker", "MetricName": "ApproximateBacklogSizePerInstance", "Dimensions": dimensions}

    assert len(_deviations({"Resources": {"Policy": metric}})) == 1
