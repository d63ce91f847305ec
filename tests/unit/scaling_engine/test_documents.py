"""Documents of the APIs and of CloudFormation, read into alarms, policies and targets."""

from __future__ import annotations

from typing import Any

import pytest

from scaling_engine.alarms import Alarm, ComparisonOperator, TreatMissingData
from scaling_engine.documents import alarm_from_api, scalable_target_from_api, scaling_policy_from_api
from scaling_engine.exceptions import ScalingConfigurationError
from scaling_engine.metrics import Metric, Statistic
from scaling_engine.policies import MetricAggregationType, StepScalingPolicy, TargetTrackingPolicy
from scaling_engine.scalable_target import ScalableTarget
from scaling_engine.steps import AdjustmentType, StepAdjustment

DIMENSIONS = [{"Name": "EndpointName", "Value": "ocr"}]
# The alarm and the policies of AWS's own recipe for asynchronous endpoints.
WAKE_ALARM: dict[str, Any] = {
    "AlarmName": "Wake",
    "AlarmDescription": "requests wait and no instance runs",
    "ActionsEnabled": True,
    "AlarmActions": ["arn:aws:autoscaling:us-east-1:000000000000:scalingPolicy:1"],
    "MetricName": "HasBacklogWithoutCapacity",
    "Namespace": "AWS/SageMaker",
    "Dimensions": DIMENSIONS,
    "Statistic": "Average",
    "ComparisonOperator": "GreaterThanOrEqualToThreshold",
    "Threshold": 1,
    "Period": 60,
    "EvaluationPeriods": 2,
    "DatapointsToAlarm": 2,
    "TreatMissingData": "missing",
}
WAKE_POLICY: dict[str, Any] = {
    "PolicyName": "Wake",
    "PolicyType": "StepScaling",
    "ServiceNamespace": "sagemaker",
    "ResourceId": "endpoint/ocr/variant/AllTraffic",
    "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
    "StepScalingPolicyConfiguration": {
        "AdjustmentType": "ChangeInCapacity",
        "MetricAggregationType": "Average",
        "Cooldown": 300,
        "StepAdjustments": [{"MetricIntervalLowerBound": 0, "ScalingAdjustment": 1}],
    },
}
GROW_POLICY: dict[str, Any] = {
    "PolicyName": "Grow",
    "PolicyType": "TargetTrackingScaling",
    "ScalingTargetId": "endpoint/ocr/variant/AllTraffic|sagemaker:variant:DesiredInstanceCount|sagemaker",
    "TargetTrackingScalingPolicyConfiguration": {
        "TargetValue": 5.0,
        "CustomizedMetricSpecification": {
            "MetricName": "ApproximateBacklogSizePerInstance",
            "Namespace": "AWS/SageMaker",
            "Dimensions": DIMENSIONS,
            "Statistic": "Average",
        },
    },
}
TARGET: dict[str, Any] = {
    "ServiceNamespace": "sagemaker",
    "ResourceId": "endpoint/ocr/variant/AllTraffic",
    "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
    "MinCapacity": 0,
    "MaxCapacity": 5,
}


def metric(name: str) -> Metric:
    """Return a metric of the endpoint ``ocr``."""
    return Metric(namespace="AWS/SageMaker", name=name, dimensions=frozenset({("EndpointName", "ocr")}))


def in_cloudformation(document: Any) -> Any:  # noqa: ANN401 - decoded JSON
    """Return the document with every number and boolean as text, as CloudFormation may pass it on."""
    if isinstance(document, dict):
        return {name: in_cloudformation(value) for name, value in document.items()}
    if isinstance(document, list):
        return [in_cloudformation(item) for item in document]
    return str(document).lower() if isinstance(document, bool) else str(document)


def changed(document: dict[str, Any], path: str, value: object) -> dict[str, Any]:
    """Return the document with another value at a dotted path; ``None`` is what an absent member is decoded to."""
    name, _, rest = path.partition(".")
    return {**document, name: changed(document[name], rest, value) if rest else value}


