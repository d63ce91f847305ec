"""The API of Application Auto Scaling."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from local_cloud.application_autoscaling.scaling import Scaling, act_on_schedule, acting_alarms, policy_alarms
from local_cloud.cloudwatch.alarms import EvaluatedAlarm
from local_cloud.errors import AwsError
from local_cloud.scope import Scope
from scaling_engine.alarms import AlarmState, ComparisonOperator, Evaluation

if TYPE_CHECKING:
    from collections.abc import Callable

    from local_cloud.application_autoscaling.api import AutoScalingApi
    from local_cloud.clock import SimulatedClock
    from tests.unit.local_cloud.conftest import CloudWatch


SCOPE = Scope("000000000000", "us-east-1")
RESOURCE_ID = "endpoint/ocr/variant/AllTraffic"
STEP = {
    "PolicyName": "Wake",
    "PolicyType": "StepScaling",
    "StepScalingPolicyConfiguration": {
        "AdjustmentType": "ChangeInCapacity",
        "StepAdjustments": [{"MetricIntervalLowerBound": 0, "ScalingAdjustment": 1}],
    },
}
TRACKING = {
    "PolicyName": "Grow",
    "PolicyType": "TargetTrackingScaling",
    "TargetTrackingScalingPolicyConfiguration": {
        "TargetValue": 5.0,
        "CustomizedMetricSpecification": {
            "MetricName": "ApproximateBacklogSizePerInstance",
            "Namespace": "AWS/SageMaker",
            "Dimensions": [{"Name": "EndpointName", "Value": "ocr"}],
            "Statistic": "Average",
        },
    },
}


def described_targets(call: Callable[..., Any]) -> list[dict[str, Any]]:
    """Return what ``DescribeScalableTargets`` shows."""
    targets: list[dict[str, Any]] = call("DescribeScalableTargets", {"ResourceIds": [RESOURCE_ID]})["ScalableTargets"]
    return targets


def test_a_registered_target_is_described(registered: Callable[..., Any]) -> None:
    """The target has its limits."""
    [target] = described_targets(registered)
    assert (target["MinCapacity"], target["MaxCapacity"]) == (0, 2)


def test_registering_again_changes_what_is_given(registered: Callable[..., Any]) -> None:
    """A limit that is left out stays."""
    registered("RegisterScalableTarget", {"MaxCapacity": 4})
    [target] = described_targets(registered)
    assert (target["MinCapacity"], target["MaxCapacity"]) == (0, 4)


@pytest.mark.parametrize(
    "change",
    [
        {"ResourceId": "endpoint/other/variant/AllTraffic"},
        {"ResourceId": "endpoint/ocr/variant/Other"},
        {"ScalableDimension": "ecs:service:DesiredCount"},
        {"ServiceNamespace": "ecs"},
        {"ResourceId": "endpoint/burstable/variant/AllTraffic"},
        {"ResourceId": "endpoint/falls-back/variant/AllTraffic"},
        {"MinCapacity": 3},
    ],
)
def test_targets_that_cannot_be_are_refused(call: Callable[..., Any], change: dict[str, Any]) -> None:
    """No such endpoint, variant, dimension or service, an instance type that cannot be scaled, or crossed limits."""
    with pytest.raises(AwsError) as refusal:
        call("RegisterScalableTarget", {"MinCapacity": 0, "MaxCapacity": 2} | change)
    assert refusal.value.code == "ValidationException"


def test_a_policy_needs_a_target(call: Callable[..., Any]) -> None:
    """The code is the one that AWS documents."""
    with pytest.raises(AwsError) as refusal:
        call("PutScalingPolicy", STEP)
    assert refusal.value.code == "ObjectNotFoundException"


def test_a_step_policy_has_no_alarms_of_its_own(registered: Callable[..., Any], cloudwatch: CloudWatch) -> None:
    """Its alarm is the caller's."""
    assert registered("PutScalingPolicy", STEP)["Alarms"] == []
    assert cloudwatch.calls == []


