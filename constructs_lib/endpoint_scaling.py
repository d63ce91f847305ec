"""Scaling between zero and a maximum: one policy wakes the endpoint, one follows its backlog."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import jsii
from aws_cdk import aws_applicationautoscaling as autoscaling
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from async_inference.limits import Bounds
from constructs_lib.checks import COUNT, require_within
from constructs_lib.metrics import AsyncEndpointMetrics

_SERVICE_NAMESPACE: Final = "sagemaker"
_SCALABLE_DIMENSION: Final = "sagemaker:variant:DesiredInstanceCount"
_COOLDOWN_SECONDS: Final = Bounds(0, 86_400)  # AWS names no maximum; after a day nobody remembers why nothing scales


@dataclass(frozen=True, kw_only=True, slots=True)
class ScalingSettings:
    """How the number of instances follows the queue; the minimum is always zero.

    Attributes:
        max_instances: The most instances at a time, at least 1.
        backlog_per_instance: Requests, waiting or running, that one instance should have; at least 1.
        scale_out_cooldown_seconds: How long after growing the endpoint waits before it grows again.
        scale_in_cooldown_seconds: How long after shrinking it waits before it shrinks again.
        wake_cooldown_seconds: How long after waking it waits before it adds another instance for want of capacity. A
            cold start that takes longer buys more instances than one.
    """

    max_instances: int = 1
    backlog_per_instance: int = 5
    scale_out_cooldown_seconds: int = 120
    scale_in_cooldown_seconds: int = 600
    wake_cooldown_seconds: int = 300

    def __post_init__(self) -> None:
        require_within(self, "max_instances", COUNT, "instances")
        require_within(self, "backlog_per_instance", COUNT, "requests")
        for name in ("scale_out_cooldown_seconds", "scale_in_cooldown_seconds", "wake_cooldown_seconds"):
            require_within(self, name, _COOLDOWN_SECONDS, "seconds")


class EndpointScaling(Construct):
    """A scalable target from zero to a maximum, a wake policy with its alarm, and a policy that tracks the backlog.

    Both policies are needed: target tracking alone leaves a request at zero instances in the queue until more than the
    target have gathered, and the wake policy alone never returns to zero. The target is a first-level construct because
    the second-level one makes a role that Application Auto Scaling does not use for SageMaker.
    Source: "Autoscale an asynchronous endpoint" in the SageMaker developer guide.

    Args:
        scope: The parent.
        construct_id: The name within it.
        endpoint_name: The endpoint's generated name.
        variant_name: The endpoint's one production variant.
        settings: Bounds, target and cooldowns.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, endpoint_name: str, variant_name: str, settings: ScalingSettings
    ) -> None:
        super().__init__(scope, construct_id)
        self._metrics = AsyncEndpointMetrics(endpoint_name)
        self.target = autoscaling.CfnScalableTarget(
            self,
            "Target",
            service_namespace=_SERVICE_NAMESPACE,
            resource_id=f"endpoint/{endpoint_name}/variant/{variant_name}",
            scalable_dimension=_SCALABLE_DIMENSION,
            min_capacity=0,
            max_capacity=settings.max_instances,
        )
        self._track_backlog(settings)
        self._wake(settings)

    def _track_backlog(self, settings: ScalingSettings) -> None:
        metric = self._metrics.backlog_size_per_instance()
        autoscaling.CfnScalingPolicy(
            self,
            "TrackBacklog",
            policy_name="TrackBacklog",
            policy_type="TargetTrackingScaling",
            scaling_target_id=self.target.ref,
            target_tracking_scaling_policy_configuration=(
                autoscaling.CfnScalingPolicy.TargetTrackingScalingPolicyConfigurationProperty(
                    target_value=settings.backlog_per_instance,
                    scale_in_cooldown=settings.scale_in_cooldown_seconds,
                    scale_out_cooldown=settings.scale_out_cooldown_seconds,
                    customized_metric_specification=(
                        autoscaling.CfnScalingPolicy.CustomizedMetricSpecificationProperty(
                            namespace=metric.namespace,
                            metric_name=metric.metric_name,
                            statistic=metric.statistic,
                            dimensions=[
                                autoscaling.CfnScalingPolicy.MetricDimensionProperty(name=name, value=value)
                                for name, value in (metric.dimensions or {}).items()
                            ],
                        )
                    ),
                )
            ),
        )

    def _wake(self, settings: ScalingSettings) -> None:
        policy = autoscaling.CfnScalingPolicy(
            self,
            "Wake",
            policy_name="Wake",
            policy_type="StepScaling",
            scaling_target_id=self.target.ref,
            step_scaling_policy_configuration=autoscaling.CfnScalingPolicy.StepScalingPolicyConfigurationProperty(
                adjustment_type="ChangeInCapacity",
                metric_aggregation_type="Average",
                cooldown=settings.wake_cooldown_seconds,
                step_adjustments=[
                    autoscaling.CfnScalingPolicy.StepAdjustmentProperty(
                        metric_interval_lower_bound=0, scaling_adjustment=1
                    )
                ],
            ),
        )
        alarm = self._metrics.has_backlog_without_capacity().create_alarm(
            self,
            "WakeAlarm",
            alarm_description="Requests wait and the endpoint has no instance: wakes it.",
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
            threshold=1,
            evaluation_periods=2,
            datapoints_to_alarm=2,
            treat_missing_data=cloudwatch.TreatMissingData.MISSING,
        )
        alarm.add_alarm_action(_ScalingAction(policy))


@jsii.implements(cloudwatch.IAlarmAction)
class _ScalingAction:
    """Has an alarm apply a first-level scaling policy; the library's own action takes a second-level one."""

    def __init__(self, policy: autoscaling.CfnScalingPolicy) -> None:
        self._policy = policy

    def bind(self, _scope: Construct, _alarm: cloudwatch.IAlarm) -> cloudwatch.AlarmActionConfig:
        """Return the ARN that the alarm calls."""
        return cloudwatch.AlarmActionConfig(alarm_action_arn=self._policy.attr_arn)
