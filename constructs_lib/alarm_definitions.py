"""The alarms of an endpoint as data: what each watches, how urgent it is, and what it means to who is woken by it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch

from constructs_lib.alarm_settings import FAILURES_FOR_A_SHARE, LOSS_PERIOD_SECONDS, SECONDS_PER_DAY, SECONDS_PER_HOUR
from constructs_lib.metrics import MINUTE_SECONDS, AsyncEndpointMetrics, Count, or_zero

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_cdk import aws_lambda as lambda_
    from aws_cdk import aws_sqs as sqs

    from constructs_lib.alarm_settings import AlarmSettings
    from constructs_lib.scaling_settings import ScalingSettings


class Severity(StrEnum):
    """How soon somebody has to look."""

    CRITICAL = "critical"
    """Now: requests or results are being lost, or nothing works."""
    WARNING = "warning"
    """Within the working day."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AlarmDefinition:
    """One alarm. It rings where each of the last periods' datapoints is the threshold or more.

    Attributes:
        name: Its construct id; in lower case with dashes it is the name of its section in the runbook.
        severity: How soon somebody has to look.
        meaning: One sentence for who is woken by it.
        metric: What it watches.
        threshold: In the metric's unit.
        periods: How many of the metric's periods.
        missing: What periods without a datapoint count as.
    """

    name: str
    severity: Severity
    meaning: str
    metric: cloudwatch.IMetric
    threshold: float
    periods: int = 1
    missing: cloudwatch.TreatMissingData = cloudwatch.TreatMissingData.NOT_BREACHING

    @property
    def section(self) -> str:
        """The anchor of the alarm's section in the runbook."""
        return re.sub(r"(?<=[a-z])(?=[A-Z])", "-", self.name).lower()


def queue_alarms(
    metrics: AsyncEndpointMetrics, settings: AlarmSettings, scaling: ScalingSettings, request_ttl_seconds: int
) -> Iterator[AlarmDefinition]:
    """Yield the alarms on what waits."""
    yield AlarmDefinition(
        name="BacklogWithoutCapacity",
        severity=Severity.CRITICAL,
        meaning="Requests wait, and no instance has come into service in the time that a wake may take.",
        metric=metrics.has_backlog_without_capacity(),
        threshold=1,
        periods=settings.backlog_seconds(scaling, request_ttl_seconds) // MINUTE_SECONDS,
    )
    yield AlarmDefinition(
        name="ExpiredRequests",
        severity=Severity.CRITICAL,
        meaning="Requests waited longer than they may live and were dropped: nobody has worked on them.",
        metric=metrics.count(Count.EXPIRED, seconds=LOSS_PERIOD_SECONDS),
        threshold=settings.expired_requests,
    )
    yield AlarmDefinition(
        name="OldestRequest",
        severity=Severity.WARNING,
        meaning="The oldest request has spent much of the time that it may wait: the endpoint does not keep up.",
        metric=metrics.age_of_oldest_request(),
        threshold=settings.oldest_request_seconds(scaling, request_ttl_seconds),
    )


def invocation_alarms(
    metrics: AsyncEndpointMetrics, settings: AlarmSettings, window_seconds: int
) -> Iterator[AlarmDefinition]:
    """Yield the alarms on failures among what was worked on, counted in windows of so many seconds."""
    yield AlarmDefinition(
        name="FailedInvocationsShare",
        severity=Severity.CRITICAL,
        meaning="A large share of all requests fails: the model, or something that it needs, is broken.",
        metric=metrics.failed_percent(at_least=FAILURES_FOR_A_SHARE, seconds=window_seconds),
        threshold=settings.failed_invocations_percent,
    )
    yield AlarmDefinition(
        name="FailedInvocations",
        severity=Severity.WARNING,
        meaning="Several requests failed: their inputs may be bad, or the model meets something new.",
        metric=or_zero(metrics.count(Count.FAILED, seconds=window_seconds)),
        threshold=settings.failed_invocations,
    )


