"""Scaling from zero to the maximum and back: one policy wakes, one tracks the backlog."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from aws_cdk import assertions

from constructs_lib.endpoint_scaling import EndpointScaling, ScalingSettings

if TYPE_CHECKING:
    from aws_cdk import Stack


@pytest.fixture
def scaled(new_stack: Stack) -> assertions.Template:
    """Scaling with numbers other than the defaults."""
    EndpointScaling(
        new_stack,
        "Scaling",
        endpoint_name="ocr",
        variant_name="AllTraffic",
        settings=ScalingSettings(
            max_instances=7,
            backlog_per_instance=3,
            scale_out_cooldown_seconds=11,
            scale_in_cooldown_seconds=12,
            wake_cooldown_seconds=13,
        ),
    )
    return assertions.Template.from_stack(new_stack)


def test_target_scales_the_variant_from_zero(scaled: assertions.Template) -> None:
    """The target has no role of its own: Application Auto Scaling uses its service-linked one."""
    scaled.has_resource_properties(
        "AWS::ApplicationAutoScaling::ScalableTarget",
        {
            "MinCapacity": 0,
            "MaxCapacity": 7,
            "ResourceId": "endpoint/ocr/variant/AllTraffic",
            "RoleARN": assertions.Match.absent(),
            "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
            "ServiceNamespace": "sagemaker",
        },
    )


def test_backlog_is_tracked(scaled: assertions.Template) -> None:
    """Backlog per instance, under the endpoint's name alone."""
    scaled.has_resource_properties(
        "AWS::ApplicationAutoScaling::ScalingPolicy",
        {
            "PolicyType": "TargetTrackingScaling",
            "TargetTrackingScalingPolicyConfiguration": {
                "CustomizedMetricSpecification": {
                    "Dimensions": [{"Name": "EndpointName", "Value": "ocr"}],
                    "MetricName": "ApproximateBacklogSizePerInstance",
                    "Namespace": "AWS/SageMaker",
                    "Statistic": "Average",
                },
                "ScaleInCooldown": 12,
                "ScaleOutCooldown": 11,
                "TargetValue": 3,
            },
        },
    )


def test_a_backlog_without_capacity_wakes_the_endpoint(scaled: assertions.Template) -> None:
    """Two minutes of backlog at zero instances add one instance."""
    (policy,) = scaled.find_resources(
        "AWS::ApplicationAutoScaling::ScalingPolicy",
        {
            "Properties": {
                "PolicyType": "StepScaling",
                "StepScalingPolicyConfiguration": {
                    "AdjustmentType": "ChangeInCapacity",
                    "Cooldown": 13,
                    "MetricAggregationType": "Average",
                    "StepAdjustments": [{"MetricIntervalLowerBound": 0, "ScalingAdjustment": 1}],
                },
            }
        },
    )
    scaled.has_resource_properties(
        "AWS::CloudWatch::Alarm",
        {
            "AlarmActions": [{"Fn::GetAtt": [policy, "Arn"]}],
            "ComparisonOperator": "GreaterThanOrEqualToThreshold",
            "DatapointsToAlarm": 2,
            "Dimensions": [{"Name": "EndpointName", "Value": "ocr"}],
            "EvaluationPeriods": 2,
            "MetricName": "HasBacklogWithoutCapacity",
            "Namespace": "AWS/SageMaker",
            "Period": 60,
            "Statistic": "Average",
            "Threshold": 1,
            "TreatMissingData": "missing",
        },
    )


def test_defaults_are_those_of_the_documented_recipe() -> None:
    """5 per instance, 2 minutes to grow, 10 minutes to shrink."""
    defaults = ScalingSettings()

    assert (
        defaults.backlog_per_instance,
        defaults.scale_out_cooldown_seconds,
        defaults.scale_in_cooldown_seconds,
        defaults.wake_cooldown_seconds,
    ) == (5, 120, 600, 300)
