"""Scaling as a template declares it: down to zero, up on the first request, by alarms on simulated time."""

from __future__ import annotations

import json
import time
import uuid
from typing import TYPE_CHECKING, Any

import pytest

from async_inference import AsyncEndpoint, Clock, EndpointConfiguration, ResultTimeout
from async_inference.configuration import Limits, Prefixes
from tests.local.conftest import TIME_SCALE
from tests.local.sagemaker_calls import UNKNOWN_IMAGE

if TYPE_CHECKING:
    from collections.abc import Callable

    from local_cloud.process import RunningLocalCloud

ENDPOINT_NAME = {"Fn::GetAtt": ["Endpoint", "EndpointName"]}
LOCATIONS = ("output_location", "failure_location")
DIMENSIONS = [{"Name": "EndpointName", "Value": ENDPOINT_NAME}]


def rest(periods: int, *, in_flight: bool) -> dict[str, tuple[str, dict[str, Any]]]:
    """Return a policy that removes all instances after so many minutes without work, and its alarm.

    With ``in_flight``, what clients wait for is work too.
    """
    policy = {
        "AdjustmentType": "ExactCapacity",
        "Cooldown": 0,
        "MetricAggregationType": "Maximum",
        "StepAdjustments": [{"MetricIntervalUpperBound": 0, "ScalingAdjustment": 0}],
    }
    backlog = {"Namespace": "AWS/SageMaker", "MetricName": "ApproximateBacklogSize", "Dimensions": DIMENSIONS}
    instances = {
        "Namespace": "/aws/sagemaker/Endpoints",
        "MetricName": "CPUUtilization",
        "Dimensions": [*DIMENSIONS, {"Name": "VariantName", "Value": "AllTraffic"}],
    }
    queries: list[dict[str, Any]] = [
        {"Id": "work", "Expression": "MAX([backlog, 0 * instances])"},
        {"Id": "backlog", "MetricStat": {"Metric": backlog, "Stat": "Maximum", "Period": 60}, "ReturnData": False},
        {
            "Id": "instances",
            "MetricStat": {"Metric": instances, "Stat": "SampleCount", "Period": 60},
            "ReturnData": False,
        },
    ]
    if in_flight:
        clients = {"Namespace": "AsyncInference", "MetricName": "JobsInFlight", "Dimensions": DIMENSIONS}
        queries[0]["Expression"] = "MAX([backlog, in_flight, 0 * instances])"
        queries.append(
            {"Id": "in_flight", "MetricStat": {"Metric": clients, "Stat": "Maximum", "Period": 60}, "ReturnData": False}
        )
    return {
        "Rest": (
            "AWS::ApplicationAutoScaling::ScalingPolicy",
            {
                "PolicyName": "Rest",
                "PolicyType": "StepScaling",
                "ScalingTargetId": {"Ref": "Target"},
                "StepScalingPolicyConfiguration": policy,
            },
        ),
        "RestAlarm": (
            "AWS::CloudWatch::Alarm",
            {
                "Metrics": queries,
                "EvaluationPeriods": periods,
                "Threshold": 1,
                "ComparisonOperator": "LessThanThreshold",
                "TreatMissingData": "notBreaching",
                "AlarmActions": [{"Ref": "Rest"}],
            },
        ),
    }


