"""The scaling policies of an endpoint with the alarms that invoke them, each in a function of its own.

Source of their limits: "Step scaling policies" and "Target tracking scaling policies" in the Application Auto Scaling
user guide. First-level constructs, because the second-level ones make a role that Application Auto Scaling does not use
for SageMaker, and cannot say how missing data are treated.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import jsii
from aws_cdk import aws_applicationautoscaling as autoscaling
from aws_cdk import aws_cloudwatch as cloudwatch

if TYPE_CHECKING:
    from constructs import Construct

    from constructs_lib.metrics import AsyncEndpointMetrics


def step_policy(
    scope: Construct,
    name: str,
    target: autoscaling.CfnScalableTarget,
    *,
    adjustment_type: str,
    adjustment: int,
    upward: bool,
    cooldown_seconds: int,
) -> autoscaling.CfnScalingPolicy:
    """Return a policy of one step, for an alarm that larger (``upward``) or smaller values set off."""
    bound = {"metric_interval_lower_bound": 0} if upward else {"metric_interval_upper_bound": 0}
    return autoscaling.CfnScalingPolicy(
        scope,
        name,
        policy_name=name,
        policy_type="StepScaling",
        scaling_target_id=target.ref,
        step_scaling_policy_configuration=autoscaling.CfnScalingPolicy.StepScalingPolicyConfigurationProperty(
            adjustment_type=adjustment_type,
            metric_aggregation_type="Average" if upward else "Maximum",
            cooldown=cooldown_seconds,
            step_adjustments=[
                autoscaling.CfnScalingPolicy.StepAdjustmentProperty(scaling_adjustment=adjustment, **bound)
            ],
        ),
    )


def tracking_policy(
    scope: Construct,
    name: str,
    target: autoscaling.CfnScalableTarget,
    *,
    metric: cloudwatch.Metric,
    target_value: int,
    cooldown_seconds: int,
) -> autoscaling.CfnScalingPolicy:
    """Return a policy that grows with ``metric`` and never scales in: AWS's own scale-in asks no running job."""
    return autoscaling.CfnScalingPolicy(
        scope,
        name,
        policy_name=name,
        policy_type="TargetTrackingScaling",
        scaling_target_id=target.ref,
        target_tracking_scaling_policy_configuration=(
            autoscaling.CfnScalingPolicy.TargetTrackingScalingPolicyConfigurationProperty(
                target_value=target_value,
                disable_scale_in=True,
                scale_out_cooldown=cooldown_seconds,
                customized_metric_specification=autoscaling.CfnScalingPolicy.CustomizedMetricSpecificationProperty(
                    namespace=metric.namespace,
                    metric_name=metric.metric_name,
                    statistic=metric.statistic,
                    dimensions=[
                        autoscaling.CfnScalingPolicy.MetricDimensionProperty(name=name, value=value)
                        for name, value in (metric.dimensions or {}).items()
                    ],
                ),
            )
        ),
    )


def wake_alarm(scope: Construct, name: str, metrics: AsyncEndpointMetrics, *, periods: int) -> cloudwatch.Alarm:
    """Return the alarm that requests wait and there is no instance. Missing data wake nothing."""
    return metrics.has_backlog_without_capacity().create_alarm(
        scope,
        name,
        alarm_description="Requests wait and the endpoint has no instance: wakes it.",
        comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
        threshold=1,
        evaluation_periods=periods,
        datapoints_to_alarm=periods,
        treat_missing_data=cloudwatch.TreatMissingData.MISSING,
    )


def rest_alarm(
    scope: Construct, name: str, metrics: AsyncEndpointMetrics, *, periods: int, count_jobs_in_flight: bool
) -> cloudwatch.Alarm:
    """Return the alarm that there is no work. Missing data count as work: an outage of metrics removes nothing."""
    return metrics.work(in_flight=count_jobs_in_flight).create_alarm(
        scope,
        name,
        alarm_description="The endpoint has had no work for longer than any job may take: lets it rest.",
        comparison_operator=cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD,
        threshold=1,
        evaluation_periods=periods,
        datapoints_to_alarm=periods,
        treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
    )


def shrink_alarm(
    scope: Construct, name: str, metrics: AsyncEndpointMetrics, *, periods: int, concurrency: int
) -> cloudwatch.Alarm:
    """Return the alarm that the endpoint has work, and an instance more than it needs for that."""
    return metrics.spare_instances(concurrency).create_alarm(
        scope,
        name,
        alarm_description="The endpoint has more instances than work: lets one go, whatever it is doing.",
        comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
        threshold=1,
        evaluation_periods=periods,
        datapoints_to_alarm=periods,
        treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
    )


@jsii.implements(cloudwatch.IAlarmAction)
class ScalingAction:
    """Has an alarm apply a first-level scaling policy; the library's own action takes a second-level one."""

    def __init__(self, policy: autoscaling.CfnScalingPolicy) -> None:
        self._policy = policy

    def bind(self, _scope: Construct, _alarm: cloudwatch.IAlarm) -> cloudwatch.AlarmActionConfig:
        """Return the ARN that the alarm calls."""
        return cloudwatch.AlarmActionConfig(alarm_action_arn=self._policy.attr_arn)