def test_a_target_tracking_policy_brings_two_alarms(registered: Callable[..., Any], cloudwatch: CloudWatch) -> None:
    """They are the ones that AWS makes, and invoke the policy."""
    answer = registered("PutScalingPolicy", TRACKING)
    (_, high), (_, low) = cloudwatch.calls
    assert [high["AlarmName"], low["AlarmName"]] == [alarm["AlarmName"] for alarm in answer["Alarms"]]
    assert high["AlarmName"].startswith("TargetTracking-endpoint/ocr/variant/AllTraffic-AlarmHigh-")
    assert (high["Threshold"], high["EvaluationPeriods"], high["ComparisonOperator"]) == (
        5.0,
        3,
        "GreaterThanThreshold",
    )
    assert (low["Threshold"], low["EvaluationPeriods"], low["ComparisonOperator"]) == (4.5, 15, "LessThanThreshold")
    assert [answer["PolicyARN"]] == high["AlarmActions"] == low["AlarmActions"]


def test_putting_a_policy_again_keeps_its_arn_and_alarms(
    registered: Callable[..., Any], cloudwatch: CloudWatch
) -> None:
    """An update is one in place."""
    first = registered("PutScalingPolicy", TRACKING)
    assert first == registered("PutScalingPolicy", TRACKING)
    assert len({members["AlarmName"] for _, members in cloudwatch.calls}) == 2


def test_a_policy_that_aws_refuses_is_refused(registered: Callable[..., Any]) -> None:
    """The engine's words become AWS's code."""
    configuration = {"AdjustmentType": "ChangeInCapacity", "StepAdjustments": []}
    with pytest.raises(AwsError, match="has no step adjustment"):
        registered("PutScalingPolicy", STEP | {"StepScalingPolicyConfiguration": configuration})


def test_deleting_a_policy_deletes_its_alarms(registered: Callable[..., Any], cloudwatch: CloudWatch) -> None:
    """Nothing of it stays."""
    alarms = registered("PutScalingPolicy", TRACKING)["Alarms"]
    registered("DeleteScalingPolicy", {"PolicyName": "Grow"})
    assert ("DeleteAlarms", {"AlarmNames": [alarm["AlarmName"] for alarm in alarms]}) == cloudwatch.calls[-1]
    assert registered("DescribeScalingPolicies")["ScalingPolicies"] == []


def test_deregistering_takes_the_policies_along(registered: Callable[..., Any], cloudwatch: CloudWatch) -> None:
    """The alarms of target tracking go with it."""
    registered("PutScalingPolicy", TRACKING)
    registered("DeregisterScalableTarget")
    assert cloudwatch.calls[-1][0] == "DeleteAlarms"
    assert described_targets(registered) == []


def test_alarms_belong_to_the_policy_that_they_invoke(api: AutoScalingApi, registered: Callable[..., Any]) -> None:
    """An alarm of other actions decides nothing here."""
    arn = registered("PutScalingPolicy", STEP)["PolicyARN"]
    [target] = api.targets
    alarm: Any = SimpleNamespace(name="wake")
    evaluation = Evaluation(alarm=alarm, state=AlarmState.ALARM, datapoints=(1.0,))
    mine = EvaluatedAlarm(scope=SCOPE, alarm=alarm, evaluation=evaluation, actions=(arn,))
    other = EvaluatedAlarm(scope=SCOPE, alarm=alarm, evaluation=evaluation, actions=("arn:other",))
    [found] = policy_alarms(target, [mine, other])
    assert ("Wake", evaluation) == (found.policy.name, found.evaluation)


class ScalableEndpoints:
    """One endpoint, which may be at rest or not; being scaled is told by an exception."""

    def __init__(self, status: str) -> None:
        self.endpoint = SimpleNamespace(name="ocr", status=status, desired_count=0)

    def get(self, _scope: Scope, _name: str) -> Any:  # noqa: ANN401 - an endpoint
        """Return it."""
        return self.endpoint

    def scale(self, _endpoint: object, count: int) -> None:
        """Raise, so that nothing goes on from here."""
        raise ScaledError(count)


class ScaledError(Exception):
    """The number of instances was to be changed."""


