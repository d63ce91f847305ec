"""Reads alarms, scaling policies and scalable targets from what AWS's APIs and CloudFormation call them.

The members of ``PutMetricAlarm``, ``PutScalingPolicy`` and ``RegisterScalableTarget`` have the names of the properties
of ``AWS::CloudWatch::Alarm`` and of ``ScalingPolicy`` and ``ScalableTarget`` of ``AWS::ApplicationAutoScaling``, so one
reader serves both; numbers and booleans may be strings, as CloudFormation passes them on. A member that the engine
could only ignore at the price of deciding otherwise than AWS is refused. Members that decide nothing (descriptions,
tags, action ARNs, identifiers) are left to the caller, and so is ``ActionsEnabled``: the caller evaluates an alarm
whose actions are disabled, but does not pass it on.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from scaling_engine.alarms import Alarm, ComparisonOperator, TreatMissingData
from scaling_engine.member_reader import MemberReader, Members
from scaling_engine.metric_documents import (
    METRIC_MEMBERS,
    alarm_metric_math,
    metric,
    predefined_metric,
    tracked_metric_math,
)
from scaling_engine.policies import (
    DEFAULT_COOLDOWN_SECONDS,
    MetricAggregationType,
    StepScalingPolicy,
    TargetTrackingPolicy,
)
from scaling_engine.scalable_target import ScalableTarget
from scaling_engine.steps import AdjustmentType, StepAdjustment

if TYPE_CHECKING:
    from scaling_engine.metrics import Metric, MetricMath

_ALARM_MEMBERS: Final = frozenset(
    {
        "AlarmName",
        "MetricName",
        "Namespace",
        "Dimensions",
        "Statistic",
        "ComparisonOperator",
        "Threshold",
        "Period",
        "EvaluationPeriods",
        "DatapointsToAlarm",
        "TreatMissingData",
        "Metrics",
        "AlarmDescription",
        "ActionsEnabled",
        "AlarmActions",
        "OKActions",
        "InsufficientDataActions",
        "Tags",
    }
)
_POLICY_MEMBERS: Final = frozenset(
    {
        "PolicyName",
        "PolicyType",
        "ServiceNamespace",
        "ResourceId",
        "ScalableDimension",
        "ScalingTargetId",
        "StepScalingPolicyConfiguration",
        "TargetTrackingScalingPolicyConfiguration",
    }
)
_TARGET_MEMBERS: Final = frozenset(
    {"MinCapacity", "MaxCapacity", "ServiceNamespace", "ResourceId", "ScalableDimension", "RoleARN", "Tags"}
)
_STEP_POLICY_MEMBERS: Final = frozenset(
    {"AdjustmentType", "StepAdjustments", "Cooldown", "MetricAggregationType", "MinAdjustmentMagnitude"}
)
_PREDEFINED_MEMBERS: Final = frozenset({"PredefinedMetricType", "ResourceLabel"})
_STEP_MEMBERS: Final = frozenset({"MetricIntervalLowerBound", "MetricIntervalUpperBound", "ScalingAdjustment"})
_TARGET_TRACKING_MEMBERS: Final = frozenset(
    {
        "TargetValue",
        "CustomizedMetricSpecification",
        "PredefinedMetricSpecification",
        "ScaleOutCooldown",
        "ScaleInCooldown",
        "DisableScaleIn",
    }
)


def alarm_from_api(members: Members) -> Alarm:
    """Return the alarm that ``PutMetricAlarm`` or ``AWS::CloudWatch::Alarm`` describes.

    ``AlarmName`` has to be there: CloudFormation generates it before.

    Raises:
        ScalingConfigurationError: a member is missing, malformed, or not supported (percentiles, anomaly detection,
            units, evaluation windows).
    """
    reader = MemberReader(members, "alarm", _ALARM_MEMBERS, name_member="AlarmName")
    periods = reader.integer("EvaluationPeriods")
    watched, period = alarm_metric_math(reader) if reader.has("Metrics") else (metric(reader), reader.integer("Period"))
    return Alarm(
        name=reader.text("AlarmName"),
        metric=watched,
        comparison=reader.choice("ComparisonOperator", ComparisonOperator),
        threshold=reader.number("Threshold"),
        period_seconds=period,
        evaluation_periods=periods,
        datapoints_to_alarm=reader.integer("DatapointsToAlarm", periods),
        treat_missing_data=reader.choice("TreatMissingData", TreatMissingData, TreatMissingData.MISSING),
    )


def scaling_policy_from_api(members: Members) -> StepScalingPolicy | TargetTrackingPolicy:
    """Return the policy that ``PutScalingPolicy`` or ``AWS::ApplicationAutoScaling::ScalingPolicy`` describes.

    Raises:
        ScalingConfigurationError: a member is missing, malformed, or not supported (predictive scaling).
    """
    reader = MemberReader(members, "scaling policy", _POLICY_MEMBERS, name_member="PolicyName")
    name, policy_type = reader.text("PolicyName"), reader.text("PolicyType")
    if policy_type == "StepScaling":
        return _step_scaling(name, reader.nested("StepScalingPolicyConfiguration", _STEP_POLICY_MEMBERS))
    if policy_type == "TargetTrackingScaling":
        configuration = reader.nested("TargetTrackingScalingPolicyConfiguration", _TARGET_TRACKING_MEMBERS)
        return _target_tracking(name, configuration)
    raise reader.error("PolicyType", policy_type, "StepScaling or TargetTrackingScaling")


def scalable_target_from_api(members: Members) -> ScalableTarget:
    """Return the limits that ``RegisterScalableTarget`` or ``AWS::ApplicationAutoScaling::ScalableTarget`` describes.

    Raises:
        ScalingConfigurationError: a member is missing, malformed, or not supported (scheduled actions, suspended
            scaling). An update that names one limit has to be merged with the registered one before.
    """
    reader = MemberReader(members, "scalable target", _TARGET_MEMBERS, name_member="ResourceId")
    return ScalableTarget(min_capacity=reader.integer("MinCapacity"), max_capacity=reader.integer("MaxCapacity"))


def _step_scaling(name: str, reader: MemberReader) -> StepScalingPolicy:
    return StepScalingPolicy(
        name=name,
        adjustment_type=reader.choice("AdjustmentType", AdjustmentType),
        steps=tuple(_step(step) for step in reader.nested_list("StepAdjustments", _STEP_MEMBERS)),
        cooldown_seconds=reader.integer("Cooldown", DEFAULT_COOLDOWN_SECONDS),
        aggregation=reader.choice("MetricAggregationType", MetricAggregationType, MetricAggregationType.AVERAGE),
        min_adjustment_magnitude=reader.integer("MinAdjustmentMagnitude", 0),
    )


def _step(reader: MemberReader) -> StepAdjustment:
    return StepAdjustment(
        lower_bound=reader.number("MetricIntervalLowerBound", -math.inf),
        upper_bound=reader.number("MetricIntervalUpperBound", math.inf),
        adjustment=reader.integer("ScalingAdjustment"),
    )


def _tracked(reader: MemberReader) -> Metric | MetricMath:
    if reader.has("PredefinedMetricSpecification"):
        return predefined_metric(reader.nested("PredefinedMetricSpecification", _PREDEFINED_MEMBERS))
    specification = reader.nested("CustomizedMetricSpecification", METRIC_MEMBERS | {"Metrics"})
    return tracked_metric_math(specification) if specification.has("Metrics") else metric(specification)


def _target_tracking(name: str, reader: MemberReader) -> TargetTrackingPolicy:
    return TargetTrackingPolicy(
        name=name,
        metric=_tracked(reader),
        target_value=reader.number("TargetValue"),
        scale_out_cooldown_seconds=reader.integer("ScaleOutCooldown", DEFAULT_COOLDOWN_SECONDS),
        scale_in_cooldown_seconds=reader.integer("ScaleInCooldown", DEFAULT_COOLDOWN_SECONDS),
        disable_scale_in=reader.boolean("DisableScaleIn", default=False),
    )
