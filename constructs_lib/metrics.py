"""What an asynchronous endpoint publishes: each metric, and what is computed of several, in one place.

What is measured is kept apart from what somebody is told about (:mod:`constructs_lib.alarms`) and from what somebody
looks at (:mod:`constructs_lib.dashboard`). Queue metrics have the dimension ``EndpointName`` alone, the others
``VariantName`` too. With one more or less an alarm never gets a datapoint, stays in INSUFFICIENT_DATA and nothing says
so.
Sources: "Monitor asynchronous endpoint" and "Metrics for monitoring Amazon SageMaker with Amazon CloudWatch" in the
SageMaker developer guide.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch

from async_inference.configuration import CLIENT_NAMESPACE, JOBS_IN_FLIGHT

NAMESPACE: Final = "AWS/SageMaker"
HOST_NAMESPACE: Final = "/aws/sagemaker/Endpoints"
MINUTE_SECONDS: Final = 60
_PERIOD: Final = Duration.seconds(MINUTE_SECONDS)


class Count(StrEnum):
    """What an endpoint counts. There is a datapoint only where something happened."""

    PROCESSED = "InvocationsProcessed"
    """Spelled with two s; the developer guide's third one is a misprint."""
    FAILED = "InvocationFailures"
    EXPIRED = "ExpiredRequests"
    DOWNLOAD_FAILURES = "RequestDownloadFailures"
    UPLOAD_FAILURES = "ResponseUploadFailures"
    NOTIFICATION_FAILURES = "NotificationFailures"
    CLIENT_ERRORS = "Invocation4XXErrors"
    SERVER_ERRORS = "Invocation5XXErrors"


class Time(StrEnum):
    """What an endpoint measures of each request."""

    IN_BACKLOG = "TimeInBacklog"
    DOWNLOAD = "RequestDownloadLatency"
    MODEL = "ModelLatency"
    UPLOAD = "ResponseUploadLatency"
    TOTAL = "TotalProcessingTime"


_UNITS_PER_SECOND: Final = {
    Time.IN_BACKLOG: 1_000,
    Time.DOWNLOAD: 1_000_000,
    Time.MODEL: 1_000_000,
    Time.UPLOAD: 1_000_000,
    Time.TOTAL: 1_000,
}