@pytest.mark.parametrize("status", ["Creating", "Updating", "RollingBack", "Failed", "InService"])
def test_policies_have_no_effect_unless_the_endpoint_is_in_service(
    clock: SimulatedClock, api: AutoScalingApi, registered: Callable[..., Any], status: str
) -> None:
    """An alarm that still rings when the endpoint is in service scales it then."""
    arn = registered("PutScalingPolicy", STEP)["PolicyARN"]
    endpoints: Any = ScalableEndpoints(status)
    alarm: Any = SimpleNamespace(name="wake", threshold=1.0, comparison=ComparisonOperator.GREATER_THAN_THRESHOLD)
    evaluation = Evaluation(alarm=alarm, state=AlarmState.ALARM, datapoints=(1.0,))
    ringing = EvaluatedAlarm(scope=SCOPE, alarm=alarm, evaluation=evaluation, actions=(arn,))
    scaling = Scaling(clock, api, endpoints)
    if status == "InService":
        with pytest.raises(ScaledError, match="1"):
            scaling.scale([endpoints.endpoint], [ringing], 1_020.0)
    else:
        scaling.scale([endpoints.endpoint], [ringing], 1_020.0)
        assert registered("DescribeScalingActivities")["ScalingActivities"] == []
    scaling.scale([], [ringing], 1_080.0)


def test_suspended_scaling_is_described(registered: Callable[..., Any]) -> None:
    """Nothing is suspended by default, and what a later registration does not name stays."""
    [before] = described_targets(registered)
    registered("RegisterScalableTarget", {"SuspendedState": {"DynamicScalingInSuspended": True}})
    registered("RegisterScalableTarget", {"SuspendedState": {"ScheduledScalingSuspended": True}})
    registered("RegisterScalableTarget", {"MaxCapacity": 4})
    [after] = described_targets(registered)
    names = ("DynamicScalingInSuspended", "DynamicScalingOutSuspended", "ScheduledScalingSuspended")
    assert before["SuspendedState"] == dict.fromkeys(names, False)
    assert after["SuspendedState"] == dict(zip(names, (True, False, True), strict=True))


def step(name: str, adjustment: int) -> dict[str, Any]:
    """Return a step policy that adds or removes instances."""
    bound = "MetricIntervalLowerBound"
    configuration = {
        "AdjustmentType": "ChangeInCapacity",
        "StepAdjustments": [{bound: 0, "ScalingAdjustment": adjustment}],
    }
    return STEP | {"PolicyName": name, "StepScalingPolicyConfiguration": configuration}


@pytest.mark.parametrize(
    ("suspended", "acting"),
    [
        ({}, ["Out", "In"]),
        ({"DynamicScalingInSuspended": True}, ["Out"]),
        ({"DynamicScalingOutSuspended": True}, ["In"]),
        ({"DynamicScalingInSuspended": True, "DynamicScalingOutSuspended": True}, []),
        ({"ScheduledScalingSuspended": True}, ["Out", "In"]),
    ],
)
def test_policies_do_not_scale_in_a_direction_that_is_suspended(
    api: AutoScalingApi, registered: Callable[..., Any], suspended: dict[str, bool], acting: list[str]
) -> None:
    """Their alarms ring on, and the policies of the other direction act as if these were not there."""
    arns = [registered("PutScalingPolicy", step(*policy))["PolicyARN"] for policy in (("Out", 1), ("In", -1))]
    registered("RegisterScalableTarget", {"SuspendedState": suspended})
    alarm: Any = SimpleNamespace(name="alarm", threshold=1.0, comparison=ComparisonOperator.GREATER_THAN_THRESHOLD)
    ringing = Evaluation(alarm=alarm, state=AlarmState.ALARM, datapoints=(1.0,))
    alarms = [EvaluatedAlarm(scope=SCOPE, alarm=alarm, evaluation=ringing, actions=(arn,)) for arn in arns]
    [target] = api.targets
    left = acting_alarms(target, policy_alarms(target, alarms), 1, 1_020.0)
    assert [one.policy.name for one in left] == acting


def test_suspended_policies_do_not_scale(
    clock: SimulatedClock, api: AutoScalingApi, registered: Callable[..., Any]
) -> None:
    """Resumed, an alarm that still rings acts."""
    arn = registered("PutScalingPolicy", STEP)["PolicyARN"]
    registered("RegisterScalableTarget", {"SuspendedState": {"DynamicScalingOutSuspended": True}})
    endpoints: Any = ScalableEndpoints("InService")
    alarm: Any = SimpleNamespace(name="wake", threshold=1.0, comparison=ComparisonOperator.GREATER_THAN_THRESHOLD)
    evaluation = Evaluation(alarm=alarm, state=AlarmState.ALARM, datapoints=(1.0,))
    ringing = EvaluatedAlarm(scope=SCOPE, alarm=alarm, evaluation=evaluation, actions=(arn,))
    scaling = Scaling(clock, api, endpoints)
    scaling.scale([endpoints.endpoint], [ringing], 1_020.0)
    registered("RegisterScalableTarget", {"SuspendedState": {"DynamicScalingOutSuspended": False}})
    with pytest.raises(ScaledError, match="1"):
        scaling.scale([endpoints.endpoint], [ringing], 1_080.0)


