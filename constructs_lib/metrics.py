"""The metrics of an asynchronous endpoint that its scaling reads, with the dimensions that SageMaker publishes.

Queue metrics have the dimension ``EndpointName`` alone. With one more or less an alarm never gets a datapoint, stays in
INSUFFICIENT_DATA and nothing says so.
Source: "Monitor asynchronous endpoint" in the SageMaker developer guide.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch

NAMESPACE: Final = "AWS/SageMaker"


@dataclass(frozen=True, slots=True)
class AsyncEndpointMetrics:
    """The queue metrics of one endpoint.

    Attributes:
        endpoint_name: The endpoint's name; may be a token.
    """

    endpoint_name: str

    def backlog_size_per_instance(self) -> cloudwatch.Metric:
        """Requests waiting or being worked on, divided by the number of instances."""
        return self._queue_metric("ApproximateBacklogSizePerInstance")

    def has_backlog_without_capacity(self) -> cloudwatch.Metric:
        """1 while requests wait and there is no instance, otherwise 0."""
        return self._queue_metric("HasBacklogWithoutCapacity")

    def _queue_metric(self, name: str) -> cloudwatch.Metric:
        return cloudwatch.Metric(
            namespace=NAMESPACE,
            metric_name=name,
            dimensions_map={"EndpointName": self.endpoint_name},
            statistic=cloudwatch.Stats.AVERAGE,
            period=Duration.minutes(1),
        )
