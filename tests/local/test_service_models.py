"""Every operation that our services implement, walked through: each answer is one that AWS could give.

The fixture ``_answers_fit_the_service_models`` holds the responses of this and all other tests of the folder against
botocore's service models.
"""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import boto3
import pytest
import urllib3
from botocore import xform_name
from botocore.config import Config
from botocore.exceptions import ClientError

from local_cloud.json_api import JsonApi
from local_cloud.scope import Scope
from local_cloud.service_model import service_model
from tests.local.wire import OUR_SERVICES, Answers

if TYPE_CHECKING:
    from collections.abc import Callable

    from botocore.model import OperationModel

    from local_cloud.json_api import Members
    from local_cloud.process import RunningLocalCloud

ROLE = "arn:aws:iam::000000000000:role/execution"
RESOURCE = "endpoint/walked/variant/AllTraffic"
DIMENSION = "sagemaker:variant:DesiredInstanceCount"
TARGET = {"ServiceNamespace": "sagemaker", "ResourceId": RESOURCE, "ScalableDimension": DIMENSION}
TAGS = [{"Key": "team", "Value": "reading"}]
NEVER_PERFORMED = {("sagemaker-runtime", "InvokeEndpoint"), ("sagemaker-runtime", "InvokeEndpointWithResponseStream")}
"""What an asynchronous endpoint always refuses."""

JSON_TARGETS = {"sagemaker": "SageMaker", "application-autoscaling": "AnyScaleFrontendService"}
CUSTOM = {
    "Namespace": "AWS/SageMaker",
    "MetricName": "ApproximateBacklogSizePerInstance",
    "Dimensions": [{"Name": "EndpointName", "Value": "walked"}],
    "Statistic": "Average",
}


def implemented(ask: Callable[[OperationModel], str], service: str) -> set[str]:
    """Return the operations in a service's model that are not answered with ``UnknownOperationException``.

    Args:
        ask: requests an operation in a form that none performs, and returns the code of the refusal.
        service: by botocore's name.
    """
    model = service_model(service)
    operations = (model.operation_model(name) for name in model.operation_names)
    return {one.name for one in operations if ask(one) != "UnknownOperationException"}


def asked(cloud: RunningLocalCloud) -> Callable[[OperationModel], str]:
    """Return what asks a local cloud."""

    def ask(operation: OperationModel) -> str:
        target = JSON_TARGETS.get(operation.service_model.service_name)
        signed = f"AWS4-HMAC-SHA256 Credential=000000000000/20260101/us-east-1/{operation.service_model.signing_name}"
        headers = {"Content-Type": "application/x-amz-json-1.1", "Authorization": f"{signed}/aws4_request"}
        if target:
            headers["X-Amz-Target"] = f"{target}.{operation.name}"
        response = urllib3.request(
            operation.http["method"],
            cloud.endpoint_url + operation.http["requestUri"].replace("{EndpointName}", "none"),
            body=b"[]",
            headers=headers,
        )
        return str(json.loads(response.data)["__type"])

    return ask


def impossible_input(operation: OperationModel) -> dict[str, Any]:
    """Return an input that no service takes: without its required members, or with a number that is too small."""
    shape = operation.input_shape
    assert shape is not None
    if shape.required_members:
        return {}
    numbers = {name: member.metadata["min"] for name, member in shape.members.items() if "min" in member.metadata}
    name = next(name for name in numbers if shape.members[name].type_name == "integer")
    return {name: numbers[name] - 1}


def unwalked(names: set[str], service: str, answers: Answers) -> set[str]:
    """Return those of a service's implemented operations that were not both performed and refused."""
    performed = answers.performed(service) | {name for of, name in NEVER_PERFORMED if of == service}
    return names - (performed & answers.refused(service))


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
    arn = scaling.register_scalable_target(**TARGET, MinCapacity=0, MaxCapacity=2)["ScalableTargetARN"]
    scaling.tag_resource(ResourceARN=arn, Tags={"team": "reading"})
    assert scaling.list_tags_for_resource(ResourceARN=arn)["Tags"] == {"team": "reading"}
    scaling.untag_resource(ResourceARN=arn, TagKeys=["team"])
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


