"""Templates of an endpoint's scaling, small enough to read."""

from __future__ import annotations

from typing import Any

import pytest

from scaling_simulator.template import Deployment, deployment

ENDPOINT_NAME = {"Fn::GetAtt": ["Endpoint", "EndpointName"]}
DIMENSIONS = [{"Name": "EndpointName", "Value": ENDPOINT_NAME}]


def resource(kind: str, **properties: Any) -> dict[str, Any]:  # noqa: ANN401 - of any kind
    """Return a resource of a template."""
    return {"Type": kind, "Properties": properties}


def documented_pair() -> dict[str, Any]:
    """Return AWS's documented recipe: target tracking on the backlog, and a policy that wakes."""
    target = {"ScalingTargetId": {"Ref": "Target"}}
    tracking = {
        "TargetValue": 5,
        "CustomizedMetricSpecification": {
            "Namespace": "AWS/SageMaker",
            "MetricName": "ApproximateBacklogSizePerInstance",
            "Dimensions": DIMENSIONS,
            "Statistic": "Average",
        },
    }
    wake = {
        "AdjustmentType": "ChangeInCapacity",
        "Cooldown": 300,
        "StepAdjustments": [{"MetricIntervalLowerBound": 0, "ScalingAdjustment": 1}],
    }
    variant = {"VariantName": "AllTraffic", "InitialInstanceCount": 1, "InstanceType": "ml.m5.large"}
    return {
        "Resources": {
            "Config": resource(
                "AWS::SageMaker::EndpointConfig",
                ProductionVariants=[variant],
                AsyncInferenceConfig={"ClientConfig": {"MaxConcurrentInvocationsPerInstance": 2}},
            ),
            "Endpoint": resource(
                "AWS::SageMaker::Endpoint", EndpointConfigName={"Fn::GetAtt": "Config.EndpointConfigName"}
            ),
            "Target": resource(
                "AWS::ApplicationAutoScaling::ScalableTarget",
                ServiceNamespace="sagemaker",
                ScalableDimension="sagemaker:variant:DesiredInstanceCount",
                ResourceId={"Fn::Sub": "endpoint/${Endpoint.EndpointName}/variant/AllTraffic"},
                MinCapacity=0,
                MaxCapacity=3,
            ),
            "Grow": resource(
                "AWS::ApplicationAutoScaling::ScalingPolicy",
                PolicyName="Grow",
                PolicyType="TargetTrackingScaling",
                TargetTrackingScalingPolicyConfiguration=tracking,
                **target,
            ),
            "Wake": resource(
                "AWS::ApplicationAutoScaling::ScalingPolicy",
                PolicyName="Wake",
                PolicyType="StepScaling",
                StepScalingPolicyConfiguration=wake,
                **target,
            ),
            "WakeAlarm": resource(
                "AWS::CloudWatch::Alarm",
                Namespace="AWS/SageMaker",
                MetricName="HasBacklogWithoutCapacity",
                Dimensions=DIMENSIONS,
                Statistic="Average",
                Period=60,
                EvaluationPeriods=2,
                Threshold=1,
                ComparisonOperator="GreaterThanOrEqualToThreshold",
                AlarmActions=[{"Ref": "Wake"}],
            ),
        }
    }


@pytest.fixture
def template() -> dict[str, Any]:
    """AWS's documented recipe; a copy of one's own to change."""
    return documented_pair()


@pytest.fixture
def pair(template: dict[str, Any]) -> Deployment:
    """What AWS's documented recipe declares."""
    return deployment(template)
