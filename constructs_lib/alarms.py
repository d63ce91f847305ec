"""What somebody is told about: the alarms of one endpoint, and the topic that they are announced on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_sns as sns
from constructs import Construct

from constructs_lib.alarm_definitions import (
    AlarmDefinition,
    Severity,
    dead_letter_alarm,
    delivery_alarms,
    failed_function_invocations_alarm,
    function_alarms,
    idle_alarm,
    invocation_alarms,
    queue_alarms,
)
from constructs_lib.alarm_topic import AlarmTopic

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aws_cdk import aws_kms as kms
    from aws_cdk import aws_sqs as sqs

    from async_inference.configuration import Limits
    from constructs_lib.alarm_settings import AlarmSettings
    from constructs_lib.metrics import AsyncEndpointMetrics
    from constructs_lib.polling_function import PollingFunction
    from constructs_lib.scaling_settings import ScalingSettings


class EndpointAlarms(Construct):
    """The alarms of an endpoint, its consumers' queues and its polling function, and the topic that they go to.

    Missing data are not breaching: most of these metrics have datapoints only where something happens, an idle endpoint
    may publish none at all, and an alarm has to recover from that. Queues of what failed are the exception, consumers'
    and the function's: SQS stops publishing for a queue that nobody has used for hours, whatever is in it, so there
    silence changes nothing.

    Args:
        scope: The parent.
        construct_id: The name within it.
        metrics: Of the endpoint.
        queues: The consumers' queues by name, each with a dead-letter queue.
        polling: The polling function, with the queue of its failed asynchronous invocations.
        settings: Thresholds and topic.
        scaling: How the endpoint wakes and rests.
        limits: How long requests may wait and take.
        key: What the topic is encrypted with, which lets CloudWatch in; left out, the topic gets a key of its own.

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
        polling: PollingFunction,
        settings: AlarmSettings,
        scaling: ScalingSettings,
        limits: Limits,
        key: kms.IKey | None,
    ) -> None:
        super().__init__(scope, construct_id)
        self._settings = settings
        self.topic = self._topic(key)
        window_seconds = settings.window_seconds(limits.max_job_seconds)
        self._action = actions.SnsAction(self.topic)
        definitions = [
            *queue_alarms(metrics, settings, scaling, limits.request_ttl_seconds),
            *invocation_alarms(metrics, settings, window_seconds),
            *delivery_alarms(metrics, settings),
            *function_alarms(polling.function, settings, window_seconds),
            failed_function_invocations_alarm(polling.failed_invocations, settings),
            idle_alarm(metrics, scaling, settings.idle_seconds(scaling, limits.max_job_seconds)),
        ]
        alarms = [(one.severity, self._add(self, one)) for one in definitions]
        for consumer, queue in queues.items():
            one = dead_letter_alarm(queue, settings)
            alarms.append((one.severity, self._add(Construct(self, f"Consumer-{consumer}"), one)))
        self.alarms = [alarm for severity in Severity for of, alarm in alarms if of is severity]

    def _topic(self, key: kms.IKey | None) -> sns.ITopic:
        if (existing := self._settings.topic_arn) is not None:
            return sns.Topic.from_topic_arn(self, "ExistingTopic", existing)
        return AlarmTopic(self, "Announcements", key=key).topic

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