@pytest.mark.parametrize(
    ("named", "shown"),
    [
        ({}, True),
        ({"ScalableDimension": "sagemaker:variant:DesiredInstanceCount"}, True),
        ({"ScalableDimension": "sagemaker:inference-component:DesiredCopyCount"}, False),
        ({"ServiceNamespace": "ecs"}, False),
        ({"ResourceId": "endpoint/other/variant/AllTraffic"}, False),
    ],
)
def test_descriptions_are_of_what_a_request_names(
    api: AutoScalingApi,
    registered: Callable[..., Any],
    finish: Callable[..., Any],
    named: dict[str, str],
    *,
    shown: bool,
) -> None:
    """Of a service, of a resource, of a dimension."""
    registered("PutScalingPolicy", STEP)
    action = {"ScheduledActionName": "Morning", "Schedule": "rate(1 day)", "ScalableTargetAction": {"MinCapacity": 1}}
    registered("PutScheduledAction", action)
    [target] = api.targets
    act_on_schedule(target, target.scheduled_actions["Morning"].created_at + 86_400.0)
    resource = {"ResourceIds": [named["ResourceId"]]} if "ResourceId" in named else {}
    for operation, member in (
        ("DescribeScalableTargets", "ScalableTargets"),
        ("DescribeScalingPolicies", "ScalingPolicies"),
        ("DescribeScheduledActions", "ScheduledActions"),
        ("DescribeScalingActivities", "ScalingActivities"),
    ):
        members: dict[str, Any] = {"ServiceNamespace": "sagemaker"} | named
        if operation == "DescribeScalableTargets":
            members = {name: value for name, value in members.items() if name != "ResourceId"} | resource
        assert len(finish(api.json_api.call(SCOPE, operation, members))[member]) == shown


@pytest.fixture
def tagged(api: AutoScalingApi, call: Callable[..., Any], finish: Callable[..., Any]) -> Callable[..., Any]:
    """Performs an operation on the tags of a target that was registered with one."""
    registration = {"MinCapacity": 0, "MaxCapacity": 2, "Tags": {"team": "reading"}}
    arn = call("RegisterScalableTarget", registration)["ScalableTargetARN"]
    return lambda operation, **members: finish(api.json_api.call(SCOPE, operation, {"ResourceARN": arn} | members))


def test_targets_have_tags(tagged: Callable[..., Any]) -> None:
    """Those of the registration, added ones, and those that are left."""
    tagged("TagResource", Tags={"stage": "dev"})
    assert tagged("ListTagsForResource") == {"Tags": {"team": "reading", "stage": "dev"}}
    tagged("UntagResource", TagKeys=["team", "unknown"])
    assert tagged("ListTagsForResource") == {"Tags": {"stage": "dev"}}


def test_a_target_has_fifty_tags_at_most(tagged: Callable[..., Any]) -> None:
    """One more leaves them as they are."""
    tagged("TagResource", Tags={f"key-{number}": "" for number in range(49)})
    with pytest.raises(AwsError, match="would have 51 tags") as refusal:
        tagged("TagResource", Tags={"last": ""})
    assert refusal.value.code == "TooManyTagsException"
    assert len(tagged("ListTagsForResource")["Tags"]) == 50


@pytest.mark.parametrize(
    ("operation", "members"),
    [("TagResource", {"Tags": {}}), ("ListTagsForResource", {}), ("UntagResource", {"TagKeys": []})],
)
def test_what_is_not_registered_has_no_tags(
    tagged: Callable[..., Any], operation: str, members: dict[str, object]
) -> None:
    """The code is the one that the service model declares."""
    with pytest.raises(AwsError) as refusal:
        tagged(operation, ResourceARN="arn:aws:application-autoscaling:us-east-1:0:scalable-target/none", **members)
    assert refusal.value.code == "ResourceNotFoundException"