def walk_impossible_inputs(cloud: RunningLocalCloud, answers: Answers, service: str, names: set[str]) -> None:
    """Ask each operation for what botocore would not let through."""
    unchecked: Any = boto3.client
    client = answers.watch(
        unchecked(
            service,
            endpoint_url=cloud.endpoint_url,
            region_name="us-east-1",
            aws_access_key_id="000000000000",
            aws_secret_access_key="x",  # noqa: S106 - the local cloud's
            config=Config(parameter_validation=False),
        )
    )
    for name in names:
        operation = client.meta.service_model.operation_model(name)
        call = getattr(client, xform_name(name))
        assert refused(call, **impossible_input(operation)) == "ValidationException"


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
    for operation in (runtime.invoke_endpoint, runtime.invoke_endpoint_with_response_stream):
        assert refused(operation, EndpointName="walked", Body=b"x") == "ValidationError"


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
    for service in OUR_SERVICES:
        names = implemented(asked(cloud), service)
        if service in JSON_TARGETS:
            walk_impossible_inputs(cloud, answers, service, names)
        assert names
        assert unwalked(names, service, answers) == set()


async def nothing(_scope: Scope, _members: Members) -> Members:
    """Perform an operation."""
    return {}


def test_an_operation_that_nobody_walks_is_found() -> None:
    """Whatever a service's front answers to is looked for, and both its answers have to be seen."""
    front = JsonApi("sagemaker", {"ListModels": nothing, "CreateTrainingJob": nothing})

    def ask(operation: OperationModel) -> str:
        scope = Scope("000000000000", "us-east-1")
        _, _, body = asyncio.run(front.respond(scope, f"SageMaker.{operation.name}", b"[]"))
        return str(json.loads(body)["__type"])

    names, answers = implemented(ask, "sagemaker"), Answers()
    assert names == {"ListModels", "CreateTrainingJob"}
    assert unwalked(names, "sagemaker", answers) == names
    answers.results |= {("sagemaker", "ListModels"), ("sagemaker", "CreateTrainingJob")}
    answers.refusals.add(("sagemaker", "ListModels", "ValidationException"))
    assert unwalked(names, "sagemaker", answers) == {"CreateTrainingJob"}


def test_an_unsigned_request_of_the_runtime_is_refused(cloud: RunningLocalCloud) -> None:
    """Nothing but its path says that it is one, and S3 would take it for one of its own."""
    address = f"{cloud.endpoint_url}/endpoints/walked/async-invocations"
    response = urllib3.request("POST", address, body=b"x")
    assert (response.status, response.headers["x-amzn-ErrorType"]) == (403, "MissingAuthenticationToken")
    assert response.headers["Content-Type"] == "application/json"
    assert json.loads(response.data)["message"] == "Missing Authentication Token"


def test_a_bucket_may_be_called_endpoints(cloud: RunningLocalCloud, client: Callable[[str], Any]) -> None:
    """Paths of the runtime are names of objects, too: signed for S3, or with a method or query of S3."""
    s3, name = client("s3"), {"Bucket": "endpoints", "Key": "walked/async-invocations"}
    s3.create_bucket(Bucket="endpoints")
    upload = s3.create_multipart_upload(**name)["UploadId"]
    part = s3.upload_part(**name, UploadId=upload, PartNumber=1, Body=b"content")
    parts = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
    presigned = s3.generate_presigned_url(
        "complete_multipart_upload", Params={**name, "UploadId": upload, "MultipartUpload": parts}
    )
    listed = f"<Part><PartNumber>1</PartNumber><ETag>{part['ETag']}</ETag></Part>"
    document = f"<CompleteMultipartUpload>{listed}</CompleteMultipartUpload>"
    assert urllib3.request("POST", presigned, body=document.encode()).status == 200
    assert urllib3.request("GET", f"{cloud.endpoint_url}/endpoints/{name['Key']}").data == b"content"
