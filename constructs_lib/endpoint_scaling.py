"""Scaling between zero and a maximum: wake, grow, rest, and where it is asked for, shrink."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aws_cdk import aws_applicationautoscaling as autoscaling
from constructs import Construct

from async_inference.configuration import CLIENT_NAMESPACE
from constructs_lib import scaling_policies as policies
from constructs_lib.grants import allow
from constructs_lib.metrics import AsyncEndpointMetrics
from constructs_lib.scaling_settings import SAMPLE_SECONDS, WAKE_PERIODS

if TYPE_CHECKING:
    from aws_cdk import aws_iam as iam

    from constructs_lib.scaling_settings import ScalingSettings, WarmHours

_SERVICE_NAMESPACE: Final = "sagemaker"
_SCALABLE_DIMENSION: Final = "sagemaker:variant:DesiredInstanceCount"


class EndpointScaling(Construct):
    """A scalable target with the policies that move it, on the queue's own metrics.

    * **Wake** adds an instance when requests wait and there is none. Target tracking alone would leave them waiting
      until more than its target have gathered.
    * **Grow** follows the backlog per instance. Its scale-in is disabled: it would remove instances while they work.
    * **Rest** removes all instances, down to the minimum, once there has been no work for as long as a job may take.
    * **Shrink**, an option, lets single instances go before that.

    docs/scaling.md says how they work together, what is disputed about the metrics, and what each setting costs.
    Source: "Autoscale an asynchronous endpoint" in the SageMaker developer guide, from which rest and the disabled
    scale-in differ.

    Args:
        scope: The parent.
        construct_id: The name within it.
        endpoint_name: The endpoint's generated name.
        variant_name: The endpoint's one production variant.
        settings: How it scales.
        max_job_seconds: The longest that the model may work on a request.
        max_concurrent_invocations_per_instance: Requests that an instance works on at a time.
        enabled: ``False`` leaves the number of instances as it is, for as long as an instance type is being changed.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        endpoint_name: str,
        variant_name: str,
        settings: ScalingSettings,
        max_job_seconds: int,
        max_concurrent_invocations_per_instance: int = 1,
        enabled: bool = True,
    ) -> None:
        super().__init__(scope, construct_id)
        self._metrics = AsyncEndpointMetrics(endpoint_name, variant_name)
        self._settings = settings
        self._max_job_seconds = max_job_seconds
        if enabled:
            self._scale(f"endpoint/{endpoint_name}/variant/{variant_name}", max_concurrent_invocations_per_instance)

    def _scale(self, resource_id: str, concurrency: int) -> None:
        settings = self._settings
        self._target = autoscaling.CfnScalableTarget(
            self,
            "Target",
            service_namespace=_SERVICE_NAMESPACE,
            resource_id=resource_id,
            scalable_dimension=_SCALABLE_DIMENSION,
            min_capacity=settings.min_instances,
            max_capacity=settings.max_instances,
            scheduled_actions=[
                action
                for number, hours in enumerate(settings.warm_hours, start=1)
                for action in self._scheduled(hours, number)
            ]
            or None,
        )
        self._wake()
        self._grow()
        self._rest()
        if settings.shrink:
            self._shrink(concurrency)

    def grant_count_jobs(self, grantee: iam.IGrantable) -> None:
        """Allow ``grantee`` to publish how many jobs it waits for, if the endpoint counts jobs in flight."""
        if self._settings.count_jobs_in_flight:
            allow(
                grantee,
                ["cloudwatch:PutMetricData"],
                "*",
                conditions={"StringEquals": {"cloudwatch:namespace": CLIENT_NAMESPACE}},
                wildcard="cloudwatch:PutMetricData takes no resource; the namespace is the condition.",
            )

    def _wake(self) -> None:
        policy = policies.step_policy(
            self,
            "Wake",
            self._target,
            adjustment_type="ChangeInCapacity",
            adjustment=1,
            upward=True,
            cooldown_seconds=self._settings.cooldown_seconds,
        )
        alarm = policies.wake_alarm(self, "WakeAlarm", self._metrics, periods=WAKE_PERIODS)
        alarm.add_alarm_action(policies.ScalingAction(policy))

    def _grow(self) -> None:
        policies.tracking_policy(
            self,
            "TrackBacklog",
            self._target,
            metric=self._metrics.backlog_size_per_instance(),
            target_value=self._settings.backlog_per_instance,
            cooldown_seconds=self._settings.cooldown_seconds,
        )

    def _rest(self) -> None:
        policy = policies.step_policy(
            self, "Rest", self._target, adjustment_type="ExactCapacity", adjustment=0, upward=False, cooldown_seconds=0
        )
        alarm = policies.rest_alarm(
            self,
            "RestAlarm",
            self._metrics,
            periods=self._settings.rest_periods(self._max_job_seconds),
            count_jobs_in_flight=self._settings.count_jobs_in_flight,
        )
        alarm.add_alarm_action(policies.ScalingAction(policy))

    def _shrink(self, concurrency: int) -> None:
        periods = self._settings.shrink_periods(self._max_job_seconds)
        policy = policies.step_policy(
            self,
            "Shrink",
            self._target,
            adjustment_type="ChangeInCapacity",
            adjustment=-1,
            upward=True,
            cooldown_seconds=periods * SAMPLE_SECONDS,
        )
        alarm = policies.shrink_alarm(self, "ShrinkAlarm", self._metrics, periods=periods, concurrency=concurrency)
        alarm.add_alarm_action(policies.ScalingAction(policy))

    def _scheduled(self, hours: WarmHours, number: int) -> list[autoscaling.CfnScalableTarget.ScheduledActionProperty]:
        starts = (("Start", hours.start, hours.instances), ("End", hours.end, self._settings.min_instances))
        return [
            autoscaling.CfnScalableTarget.ScheduledActionProperty(
                scheduled_action_name=f"WarmHours{number}{edge}",
                schedule=hours.cron(time),
                timezone=hours.timezone,
                scalable_target_action=autoscaling.CfnScalableTarget.ScalableTargetActionProperty(
                    min_capacity=instances, max_capacity=self._settings.max_instances
                ),
            )
            for edge, time, instances in starts
        ]