def delivery_alarms(metrics: AsyncEndpointMetrics, settings: AlarmSettings) -> Iterator[AlarmDefinition]:
    """Yield the alarms on what goes into the model and comes out of it."""
    yield AlarmDefinition(
        name="UploadFailures",
        severity=Severity.CRITICAL,
        meaning="Results could not be stored in the bucket: the work on them is lost.",
        metric=metrics.count(Count.UPLOAD_FAILURES, seconds=LOSS_PERIOD_SECONDS),
        threshold=settings.upload_failures,
    )
    yield AlarmDefinition(
        name="DownloadFailures",
        severity=Severity.WARNING,
        meaning="Inputs could not be read: they are not there, or the endpoint's role may not read them.",
        metric=metrics.count(Count.DOWNLOAD_FAILURES, seconds=LOSS_PERIOD_SECONDS),
        threshold=settings.download_failures,
    )
    yield AlarmDefinition(
        name="NotificationFailures",
        severity=Severity.WARNING,
        meaning="Notices of ended requests could not be published: consumers hear nothing, the results are there.",
        metric=metrics.count(Count.NOTIFICATION_FAILURES, seconds=LOSS_PERIOD_SECONDS),
        threshold=settings.notification_failures,
    )


def function_alarms(
    function: lambda_.Function, settings: AlarmSettings, window_seconds: int
) -> Iterator[AlarmDefinition]:
    """Yield the alarms on the polling function; errors are counted in windows of so many seconds."""
    yield AlarmDefinition(
        name="FunctionErrors",
        severity=Severity.WARNING,
        meaning="The polling function ended with errors: bad events, failed jobs, or the function itself.",
        metric=or_zero(function.metric_errors(period=Duration.seconds(window_seconds))),
        threshold=settings.function_errors,
    )
    yield AlarmDefinition(
        name="FunctionThrottles",
        severity=Severity.WARNING,
        meaning="Lambda refused to run the polling function: too many run at a time.",
        metric=function.metric_throttles(period=Duration.seconds(LOSS_PERIOD_SECONDS)),
        threshold=settings.function_throttles,
    )


def idle_alarm(metrics: AsyncEndpointMetrics, scaling: ScalingSettings, idle_seconds: int) -> AlarmDefinition:
    """Return the alarm on instances that should be gone, hourly where it has to look back longer than a day."""
    period = MINUTE_SECONDS if idle_seconds <= SECONDS_PER_DAY else SECONDS_PER_HOUR
    return AlarmDefinition(
        name="IdleInstances",
        severity=Severity.WARNING,
        meaning="Instances are in service and paid for, although there has been no work for longer than a rest takes.",
        metric=metrics.idle_instances(
            min_instances=scaling.min_instances, in_flight=scaling.count_jobs_in_flight, seconds=period
        ),
        threshold=0.5,
        periods=-(-idle_seconds // period),
    )


def dead_letter_alarm(queue: sqs.Queue, settings: AlarmSettings) -> AlarmDefinition:
    """Return the alarm on the dead-letter queue of a consumer's queue."""
    dead_letters = queue.dead_letter_queue
    if dead_letters is None:
        raise ValueError(f"{queue.node.path} has no dead-letter queue, every consumer's queue needs one")
    return AlarmDefinition(
        name="DeadLetters",
        severity=Severity.WARNING,
        meaning="Notices lie in a consumer's dead-letter queue: it gave up on them, or they could not be delivered.",
        metric=_messages(dead_letters.queue),
        threshold=settings.dead_letters,
        missing=cloudwatch.TreatMissingData.IGNORE,
    )


def failed_function_invocations_alarm(queue: sqs.Queue, settings: AlarmSettings) -> AlarmDefinition:
    """Return the alarm on the queue of the polling function's failed asynchronous invocations."""
    return AlarmDefinition(
        name="FailedFunctionInvocations",
        severity=Severity.WARNING,
        meaning="Asynchronous invocations of the polling function failed: their events wait in its queue for somebody.",
        metric=_messages(queue),
        threshold=settings.failed_function_invocations,
        missing=cloudwatch.TreatMissingData.IGNORE,
    )


def _messages(queue: sqs.IQueue) -> cloudwatch.Metric:
    return queue.metric_approximate_number_of_messages_visible(
        period=Duration.seconds(MINUTE_SECONDS), statistic=cloudwatch.Stats.MAXIMUM
    )