@pytest.mark.parametrize("document", [WAKE_ALARM, in_cloudformation(WAKE_ALARM)])
def test_an_alarm_is_read_from_either_source(document: dict[str, Any]) -> None:
    """AWS's wake alarm, as an API request and as CloudFormation properties."""
    assert Alarm(
        name="Wake",
        metric=metric("HasBacklogWithoutCapacity"),
        comparison=ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
        threshold=1,
        period_seconds=60,
        evaluation_periods=2,
        datapoints_to_alarm=2,
        treat_missing_data=TreatMissingData.MISSING,
    ) == alarm_from_api(document)


def test_an_alarm_has_the_defaults_of_cloudwatch() -> None:
    """Without them, all evaluation periods have to breach, missing data are missing, and there are no dimensions."""
    optional = ("DatapointsToAlarm", "TreatMissingData", "Dimensions")
    alarm = alarm_from_api({name: value for name, value in WAKE_ALARM.items() if name not in optional})
    assert (2, TreatMissingData.MISSING, frozenset()) == (
        alarm.datapoints_to_alarm,
        alarm.treat_missing_data,
        alarm.metric.sources[0].dimensions,
    )


@pytest.mark.parametrize("document", [WAKE_POLICY, in_cloudformation(WAKE_POLICY)])
def test_a_step_policy_is_read_from_either_source(document: dict[str, Any]) -> None:
    """AWS's wake policy, as an API request and as CloudFormation properties."""
    assert StepScalingPolicy(
        name="Wake",
        adjustment_type=AdjustmentType.CHANGE_IN_CAPACITY,
        steps=(StepAdjustment(lower_bound=0, adjustment=1),),
        cooldown_seconds=300,
        aggregation=MetricAggregationType.AVERAGE,
    ) == scaling_policy_from_api(document)


def test_a_step_policy_has_the_defaults_of_application_auto_scaling() -> None:
    """The cooldown defaults to 300 s and the aggregation to the average, as for AWS's own policy."""
    configuration = WAKE_POLICY["StepScalingPolicyConfiguration"]
    shorter = {name: configuration[name] for name in ("AdjustmentType", "StepAdjustments")}
    assert scaling_policy_from_api(WAKE_POLICY) == scaling_policy_from_api(
        {**WAKE_POLICY, "StepScalingPolicyConfiguration": shorter}
    )


@pytest.mark.parametrize("document", [GROW_POLICY, in_cloudformation(GROW_POLICY)])
def test_a_target_tracking_policy_has_the_defaults_for_sagemaker(document: dict[str, Any]) -> None:
    """AWS's target tracking policy: both cooldowns are 300 s and scale-in is enabled."""
    assert TargetTrackingPolicy(
        name="Grow",
        metric=metric("ApproximateBacklogSizePerInstance"),
        target_value=5,
        scale_out_cooldown_seconds=300,
        scale_in_cooldown_seconds=300,
        disable_scale_in=False,
    ) == scaling_policy_from_api(document)


@pytest.mark.parametrize("disabled", [True, "true", "True"])
def test_a_target_tracking_policy_is_read_in_full(disabled: object) -> None:
    """Cooldowns, another statistic and disabled scale-in are taken over."""
    document = GROW_POLICY
    for path, value in (
        ("ScaleOutCooldown", 120),
        ("ScaleInCooldown", "600"),
        ("DisableScaleIn", disabled),
        ("CustomizedMetricSpecification.Statistic", "Maximum"),
    ):
        document = changed(document, f"TargetTrackingScalingPolicyConfiguration.{path}", value)
    policy = scaling_policy_from_api(document)
    assert isinstance(policy, TargetTrackingPolicy)
    assert (
        policy.scale_out_cooldown_seconds,
        policy.scale_in_cooldown_seconds,
        policy.disable_scale_in,
        policy.metric.sources[0].statistic,
    ) == (120, 600, True, Statistic.MAXIMUM)


