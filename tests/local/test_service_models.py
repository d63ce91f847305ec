"""Every operation that our services implement, walked through: each answer is one that AWS could give.

The fixture ``_answers_fit_the_service_models`` holds the responses of this and all other tests of the folder against
botocore's service models.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
import urllib3
from botocore.exceptions import ClientError

from local_cloud.service_model import service_model

if TYPE_CHECKING:
    from collections.abc import Callable

    from local_cloud.process import RunningLocalCloud
    from tests.local.wire import Answers

ROLE = "arn:aws:iam::000000000000:role/execution"
RESOURCE = "endpoint/walked/variant/AllTraffic"
DIMENSION = "sagemaker:variant:DesiredInstanceCount"
TARGET = {"ServiceNamespace": "sagemaker", "ResourceId": RESOURCE, "ScalableDimension": DIMENSION}
TAGS = [{"Key": "team", "Value": "reading"}]
JSON_TARGETS = {"sagemaker": "SageMaker", "application-autoscaling": "AnyScaleFrontendService"}
CUSTOM = {
    "Namespace": "AWS/SageMaker",
    "MetricName": "ApproximateBacklogSizePerInstance",
    "Dimensions": [{"Name": "EndpointName", "Value": "walked"}],
    "Statistic": "Average",
}


def implemented(cloud: RunningLocalCloud, service: str) -> set[str]:
    """Return the operations of a JSON service that are not answered with ``UnknownOperationException``."""

    def is_known(name: str) -> bool:
        response = urllib3.request(
            "POST",
            cloud.endpoint_url,
            body=b"[]",
            headers={
                "Content-Type": "application/x-amz-json-1.1",
                "X-Amz-Target": f"{JSON_TARGETS[service]}.{name}",
                "Authorization": f"AWS4-HMAC-SHA256 Credential=000000000000/20260101/us-east-1/{service}/aws4_request",
            },
        )
        return bool(json.loads(response.data)["__type"] != "UnknownOperationException")

    return {name for name in service_model(service).operation_names if is_known(name)}


def refused(operation: Callable[..., Any], **members: object) -> str:
    """Return the code with which a call is refused."""
    with pytest.raises(ClientError) as refusal:
        operation(**members)
    return str(refusal.value.response["Error"]["Code"])


@pytest.fixture(scope="module")
def endpoint(client: Callable[[str], Any], echo_image: str) -> str:
    """An endpoint with model and configuration, all called the same, in service by boto3's own waiter."""
    sagemaker, name = client("sagemaker"), "walked"
    client("s3").create_bucket(Bucket=name)
    sagemaker.create_model(
        ModelName=name,
        ExecutionRoleArn=ROLE,
        PrimaryContainer={"Image": echo_image},
        Tags=TAGS,
        EnableNetworkIsolation=True,
    )
    variant = {"VariantName": "AllTraffic", "ModelName": name, "InitialInstanceCount": 1}
    sagemaker.create_endpoint_config(
        EndpointConfigName=name,
        ProductionVariants=[variant | {"InstanceType": "ml.m5.large"}],
        AsyncInferenceConfig={"OutputConfig": {"S3OutputPath": f"s3://{name}/output"}},
        Tags=TAGS,
    )
    sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name, Tags=TAGS)
    sagemaker.get_waiter("endpoint_in_service").wait(EndpointName=name, WaiterConfig={"Delay": 1})
    return name


def walk_control_api(sagemaker: Any, name: str) -> None:  # noqa: ANN401 - a boto3 client
    """Perform what can be done to a model, a configuration and an endpoint that stay."""
    sagemaker.describe_model(ModelName=name)
    sagemaker.describe_endpoint_config(EndpointConfigName=name)
    arn = sagemaker.describe_endpoint(EndpointName=name)["EndpointArn"]
    sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "a", "Value": "b"}])
    sagemaker.delete_tags(ResourceArn=arn, TagKeys=["a"])
    pages = {"list_models": "Models", "list_endpoint_configs": "EndpointConfigs", "list_endpoints": "Endpoints"}
    for operation, member in pages.items():
        shown = sagemaker.get_paginator(operation).paginate(PaginationConfig={"PageSize": 1})
        assert [len(page[member]) for page in shown] == [1]
    assert sagemaker.get_paginator("list_tags").paginate(ResourceArn=arn).build_full_result() == {"Tags": TAGS}
    sagemaker.update_endpoint(EndpointName=name, EndpointConfigName=name)
    sagemaker.get_waiter("endpoint_in_service").wait(EndpointName=name, WaiterConfig={"Delay": 1})
    wish = {"VariantName": "AllTraffic", "DesiredInstanceCount": 1, "DesiredWeight": 1}
    sagemaker.update_endpoint_weights_and_capacities(EndpointName=name, DesiredWeightsAndCapacities=[wish])
    sagemaker.get_waiter("endpoint_in_service").wait(EndpointName=name, WaiterConfig={"Delay": 1})


