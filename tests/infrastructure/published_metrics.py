"""Every metric that the app may read: what is not in this table is published by nobody.

Sources: "Monitor asynchronous endpoint" in the SageMaker developer guide, which calls its list exhaustive (and spells
``InvocationsProcessed`` with one s too many), and there for instances "Metrics for monitoring Amazon SageMaker with
Amazon CloudWatch"; "Available CloudWatch metrics for Amazon SQS" in the SQS developer guide; "Types of metrics for
Lambda functions" in the Lambda developer guide; for ``JobsInFlight`` docs/scaling.md.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from scaling_simulator.intrinsics import Resolver

if TYPE_CHECKING:
    from collections.abc import Iterator

QUEUE = frozenset({"EndpointName"})
VARIANT = frozenset({"EndpointName", "VariantName"})
GAUGE = frozenset({"Average", "Maximum", "Minimum"})
SUM = frozenset({"Sum"})
ERRORS = frozenset({"Average", "Sum"})
LATENCY = frozenset({"Average", "Sum", "Minimum", "Maximum", "SampleCount"})


@dataclass(frozen=True)
class Published:
    """How a metric is published: its namespace, its dimensions, and the statistics that make sense of it."""

    namespace: str
    dimensions: frozenset[str]
    statistics: frozenset[str]


PUBLISHED = {
    "ApproximateBacklogSize": Published("AWS/SageMaker", QUEUE, GAUGE),
    "ApproximateBacklogSizePerInstance": Published("AWS/SageMaker", QUEUE, GAUGE),
    "ApproximateAgeOfOldestRequest": Published("AWS/SageMaker", QUEUE, GAUGE),
    "HasBacklogWithoutCapacity": Published("AWS/SageMaker", QUEUE, frozenset({"Average"})),
    "RequestDownloadFailures": Published("AWS/SageMaker", VARIANT, SUM),
    "ResponseUploadFailures": Published("AWS/SageMaker", VARIANT, SUM),
    "NotificationFailures": Published("AWS/SageMaker", VARIANT, SUM),
    "ExpiredRequests": Published("AWS/SageMaker", VARIANT, SUM),
    "InvocationFailures": Published("AWS/SageMaker", VARIANT, SUM),
    "InvocationsProcessed": Published("AWS/SageMaker", VARIANT, SUM),
    "RequestDownloadLatency": Published("AWS/SageMaker", VARIANT, LATENCY),
    "ResponseUploadLatency": Published("AWS/SageMaker", VARIANT, LATENCY),
    "TimeInBacklog": Published("AWS/SageMaker", VARIANT, LATENCY),
    "TotalProcessingTime": Published("AWS/SageMaker", VARIANT, LATENCY),
    "Invocation4XXErrors": Published("AWS/SageMaker", VARIANT, ERRORS),
    "Invocation5XXErrors": Published("AWS/SageMaker", VARIANT, ERRORS),
    "ModelLatency": Published("AWS/SageMaker", VARIANT, LATENCY),
    "CPUUtilization": Published("/aws/sagemaker/Endpoints", VARIANT, LATENCY),
    "JobsInFlight": Published("AsyncInference", QUEUE, GAUGE),
    "ApproximateNumberOfMessagesVisible": Published("AWS/SQS", frozenset({"QueueName"}), GAUGE),
    "Errors": Published("AWS/Lambda", frozenset({"FunctionName"}), SUM),
    "Throttles": Published("AWS/Lambda", frozenset({"FunctionName"}), SUM),
}


@dataclass(frozen=True)
class Read:
    """A metric as a template reads it."""

    namespace: str
    name: str
    dimensions: tuple[tuple[str, str], ...]
    statistic: str


def metrics_read(template: dict[str, Any]) -> list[Read]:
    """Return what alarms, policies and dashboards of a template read; references are in angle brackets."""
    resolver = Resolver(template)
    read: list[Read] = []
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::CloudWatch::Dashboard":
            read += _widgets(json.loads(resolver.resolve(resource["Properties"]["DashboardBody"]))["widgets"])
        elif resource["Type"] in ("AWS::CloudWatch::Alarm", "AWS::ApplicationAutoScaling::ScalingPolicy"):
            read += _documents(resolver.resolve(resource["Properties"]))
    return read


def _documents(value: Any, statistic: str = "") -> Iterator[Read]:  # noqa: ANN401 - any part of an alarm or policy
    """Find everything that names a metric, however deep it lies."""
    if isinstance(value, dict):
        statistic = value.get("Stat") or value.get("Statistic") or statistic
        if "Namespace" in value and "MetricName" in value:
            dimensions = ((one["Name"], one["Value"]) for one in value.get("Dimensions", []))
            yield Read(value["Namespace"], value["MetricName"], tuple(dimensions), statistic)
        for member in value.values():
            yield from _documents(member, statistic)
    elif isinstance(value, list):
        for member in value:
            yield from _documents(member, statistic)


def _widgets(widgets: list[Any]) -> Iterator[Read]:
    """Find the metrics of a dashboard: lists of namespace, name, dimensions and, last, options; or an expression."""
    for widget in widgets:
        for row in widget["properties"].get("metrics", []):
            *words, options = row if isinstance(row[-1], dict) else [*row, {}]
            if "expression" not in options:
                namespace, name, *dimensions = words
                pairs = tuple(zip(dimensions[::2], dimensions[1::2], strict=True))
                yield Read(namespace, name, pairs, options.get("stat", "Average"))
