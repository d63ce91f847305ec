"""The metrics of an asynchronous endpoint that its scaling reads, with the dimensions that SageMaker publishes.

Queue metrics have the dimension ``EndpointName`` alone. With one more or less an alarm never gets a datapoint, stays in
INSUFFICIENT_DATA and nothing says so.
Sources: "Monitor asynchronous endpoint" and "Metrics for monitoring Amazon SageMaker with Amazon CloudWatch" in the
SageMaker developer guide.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch

from async_inference.configuration import CLIENT_NAMESPACE, JOBS_IN_FLIGHT

NAMESPACE: Final = "AWS/SageMaker"
HOST_NAMESPACE: Final = "/aws/sagemaker/Endpoints"
_PERIOD: Final = Duration.minutes(1)


@dataclass(frozen=True, slots=True)
class AsyncEndpointMetrics:
    """The metrics of one endpoint.

    Attributes:
        endpoint_name: The endpoint's name; may be a token.
        variant_name: Of its production variant.
    """

    endpoint_name: str
    variant_name: str

    def backlog_size_per_instance(self) -> cloudwatch.Metric:
        """Requests waiting or being worked on, divided by the number of instances."""
        return self._queue_metric("ApproximateBacklogSizePerInstance", cloudwatch.Stats.AVERAGE)

    def has_backlog_without_capacity(self) -> cloudwatch.Metric:
        """1 while requests wait and there is no instance, otherwise 0."""
        return self._queue_metric("HasBacklogWithoutCapacity", cloudwatch.Stats.AVERAGE)

    def work(self, *, in_flight: bool) -> cloudwatch.MathExpression:
        """Requests waiting or being worked on; 0 where nothing says so, but instances report that they are there.

        Whether an idle endpoint publishes zeros or nothing, and whether anything before its first request, is not
        documented. Its instances publish how busy they are in any case, so silence of the queue alone means that
        there is no work, and silence of both that metrics do not arrive. ``MAX`` of several series leaves missing
        datapoints out.

        Args:
            in_flight: Take into account what clients publish.
        """
        series = {"backlog": self._backlog_size(), "instances": self._instances()}
        clients = {"in_flight": self._jobs_in_flight()} if in_flight else {}
        listed = ", ".join(["backlog", *clients, "0 * instances"])
        return cloudwatch.MathExpression(
            expression=f"MAX([{listed}])", using_metrics={**series, **clients}, period=_PERIOD, label="Work"
        )

    def spare_instances(self, concurrency: int) -> cloudwatch.MathExpression:
        """How many instances more than its work needs an endpoint has; 0 if one at most, or no work for long.

        ``MAX`` of one series is the largest of all the datapoints that the alarm looks at: without any work among
        them it is not for this metric to say that the endpoint should rest.

        Args:
            concurrency: Requests that an instance works on at a time.
        """
        needed = f"CEIL(MAX([backlog, 0 * instances]) / {concurrency})"
        return cloudwatch.MathExpression(
            expression=f"IF(MAX(backlog) > 0 AND instances > 1, instances - {needed}, 0)",
            using_metrics={"backlog": self._backlog_size(), "instances": self._instances()},
            period=_PERIOD,
            label="Spare instances",
        )

    def _backlog_size(self) -> cloudwatch.Metric:
        return self._queue_metric("ApproximateBacklogSize", cloudwatch.Stats.MAXIMUM)

    def _queue_metric(self, name: str, statistic: str) -> cloudwatch.Metric:
        return cloudwatch.Metric(
            namespace=NAMESPACE,
            metric_name=name,
            dimensions_map={"EndpointName": self.endpoint_name},
            statistic=statistic,
            period=_PERIOD,
        )

    def _instances(self) -> cloudwatch.Metric:
        """Return how many instances reported their utilization in the minute."""
        return cloudwatch.Metric(
            namespace=HOST_NAMESPACE,
            metric_name="CPUUtilization",
            dimensions_map={"EndpointName": self.endpoint_name, "VariantName": self.variant_name},
            statistic=cloudwatch.Stats.SAMPLE_COUNT,
            period=_PERIOD,
        )

    def _jobs_in_flight(self) -> cloudwatch.Metric:
        """Return how many jobs the client waits for that waits for most."""
        return cloudwatch.Metric(
            namespace=CLIENT_NAMESPACE,
            metric_name=JOBS_IN_FLIGHT,
            dimensions_map={"EndpointName": self.endpoint_name},
            statistic=cloudwatch.Stats.MAXIMUM,
            period=_PERIOD,
        )