def walk_auto_scaling(scaling: Any) -> None:  # noqa: ANN401 - a boto3 client
    """Register the endpoint, give it policies of both kinds and scheduled actions, and take all of it away again."""
    scaling.register_scalable_target(**TARGET, MinCapacity=0, MaxCapacity=2)
    step = {
        "AdjustmentType": "ChangeInCapacity",
        "StepAdjustments": [{"MetricIntervalLowerBound": 0, "ScalingAdjustment": 1}],
    }
    scaling.put_scaling_policy(
        **TARGET, PolicyName="wake", PolicyType="StepScaling", StepScalingPolicyConfiguration=step
    )
    scaling.put_scaling_policy(
        **TARGET,
        PolicyName="grow",
        PolicyType="TargetTrackingScaling",
        TargetTrackingScalingPolicyConfiguration={"TargetValue": 5, "CustomizedMetricSpecification": CUSTOM},
    )
    for name in ("morning", "evening"):
        scaling.put_scheduled_action(
            **TARGET,
            ScheduledActionName=name,
            Schedule="at(2099-01-01T00:00:00)",
            StartTime=datetime(2098, 1, 1, tzinfo=UTC),
            ScalableTargetAction={"MinCapacity": 1},
        )
    for operation, member, count in (
        ("describe_scalable_targets", "ScalableTargets", 1),
        ("describe_scaling_policies", "ScalingPolicies", 2),
        ("describe_scheduled_actions", "ScheduledActions", 2),
    ):
        shown = scaling.get_paginator(operation).paginate(
            ServiceNamespace="sagemaker", PaginationConfig={"PageSize": 1}
        )
        assert [len(page[member]) for page in shown] == [1] * count
    scaling.delete_scheduled_action(**TARGET, ScheduledActionName="evening")
    scaling.get_paginator("describe_scaling_activities").paginate(ServiceNamespace="sagemaker").build_full_result()
    scaling.delete_scaling_policy(**TARGET, PolicyName="wake")
    scaling.deregister_scalable_target(**TARGET)


def walk_refusals(client: Callable[[str], Any]) -> None:
    """Ask each service for what is not there."""
    sagemaker, scaling, runtime = (
        client(service) for service in ("sagemaker", "application-autoscaling", "sagemaker-runtime")
    )
    assert refused(sagemaker.describe_endpoint, EndpointName="none") == "ValidationException"
    assert refused(sagemaker.create_model, ModelName="-") == "ValidationException"
    assert refused(sagemaker.list_training_jobs) == "UnknownOperationException"
    assert refused(scaling.deregister_scalable_target, **TARGET) == "ObjectNotFoundException"
    assert refused(scaling.register_scalable_target, **TARGET | {"ResourceId": "x"}) == "ValidationException"
    assert refused(runtime.invoke_endpoint_async, EndpointName="none", Body=b"x") == "ValidationError"
    assert refused(runtime.invoke_endpoint, EndpointName="walked", Body=b"x") == "ValidationError"


def test_every_operation_answers_as_its_model_says(
    cloud: RunningLocalCloud, client: Callable[[str], Any], endpoint: str, answers: Answers
) -> None:
    """What is implemented is walked, and what is walked fits; waiters and paginators of boto3 do their work."""
    sagemaker = client("sagemaker")
    walk_control_api(sagemaker, endpoint)
    walk_auto_scaling(client("application-autoscaling"))
    client("sagemaker-runtime").invoke_endpoint_async(EndpointName=endpoint, Body=b"x")
    walk_refusals(client)
    sagemaker.delete_endpoint(EndpointName=endpoint)
    sagemaker.get_waiter("endpoint_deleted").wait(EndpointName=endpoint, WaiterConfig={"Delay": 1})
    sagemaker.delete_endpoint_config(EndpointConfigName=endpoint)
    sagemaker.delete_model(ModelName=endpoint)
    for service in JSON_TARGETS:
        walked = {name for walked_service, name in answers.results if walked_service == service}
        assert implemented(cloud, service) - walked == set()
    assert ("sagemaker-runtime", "InvokeEndpointAsync") in answers.results