@dataclass(frozen=True, slots=True)
class AsyncEndpointMetrics:
    """The metrics of one endpoint. Periods are a minute where none is asked for.

    Attributes:
        endpoint_name: The endpoint's name; may be a token.
        variant_name: Of its production variant.
    """

    endpoint_name: str
    variant_name: str

    def backlog_size(self) -> cloudwatch.Metric:
        """Requests waiting or being worked on."""
        return self._backlog_size(_PERIOD)

    def backlog_size_per_instance(self) -> cloudwatch.Metric:
        """Requests waiting or being worked on, divided by the number of instances."""
        return self._queue_metric("ApproximateBacklogSizePerInstance", cloudwatch.Stats.AVERAGE)

    def has_backlog_without_capacity(self) -> cloudwatch.Metric:
        """1 while requests wait and there is no instance, otherwise 0."""
        return self._queue_metric("HasBacklogWithoutCapacity", cloudwatch.Stats.AVERAGE)

    def age_of_oldest_request(self) -> cloudwatch.Metric:
        """Seconds that the oldest request has been in the queue."""
        return self._queue_metric("ApproximateAgeOfOldestRequest", cloudwatch.Stats.MAXIMUM)

    def count(self, what: Count, *, seconds: int) -> cloudwatch.Metric:
        """How often something happened in periods of so many seconds."""
        return self._variant_metric(NAMESPACE, what, cloudwatch.Stats.SUM, Duration.seconds(seconds))

    def failed_percent(self, *, at_least: int, seconds: int) -> cloudwatch.MathExpression:
        """Failed invocations in a hundred that were processed, 0 where fewer than ``at_least`` failed.

        Whether ``InvocationsProcessed`` counts failures is not documented. If it does not, the larger of the two is
        still never less than half of all, so the share is overstated, at most twofold, and never understated.
        """
        return cloudwatch.MathExpression(
            expression=f"IF(FILL(failed, 0) >= {at_least}, 100 * FILL(failed, 0) / MAX([failed, processed]), 0)",
            using_metrics={
                "failed": self.count(Count.FAILED, seconds=seconds),
                "processed": self.count(Count.PROCESSED, seconds=seconds),
            },
            period=Duration.seconds(seconds),
            label="Failed, percent",
        )

    def time(self, what: Time, statistic: str) -> cloudwatch.MathExpression:
        """What was measured of requests, in seconds whatever its unit is."""
        name = f"{what}_{statistic}".lower()  # of its own, so that one graph can show several
        return cloudwatch.MathExpression(
            expression=f"{name} / {_UNITS_PER_SECOND[what]}",
            using_metrics={name: self._variant_metric(NAMESPACE, what, statistic, _PERIOD)},
            period=_PERIOD,
            label=f"{what}, {statistic.lower()}",
        )

    def work(self, *, in_flight: bool) -> cloudwatch.MathExpression:
        """Requests waiting or being worked on; 0 where nothing says so, but instances report that they are there.

        Whether an idle endpoint publishes zeros or nothing, and whether anything before its first request, is not
        documented. Its instances publish how busy they are in any case, so silence of the queue alone means that
        there is no work, and silence of both that metrics do not arrive. ``MAX`` of several series leaves missing
        datapoints out.

        Args:
            in_flight: Take into account what clients publish.
        """
        return cloudwatch.MathExpression(
            expression=_work(in_flight=in_flight),
            using_metrics=self._work_metrics(_PERIOD, in_flight=in_flight),
            period=_PERIOD,
            label="Work",
        )

    def idle_instances(self, *, min_instances: int, in_flight: bool, seconds: int) -> cloudwatch.MathExpression:
        """Instances more than the minimum in periods without any work; 0 with work, missing without an instance.

        Args:
            min_instances: So many are there by intention.
            in_flight: Take into account what clients publish.
            seconds: The period; an instance reports once a minute.
        """
        reports = seconds // MINUTE_SECONDS
        return cloudwatch.MathExpression(
            expression=f"IF({_work(in_flight=in_flight)} > 0, 0, instances / {reports} - {min_instances})",
            using_metrics=self._work_metrics(Duration.seconds(seconds), in_flight=in_flight),
            period=Duration.seconds(seconds),
            label="Idle instances",
        )

    def spare_instances(self, concurrency: int) -> cloudwatch.MathExpression:
        """How many instances more than its work needs an endpoint has; 0 if one at most, or no work for long.

        ``MAX`` of one series is the largest of all the datapoints that the alarm looks at: without any work among
        them it is not for this metric to say that the endpoint should rest.

        Args:
            concurrency: Requests that an instance works on at a time.
        """
        needed = f"CEIL({_work(in_flight=False)} / {concurrency})"
        return cloudwatch.MathExpression(
            expression=f"IF(MAX(backlog) > 0 AND instances > 1, instances - {needed}, 0)",
            using_metrics=self._work_metrics(_PERIOD, in_flight=False),
            period=_PERIOD,
            label="Spare instances",
        )

    def instance_minutes(self, *, seconds: int = MINUTE_SECONDS) -> cloudwatch.Metric:
        """How often an instance reported its utilization, which each does once a minute.

        In a minute that is the number of instances in service.
        """
        statistic = cloudwatch.Stats.SAMPLE_COUNT
        return self._variant_metric(HOST_NAMESPACE, "CPUUtilization", statistic, Duration.seconds(seconds))

    def _work_metrics(self, period: Duration, *, in_flight: bool) -> dict[str, cloudwatch.IMetric]:
        seconds = int(period.to_seconds())
        series = {"backlog": self._backlog_size(period), "instances": self.instance_minutes(seconds=seconds)}
        return {**series, "in_flight": self._jobs_in_flight(period)} if in_flight else {**series}

    def _backlog_size(self, period: Duration) -> cloudwatch.Metric:
        return self._queue_metric("ApproximateBacklogSize", cloudwatch.Stats.MAXIMUM, period)

    def _queue_metric(self, name: str, statistic: str, period: Duration = _PERIOD) -> cloudwatch.Metric:
        return cloudwatch.Metric(
            namespace=NAMESPACE,
            metric_name=name,
            dimensions_map={"EndpointName": self.endpoint_name},
            statistic=statistic,
            period=period,
        )

    def _variant_metric(self, namespace: str, name: str, statistic: str, period: Duration) -> cloudwatch.Metric:
        return cloudwatch.Metric(
            namespace=namespace,
            metric_name=name,
            dimensions_map={"EndpointName": self.endpoint_name, "VariantName": self.variant_name},
            statistic=statistic,
            period=period,
        )

    def _jobs_in_flight(self, period: Duration) -> cloudwatch.Metric:
        """Return how many jobs the client waits for that waits for most."""
        return cloudwatch.Metric(
            namespace=CLIENT_NAMESPACE,
            metric_name=JOBS_IN_FLIGHT,
            dimensions_map={"EndpointName": self.endpoint_name},
            statistic=cloudwatch.Stats.MAXIMUM,
            period=period,
        )


def or_zero(metric: cloudwatch.Metric) -> cloudwatch.MathExpression:
    """Return ``metric`` with 0 for its missing datapoints.

    The zeros let an alarm with a long period recover after one such period: where datapoints are missing, CloudWatch
    looks for older ones.
    """
    return cloudwatch.MathExpression(
        expression="FILL(counted, 0)", using_metrics={"counted": metric}, period=metric.period, label=metric.metric_name
    )


def _work(*, in_flight: bool) -> str:
    listed = ", ".join(["backlog", *(["in_flight"] if in_flight else []), "0 * instances"])
    return f"MAX([{listed}])"
