"""What somebody is told about: the alarms of one endpoint, declared as data, each with its section of the runbook."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_sns as sns
from constructs import Construct

from constructs_lib.alarm_settings import (
    FAILURES_FOR_A_SHARE,
    LOSS_PERIOD_SECONDS,
    SECONDS_PER_DAY,
    SECONDS_PER_HOUR,
    AlarmSettings,
)
from constructs_lib.alarm_topic import AlarmTopic
from constructs_lib.metrics import MINUTE_SECONDS, AsyncEndpointMetrics, Count, or_zero

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from aws_cdk import aws_lambda as lambda_
    from aws_cdk import aws_sqs as sqs

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


class EndpointAlarms(Construct):
    """The alarms of an endpoint, its consumers' queues and its polling function, and the topic that they go to.

    Missing data are not breaching: most of these metrics have datapoints only where something happens, an idle endpoint
    may publish none at all, and an alarm has to recover from that. Dead-letter queues are the exception: SQS stops
    publishing for a queue that nobody has used for hours, whatever is in it, so there silence changes nothing.

    Args:
        scope: The parent.
        construct_id: The name within it.
        metrics: Of the endpoint.
        queues: The consumers' queues by name, each with a dead-letter queue.
        function: The polling function.
        settings: Thresholds and topic.
        scaling: How the endpoint wakes and rests.
        max_job_seconds: The longest that the model may work on a request.
        request_ttl_seconds: The longest that a request may wait in the queue.

    Attributes:
        topic: Where alarms are announced, and that they are over.
        alarms: All of them, the most urgent first.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        metrics: AsyncEndpointMetrics,
        queues: Mapping[str, sqs.Queue],
        function: lambda_.Function,
        settings: AlarmSettings,
        scaling: ScalingSettings,
        max_job_seconds: int,
        request_ttl_seconds: int,
    ) -> None:
        super().__init__(scope, construct_id)
        self._settings = settings
        self.topic = self._topic()
        self._action = actions.SnsAction(self.topic)
        definitions = [
            *_queue_alarms(metrics, settings, scaling, request_ttl_seconds),
            *_invocation_alarms(metrics, settings, settings.window_seconds(max_job_seconds)),
            *_delivery_alarms(metrics, settings),
            *_function_alarms(function, settings, settings.window_seconds(max_job_seconds)),
            _idle_alarm(metrics, scaling, settings.idle_seconds(scaling, max_job_seconds)),
        ]
        alarms = [(one.severity, self._add(self, one)) for one in definitions]
        for consumer, queue in queues.items():
            one = _dead_letter_alarm(queue, settings)
            alarms.append((one.severity, self._add(Construct(self, f"Consumer-{consumer}"), one)))
        self.alarms = [alarm for severity in Severity for of, alarm in alarms if of is severity]

    def _topic(self) -> sns.ITopic:
        if (existing := self._settings.topic_arn) is not None:
            return sns.Topic.from_topic_arn(self, "ExistingTopic", existing)
        return AlarmTopic(self, "Announcements").topic

    def _add(self, scope: Construct, one: AlarmDefinition) -> cloudwatch.Alarm:
        alarm = cloudwatch.Alarm(
            scope,
            one.name,
            alarm_description=f"[{one.severity}] {one.meaning} Runbook: {self._settings.runbook_url}#{one.section}",
            metric=one.metric,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
            threshold=one.threshold,
            evaluation_periods=one.periods,
            datapoints_to_alarm=one.periods,
            treat_missing_data=one.missing,
        )
        alarm.add_alarm_action(self._action)
        alarm.add_ok_action(self._action)
        return alarm


def _queue_alarms(
    metrics: AsyncEndpointMetrics, settings: AlarmSettings, scaling: ScalingSettings, request_ttl_seconds: int
) -> Iterator[AlarmDefinition]:
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


def _invocation_alarms(
    metrics: AsyncEndpointMetrics, settings: AlarmSettings, window_seconds: int
) -> Iterator[AlarmDefinition]:
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


def _delivery_alarms(metrics: AsyncEndpointMetrics, settings: AlarmSettings) -> Iterator[AlarmDefinition]:
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


def _function_alarms(
    function: lambda_.Function, settings: AlarmSettings, window_seconds: int
) -> Iterator[AlarmDefinition]:
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


def _idle_alarm(metrics: AsyncEndpointMetrics, scaling: ScalingSettings, idle_seconds: int) -> AlarmDefinition:
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


def _dead_letter_alarm(queue: sqs.Queue, settings: AlarmSettings) -> AlarmDefinition:
    dead_letters = queue.dead_letter_queue
    if dead_letters is None:
        raise ValueError(f"{queue.node.path} has no dead-letter queue, every consumer's queue needs one")
    return AlarmDefinition(
        name="DeadLetters",
        severity=Severity.WARNING,
        meaning="Notices lie in a consumer's dead-letter queue: it took them several times and never finished one.",
        metric=dead_letters.queue.metric_approximate_number_of_messages_visible(
            period=Duration.seconds(MINUTE_SECONDS), statistic=cloudwatch.Stats.MAXIMUM
        ),
        threshold=settings.dead_letters,
        missing=cloudwatch.TreatMissingData.IGNORE,
    )