def template(image: str, greeting: str, *, rest_periods: int | None = None, in_flight: bool = False) -> str:
    """Return an endpoint with a wake policy and target tracking, as a template.

    With ``rest_periods``, target tracking does not scale in, and the endpoint rests by a policy of its own, which
    with ``in_flight`` takes in what clients wait for.
    """
    wake = {
        "AdjustmentType": "ChangeInCapacity",
        "Cooldown": 300,
        "MetricAggregationType": "Average",
        "StepAdjustments": [{"MetricIntervalLowerBound": 0, "ScalingAdjustment": 1}],
    }
    grow = {
        "TargetValue": 5,
        "ScaleInCooldown": 600,
        "ScaleOutCooldown": 120,
        "CustomizedMetricSpecification": {
            "Namespace": "AWS/SageMaker",
            "MetricName": "ApproximateBacklogSizePerInstance",
            "Dimensions": DIMENSIONS,
            "Statistic": "Average",
        },
    }
    trust = {"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}
    resources: dict[str, tuple[str, dict[str, Any]]] = {
        "Bucket": ("AWS::S3::Bucket", {}),
        "Role": ("AWS::IAM::Role", {"AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [trust]}}),
        "Model": (
            "AWS::SageMaker::Model",
            {
                "ExecutionRoleArn": {"Fn::GetAtt": ["Role", "Arn"]},
                "PrimaryContainer": {"Image": image, "Environment": {"GREETING": greeting}},
            },
        ),
        "Config": (
            "AWS::SageMaker::EndpointConfig",
            {
                "ProductionVariants": [
                    {
                        "VariantName": "AllTraffic",
                        "ModelName": {"Fn::GetAtt": ["Model", "ModelName"]},
                        "InitialInstanceCount": 1,
                        "InstanceType": "ml.m5.large",
                    }
                ],
                "AsyncInferenceConfig": {
                    "OutputConfig": {
                        "S3OutputPath": {"Fn::Sub": "s3://${Bucket}/output/"},
                        "S3FailurePath": {"Fn::Sub": "s3://${Bucket}/failure/"},
                    }
                },
            },
        ),
        "Endpoint": (
            "AWS::SageMaker::Endpoint",
            {
                "EndpointConfigName": {"Fn::GetAtt": ["Config", "EndpointConfigName"]},
                "RetainAllVariantProperties": True,
            },
        ),
        "Target": (
            "AWS::ApplicationAutoScaling::ScalableTarget",
            {
                "ServiceNamespace": "sagemaker",
                "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
                "ResourceId": {"Fn::Sub": "endpoint/${Endpoint.EndpointName}/variant/AllTraffic"},
                "MinCapacity": 0,
                "MaxCapacity": 2,
            },
        ),
        "Wake": (
            "AWS::ApplicationAutoScaling::ScalingPolicy",
            {
                "PolicyName": "Wake",
                "PolicyType": "StepScaling",
                "ScalingTargetId": {"Ref": "Target"},
                "StepScalingPolicyConfiguration": wake,
            },
        ),
        "Grow": (
            "AWS::ApplicationAutoScaling::ScalingPolicy",
            {
                "PolicyName": "Grow",
                "PolicyType": "TargetTrackingScaling",
                "ScalingTargetId": {"Ref": "Target"},
                "TargetTrackingScalingPolicyConfiguration": grow,
            },
        ),
        "WakeAlarm": (
            "AWS::CloudWatch::Alarm",
            {
                "Namespace": "AWS/SageMaker",
                "MetricName": "HasBacklogWithoutCapacity",
                "Dimensions": DIMENSIONS,
                "Statistic": "Average",
                "Period": 60,
                "EvaluationPeriods": 2,
                "DatapointsToAlarm": 2,
                "Threshold": 1,
                "ComparisonOperator": "GreaterThanOrEqualToThreshold",
                "AlarmActions": [{"Ref": "Wake"}],
            },
        ),
    }
    if rest_periods is not None:
        grow["DisableScaleIn"] = True
        resources |= rest(rest_periods, in_flight=in_flight)
    outputs = {"EndpointName": ENDPOINT_NAME, "BucketName": {"Ref": "Bucket"}, "EndpointArn": {"Ref": "Endpoint"}}
    return json.dumps(
        {
            "Resources": {
                name: {"Type": kind, "Properties": properties} for name, (kind, properties) in resources.items()
            },
            "Outputs": {name: {"Value": value} for name, value in outputs.items()},
        }
    )


class ScaledEndpoint:
    """The deployed endpoint as a caller sees it."""

    def __init__(self, stack: str, client: Callable[[str], Any], eventually: Callable[..., Any]) -> None:
        self.stack = stack
        self._client = client
        self._eventually = eventually

    def deployed(self) -> dict[str, str]:
        """Wait until the stack is complete and return its outputs."""
        cloudformation = self._client("cloudformation")

        def finished() -> dict[str, Any] | None:
            stack: dict[str, Any] = cloudformation.describe_stacks(StackName=self.stack)["Stacks"][0]
            return None if "IN_PROGRESS" in stack["StackStatus"] else stack

        stack = self._eventually(finished)
        assert stack["StackStatus"] in ("CREATE_COMPLETE", "UPDATE_COMPLETE"), stack.get("StackStatusReason")
        return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}

    def rest(self) -> None:
        """Wait until no instance is left, and the alarm that removed the last one has nothing to judge any more.

        Until then a wake would be undone at once: the alarm's range still holds idle minutes and nothing newer.
        """
        self._eventually(lambda: self.instances() == ("InService", 0))
        cloudwatch = self._client("cloudwatch")
        low = f"TargetTracking-endpoint/{self.deployed()['EndpointName']}/variant/AllTraffic-AlarmLow"
        self._eventually(
            lambda: (
                cloudwatch.describe_alarms(AlarmNamePrefix=low)["MetricAlarms"][0]["StateValue"] == "INSUFFICIENT_DATA"
            )
        )

    def instances(self) -> tuple[str, int]:
        """Return the endpoint's status and how many instances are in service."""
        name = self.deployed()["EndpointName"]
        shown = self._client("sagemaker").describe_endpoint(EndpointName=name)
        return shown["EndpointStatus"], shown["ProductionVariants"][0]["CurrentInstanceCount"]

    def ask(self, body: bytes) -> dict[str, Any]:
        """Submit ``body`` and wait for the echo."""
        outputs = self.deployed()
        runtime, s3 = self._client("sagemaker-runtime"), self._client("s3")
        response = runtime.invoke_endpoint_async(
            EndpointName=outputs["EndpointName"], Body=body, InvocationTimeoutSeconds=3_600
        )
        key = response["OutputLocation"].removeprefix(f"s3://{outputs['BucketName']}/")
        self._eventually(lambda: s3.list_objects_v2(Bucket=outputs["BucketName"], Prefix=key)["KeyCount"])
        echo: dict[str, Any] = json.loads(s3.get_object(Bucket=outputs["BucketName"], Key=key)["Body"].read())
        return echo


@pytest.fixture
def endpoint(client: Callable[[str], Any], echo_image: str, eventually: Callable[..., Any]) -> ScaledEndpoint:
    """An endpoint in a stack of the test's own."""
    stack = f"Scaled{uuid.uuid4().hex[:8]}"
    client("cloudformation").create_stack(StackName=stack, TemplateBody=template(echo_image, "first"))
    scaled = ScaledEndpoint(stack, client, eventually)
    scaled.deployed()
    return scaled


def test_the_stack_is_complete_when_the_endpoint_is_in_service(endpoint: ScaledEndpoint) -> None:
    """``Ref`` of an endpoint is its ARN, in which the name is in lower case."""
    outputs = endpoint.deployed()
    name = outputs["EndpointName"]
    assert name != name.lower()
    assert outputs["EndpointArn"] == f"arn:aws:sagemaker:us-east-1:000000000000:endpoint/{name.lower()}"


def test_the_first_request_wakes_an_endpoint_that_rests_at_zero(
    client: Callable[[str], Any], endpoint: ScaledEndpoint, eventually: Callable[..., Any]
) -> None:
    """Idle instances go after fifteen minutes; one request brings one instance, by the policies' alarms."""
    endpoint.rest()
    assert endpoint.ask(b"wake up")["body"] == "wake up"
    activities = client("application-autoscaling").describe_scaling_activities(
        ServiceNamespace="sagemaker", ResourceId=f"endpoint/{endpoint.deployed()['EndpointName']}/variant/AllTraffic"
    )
    causes = [activity["Cause"] for activity in activities["ScalingActivities"]]
    assert any("triggered policy Wake" in cause for cause in causes)
    assert any("AlarmLow" in cause for cause in causes)
    eventually(lambda: endpoint.instances() == ("InService", 0))


def test_the_project_scales_by_its_own_work(
    client: Callable[[str], Any], echo_image: str, eventually: Callable[..., Any]
) -> None:
    """Metric math on queue and instances lets a first deploy rest; activities and alarms say what happened and why."""
    stack = f"Rested{uuid.uuid4().hex[:8]}"
    body = template(echo_image, "first", rest_periods=8)
    client("cloudformation").create_stack(StackName=stack, TemplateBody=body)
    endpoint = ScaledEndpoint(stack, client, eventually)
    name = endpoint.deployed()["EndpointName"]
    eventually(lambda: endpoint.instances() == ("InService", 0))
    assert endpoint.ask(b"wake up")["body"] == "wake up"
    eventually(lambda: endpoint.instances() == ("InService", 0))
    activities = client("application-autoscaling").describe_scaling_activities(
        ServiceNamespace="sagemaker", ResourceId=f"endpoint/{name}/variant/AllTraffic"
    )["ScalingActivities"]
    policies = [activity["Cause"].rsplit(" ", 1)[1] for activity in reversed(activities)]
    assert policies == ["Rest", "Wake", "Rest"]
    (alarm,) = [
        alarm
        for alarm in client("cloudwatch").describe_alarms(AlarmNamePrefix=stack)["MetricAlarms"]
        if "RestAlarm" in alarm["AlarmName"]
    ]
    assert [query["Id"] for query in alarm["Metrics"]] == ["work", "backlog", "instances"]
    assert alarm["AlarmName"] in activities[0]["Cause"]
    assert alarm["StateReason"].startswith("Threshold Crossed: 8 out of the last 8 datapoints")


def test_an_endpoint_does_not_rest_while_a_client_waits(
    cloud: RunningLocalCloud,
    client: Callable[[str], Any],
    echo_image: str,
    eventually: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A job that the queue knows nothing of keeps the instance for fifty minutes, three times as long as the rest."""
    stack = f"Counted{uuid.uuid4().hex[:8]}"
    body = template(echo_image, "first", rest_periods=16, in_flight=True)
    client("cloudformation").create_stack(StackName=stack, TemplateBody=body)
    scaled = ScaledEndpoint(stack, client, eventually)
    outputs = scaled.deployed()
    for name, value in cloud.environment.items():
        monkeypatch.setenv(name, value)
    configuration = EndpointConfiguration(
        endpoint_name=outputs["EndpointName"],
        region="us-east-1",
        bucket=outputs["BucketName"],
        limits=Limits(max_job_seconds=3_600, request_ttl_seconds=3_600),
        prefixes=Prefixes(),
        consumers={},
        count_jobs_in_flight=True,
    )
    on_the_clouds_time = Clock(
        monotonic=lambda: time.monotonic() * TIME_SCALE, sleep=lambda seconds: time.sleep(seconds / TIME_SCALE)
    )
    with AsyncEndpoint(configuration, clock=on_the_clouds_time) as endpoint:
        job = endpoint.submit(b"page")
        lost = {name: f"s3://{outputs['BucketName']}/{name.split('_')[0]}/never" for name in LOCATIONS}
        with pytest.raises(ResultTimeout):
            endpoint.job(job.to_dict() | lost).result(timeout=3_000)
    assert scaled.instances() == ("InService", 1)
    eventually(lambda: scaled.instances() == ("InService", 0))
    dimensions = [{"Name": "EndpointName", "Value": outputs["EndpointName"]}]
    [metric] = client("cloudwatch").list_metrics(Namespace="AsyncInference", Dimensions=dimensions)["Metrics"]
    assert metric["MetricName"] == "JobsInFlight"


def test_scheduled_actions_of_a_template_move_the_limits(
    client: Callable[[str], Any], endpoint: ScaledEndpoint, echo_image: str, eventually: Callable[..., Any]
) -> None:
    """On simulated time, an endpoint at rest included; a template without them takes them away."""
    endpoint.rest()
    target = {
        "ServiceNamespace": "sagemaker",
        "ResourceId": f"endpoint/{endpoint.deployed()['EndpointName']}/variant/AllTraffic",
    }
    with_actions = json.loads(template(echo_image, "first"))
    with_actions["Resources"]["Target"]["Properties"]["ScheduledActions"] = [
        {
            "ScheduledActionName": "Morning",
            "Schedule": "rate(5 minutes)",
            "StartTime": "2020-01-01T00:00:00Z",
            "ScalableTargetAction": {"MinCapacity": "1"},
        }
    ]
    cloudformation, scaling = client("cloudformation"), client("application-autoscaling")
    cloudformation.update_stack(StackName=endpoint.stack, TemplateBody=json.dumps(with_actions))
    eventually(lambda: endpoint.instances() == ("InService", 1))
    [shown] = scaling.describe_scalable_targets(ServiceNamespace="sagemaker", ResourceIds=[target["ResourceId"]])[
        "ScalableTargets"
    ]
    assert (shown["MinCapacity"], shown["MaxCapacity"]) == (1, 2)
    causes = [one["Cause"] for one in scaling.describe_scaling_activities(**target)["ScalingActivities"]]
    assert {"scheduled action name Morning was triggered", "minimum capacity was set to 1"} <= set(causes)
    cloudformation.update_stack(StackName=endpoint.stack, TemplateBody=template(echo_image, "first"))
    endpoint.deployed()
    assert scaling.describe_scheduled_actions(**target)["ScheduledActions"] == []


def test_a_changed_model_replaces_what_cannot_be_updated(
    client: Callable[[str], Any], endpoint: ScaledEndpoint, echo_image: str
) -> None:
    """New model and configuration, the same endpoint, and its resting instances stay at rest."""
    endpoint.rest()
    before = endpoint.deployed()
    client("cloudformation").update_stack(StackName=endpoint.stack, TemplateBody=template(echo_image, "second"))
    assert endpoint.deployed() == before
    assert endpoint.instances() == ("InService", 0)
    assert endpoint.ask(b"who")["greeting"] == "second"
    sagemaker = client("sagemaker")
    assert len(sagemaker.list_models(NameContains=endpoint.stack)["Models"]) == 1
    assert len(sagemaker.list_endpoint_configs(NameContains=endpoint.stack)["EndpointConfigs"]) == 1


def test_another_instance_type_of_a_scaled_variant_rolls_back(
    client: Callable[[str], Any], endpoint: ScaledEndpoint, echo_image: str, eventually: Callable[..., Any]
) -> None:
    """SageMaker refuses the update while the variant is a target, so one deployment cannot change its type."""
    cloudformation, before = client("cloudformation"), endpoint.deployed()
    changed = template(echo_image, "first").replace("ml.m5.large", "ml.m5.xlarge")
    cloudformation.update_stack(StackName=endpoint.stack, TemplateBody=changed)

    def ended() -> str | None:
        status: str = cloudformation.describe_stacks(StackName=endpoint.stack)["Stacks"][0]["StackStatus"]
        return None if "IN_PROGRESS" in status else status

    assert eventually(ended) == "UPDATE_ROLLBACK_COMPLETE"
    events = cloudformation.describe_stack_events(StackName=endpoint.stack)["StackEvents"]
    [reason] = [event["ResourceStatusReason"] for event in events if event["ResourceStatus"] == "UPDATE_FAILED"]
    assert "Deregister the scalable target first" in reason
    assert client("sagemaker").describe_endpoint(EndpointName=before["EndpointName"])["EndpointStatus"] == "InService"
    assert len(client("sagemaker").list_endpoint_configs(NameContains=endpoint.stack)["EndpointConfigs"]) == 1


def test_deleting_the_stack_leaves_nothing(
    client: Callable[[str], Any], endpoint: ScaledEndpoint, eventually: Callable[..., Any]
) -> None:
    """Endpoint, configuration, model, target and every alarm go, those of target tracking included."""
    name, sagemaker = endpoint.deployed()["EndpointName"], client("sagemaker")
    client("cloudformation").delete_stack(StackName=endpoint.stack)
    eventually(lambda: not sagemaker.list_models(NameContains=endpoint.stack)["Models"])
    assert sagemaker.list_endpoints(NameContains=endpoint.stack)["Endpoints"] == []
    assert sagemaker.list_endpoint_configs(NameContains=endpoint.stack)["EndpointConfigs"] == []
    targets = client("application-autoscaling").describe_scalable_targets(
        ServiceNamespace="sagemaker", ResourceIds=[f"endpoint/{name}/variant/AllTraffic"]
    )
    assert targets["ScalableTargets"] == []
    alarms = [alarm["AlarmName"] for alarm in client("cloudwatch").describe_alarms()["MetricAlarms"]]
    assert [alarm for alarm in alarms if endpoint.stack in alarm] == []


def test_a_stack_can_be_deleted_while_its_endpoint_scales(
    client: Callable[[str], Any], endpoint: ScaledEndpoint, eventually: Callable[..., Any]
) -> None:
    """SageMaker refuses to delete the endpoint meanwhile, so CloudFormation waits."""
    cloudformation = client("cloudformation")
    stack_id = cloudformation.describe_stacks(StackName=endpoint.stack)["Stacks"][0]["StackId"]
    client("sagemaker").update_endpoint_weights_and_capacities(
        EndpointName=endpoint.deployed()["EndpointName"],
        DesiredWeightsAndCapacities=[{"VariantName": "AllTraffic", "DesiredInstanceCount": 2}],
    )
    cloudformation.delete_stack(StackName=endpoint.stack)

    def ended() -> str | None:
        status: str = cloudformation.describe_stacks(StackName=stack_id)["Stacks"][0]["StackStatus"]
        return None if "IN_PROGRESS" in status else status

    assert eventually(ended) == "DELETE_COMPLETE"


def test_a_template_that_names_an_unknown_image_rolls_back(
    client: Callable[[str], Any], eventually: Callable[..., Any]
) -> None:
    """The event of the endpoint says why, and nothing stays behind."""
    cloudformation, sagemaker = client("cloudformation"), client("sagemaker")
    cloudformation.create_stack(StackName="Unknown", TemplateBody=template(UNKNOWN_IMAGE, "none"))
    eventually(
        lambda: cloudformation.describe_stacks(StackName="Unknown")["Stacks"][0]["StackStatus"] == "ROLLBACK_COMPLETE"
    )
    events = cloudformation.describe_stack_events(StackName="Unknown")["StackEvents"]
    [reason] = [
        event["ResourceStatusReason"]
        for event in events
        if event["LogicalResourceId"] == "Endpoint" and event["ResourceStatus"] == "CREATE_FAILED"
    ]
    assert f"no program stands for the image {UNKNOWN_IMAGE}" in reason
    assert sagemaker.list_endpoints(NameContains="Unknown")["Endpoints"] == []
    assert sagemaker.list_models(NameContains="Unknown")["Models"] == []