@pytest.mark.parametrize(
    "document", [TARGET, in_cloudformation(TARGET), {**TARGET, "RoleARN": "arn:aws:iam::0:role/r"}]
)
def test_a_scalable_target_is_read_from_either_source(document: dict[str, Any]) -> None:
    """The limits of AWS's recipe; the role decides nothing."""
    assert ScalableTarget(min_capacity=0, max_capacity=5) == scalable_target_from_api(document)


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("AlarmName", None, "alarm: AlarmName is missing"),
        ("Threshold", None, "alarm Wake: Threshold is missing"),
        ("Threshold", "high", "alarm Wake: Threshold is 'high', expected a number"),
        ("Threshold", "nan", "alarm Wake: Threshold is 'nan', expected a finite number"),
        ("Threshold", True, "alarm Wake: Threshold is True, expected a number"),
        ("Period", "60.5", "alarm Wake: Period is 60.5, expected a whole number"),
        ("Namespace", "", "alarm Wake: Namespace is '', expected a text"),
        ("Statistic", None, "alarm Wake: Statistic is missing"),
        (
            "TreatMissingData",
            "skip",
            "alarm Wake: TreatMissingData is 'skip', expected one of missing, ignore, breaching, notBreaching",
        ),
        ("Dimensions", "EndpointName", "alarm Wake: Dimensions is 'EndpointName', expected a list"),
        ("Dimensions", ["EndpointName"], "alarm Wake: Dimensions[0]: 'EndpointName' is not an object"),
        ("Dimensions", [{"Name": "EndpointName"}], "alarm Wake: Dimensions[0]: Value is missing"),
    ],
)
def test_malformed_members_are_refused_by_name(path: str, value: object, message: str) -> None:
    """Each mistake gives one line with the alarm, the member, the value and what is expected."""
    with pytest.raises(ScalingConfigurationError) as raised:
        alarm_from_api(changed(WAKE_ALARM, path, value))
    assert message == str(raised.value)


@pytest.mark.parametrize("member", ["ExtendedStatistic", "ThresholdMetricId", "Unit", "EvaluationWindow"])
def test_features_of_alarms_that_the_engine_lacks_are_refused(member: str) -> None:
    """Percentiles, anomaly detection, units and windows would be decided wrongly, so they are refused."""
    with pytest.raises(
        ScalingConfigurationError, match=f"^alarm Wake: {member} not supported, use only ActionsEnabled,"
    ):
        alarm_from_api({**WAKE_ALARM, member: "x"})


TRACKING = "TargetTrackingScalingPolicyConfiguration"


@pytest.mark.parametrize(
    ("document", "message"),
    [
        (
            changed(WAKE_POLICY, "PolicyType", "PredictiveScaling"),
            "scaling policy Wake: PolicyType is 'PredictiveScaling', expected StepScaling or TargetTrackingScaling",
        ),
        (
            changed(WAKE_POLICY, "PolicyType", "TargetTrackingScaling"),
            "scaling policy Wake: TargetTrackingScalingPolicyConfiguration is missing",
        ),
        (
            changed(WAKE_POLICY, "StepScalingPolicyConfiguration.StepAdjustments", [{"MetricIntervalLowerBound": 0}]),
            "scaling policy Wake: StepScalingPolicyConfiguration: StepAdjustments[0]: ScalingAdjustment is missing",
        ),
        (
            changed(GROW_POLICY, f"{TRACKING}.CustomizedMetricSpecification", None),
            f"scaling policy Grow: {TRACKING}: CustomizedMetricSpecification is missing",
        ),
        (
            changed(GROW_POLICY, f"{TRACKING}.DisableScaleIn", "yes"),
            f"scaling policy Grow: {TRACKING}: DisableScaleIn is 'yes', expected true or false",
        ),
        (
            changed(GROW_POLICY, f"{TRACKING}.PredefinedMetricSpecification", {"PredefinedMetricType": "ALBRequests"}),
            "predefined metric: ALBRequests not supported, use only SageMakerVariantInvocationsPerInstance",
        ),
        (
            changed(GROW_POLICY, f"{TRACKING}.CustomizedMetricSpecification.Metrics", []),
            "metric math: exactly one query must return data, found []",
        ),
    ],
)
def test_policies_that_the_engine_cannot_follow_are_refused(document: dict[str, Any], message: str) -> None:
    """The line leads through the document to the member."""
    with pytest.raises(ScalingConfigurationError) as raised:
        scaling_policy_from_api(document)
    assert message == str(raised.value)


def test_a_scalable_target_with_scheduled_actions_is_refused() -> None:
    """A schedule would change the limits behind the engine's back."""
    with pytest.raises(ScalingConfigurationError, match=r"variant/AllTraffic: ScheduledActions not supported"):
        scalable_target_from_api({**TARGET, "ScheduledActions": []})
