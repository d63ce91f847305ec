"""The app's own template, deployed by the real CDK CLI into the local cloud, and used as its callers use it."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config

from async_inference import AsyncEndpoint, ModelError, PollingPolicy
from async_inference.doctor import Level, examine
from local_cloud.demo.documents import CONTENT_TYPE, broken_page, scanned_page
from local_cloud.deployment import DeploymentError, bootstrap, deploy
from local_cloud.process import ACCOUNT, REGION, local_cloud

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from local_cloud.process import RunningLocalCloud

TIME_SCALE = 60.0
FIRST_WORDS = "Region-based segmentation"


def eventually(condition: Callable[[], bool], *, seconds: float) -> bool:
    """Whether ``condition`` comes to hold within ``seconds``."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.2)
    return True


@pytest.fixture(scope="module")
def cloud() -> Iterator[RunningLocalCloud]:
    """A bootstrapped local cloud that refuses what no policy of the template allows."""
    with local_cloud(time_scale=TIME_SCALE, enforce_iam=True) as running:
        bootstrap(running.environment, account=ACCOUNT, region=REGION)
        yield running


@pytest.fixture(scope="module")
def assembly(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the synthesized app stays."""
    return tmp_path_factory.mktemp("assembly")


@pytest.fixture(scope="module")
def outputs(cloud: RunningLocalCloud, assembly: Path) -> dict[str, str]:
    """The outputs of the deployed stack."""
    (outputs,) = deploy(cloud.environment, stage="local", assembly=assembly).values()
    return outputs


@pytest.fixture(autouse=True)
def environment(cloud: RunningLocalCloud, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make boto3 talk to the local cloud, with these credentials and none that another test left in its session."""
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    for name, value in cloud.environment.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def endpoint(outputs: dict[str, str]) -> AsyncEndpoint:
    """The deployed endpoint, found by its parameter."""
    polling = PollingPolicy(initial_seconds=0.5, maximum_seconds=1)
    return AsyncEndpoint.from_parameter(outputs["ParameterName"], polling=polling)


def _invoke(outputs: dict[str, str], event: dict[str, Any]) -> tuple[bool, dict[str, Any]]:
    """Invoke the polling function, and return whether it failed and what it answered."""
    client = boto3.client("lambda", config=Config(read_timeout=910, retries={"total_max_attempts": 1}))
    response = client.invoke(FunctionName=outputs["PollingFunctionName"], Payload=json.dumps(event))
    return "FunctionError" in response, json.load(response["Payload"])


def test_document_is_read_through_the_client(endpoint: AsyncEndpoint) -> None:
    """A scanned page goes in, its text comes out."""
    job = endpoint.submit(scanned_page().content, content_type=CONTENT_TYPE)

    assert FIRST_WORDS in job.result(timeout=90).json()["text"]


def test_job_is_taken_up_from_its_document(endpoint: AsyncEndpoint) -> None:
    """What another process stored is enough to get the result."""
    stored = json.dumps(endpoint.submit(scanned_page().content, content_type=CONTENT_TYPE).to_dict())

    job = endpoint.job(json.loads(stored))

    assert FIRST_WORDS in job.result(timeout=90).json()["text"]


def test_broken_document_is_a_model_error(endpoint: AsyncEndpoint) -> None:
    """The model's own words reach the caller."""
    job = endpoint.submit(broken_page().content, content_type=CONTENT_TYPE)

    with pytest.raises(ModelError, match="cannot be decoded"):
        job.result(timeout=90)


def test_document_is_read_through_the_function(outputs: dict[str, str], endpoint: AsyncEndpoint) -> None:
    """The polling function takes a document by reference and answers with its text."""
    key = f"{endpoint.configuration.prefixes.input}page.png"
    boto3.client("s3").put_object(Bucket=outputs["BucketName"], Key=key, Body=scanned_page().content)

    failed, answer = _invoke(
        outputs, {"input_location": f"s3://{outputs['BucketName']}/{key}", "content_type": CONTENT_TYPE}
    )

    assert not failed
    assert answer["status"] == "SUCCEEDED"
    assert FIRST_WORDS in answer["result"]["json"]["text"]


def test_function_raises_the_models_failure(outputs: dict[str, str], endpoint: AsyncEndpoint) -> None:
    """The error's type and message name the cause."""
    key = f"{endpoint.configuration.prefixes.input}broken.png"
    boto3.client("s3").put_object(Bucket=outputs["BucketName"], Key=key, Body=broken_page().content)

    failed, answer = _invoke(
        outputs, {"input_location": f"s3://{outputs['BucketName']}/{key}", "content_type": CONTENT_TYPE}
    )

    assert failed
    assert answer["errorType"] == "ModelError"
    assert "cannot be decoded" in answer["errorMessage"]


def _outcomes(outputs: dict[str, str]) -> set[str]:
    """Return the keys of all outputs and failures so far."""
    objects = boto3.client("s3").get_paginator("list_objects_v2")
    return {
        found["Key"]
        for page in objects.paginate(Bucket=outputs["BucketName"])
        for found in page.get("Contents", [])
        if not found["Key"].startswith("input/")
    }


def test_function_goes_on_with_a_job_without_submitting(outputs: dict[str, str], endpoint: AsyncEndpoint) -> None:
    """Given a job, the function answers with its result, and no other outcome appears."""
    before = _outcomes(outputs)
    job = endpoint.submit(scanned_page().content, content_type=CONTENT_TYPE)

    failed, answer = _invoke(outputs, {"job": job.to_dict()})

    assert not failed
    assert answer["job"] == job.to_dict()
    # A second submission would wait in the same queue: what is asked after it has been answered after it.
    endpoint.submit(broken_page().content, content_type=CONTENT_TYPE).exception(timeout=90)
    assert {key.partition("/")[0] for key in _outcomes(outputs) - before} == {"output", "failure"}
    assert len(_outcomes(outputs) - before) == 2


def test_function_refuses_a_malformed_event(outputs: dict[str, str]) -> None:
    """The one line names the field."""
    failed, answer = _invoke(outputs, {"payload": "text", "pyload": 1})

    assert failed
    assert answer["errorType"] == "InvalidRequest"
    assert "pyload" in answer["errorMessage"]


def test_boto3_alone_gets_its_result(cloud: RunningLocalCloud, outputs: dict[str, str]) -> None:
    """A caller without this project's client finds the output where the response says."""
    runtime = boto3.client("sagemaker-runtime", endpoint_url=cloud.endpoint_url)

    response = runtime.invoke_endpoint_async(
        EndpointName=outputs["EndpointName"],
        Body=scanned_page().content,
        ContentType=CONTENT_TYPE,
        InvocationTimeoutSeconds=3600,
    )

    bucket, _, key = response["OutputLocation"].removeprefix("s3://").partition("/")
    s3 = boto3.client("s3")
    assert eventually(lambda: "Contents" in s3.list_objects_v2(Bucket=bucket, Prefix=key), seconds=90)
    assert FIRST_WORDS in json.load(s3.get_object(Bucket=bucket, Key=key)["Body"])["text"]


def test_consumer_hears_of_its_own_requests_alone(endpoint: AsyncEndpoint) -> None:
    """The queue gets the notice of a request whose inference id has the consumer's prefix, and no other."""
    queue_url = endpoint.configuration.consumers["default"].queue_url
    endpoint.submit(scanned_page().content, content_type=CONTENT_TYPE, inference_id="other-1").result(timeout=90)
    endpoint.submit(scanned_page().content, content_type=CONTENT_TYPE, inference_id="default-1").result(timeout=90)

    received = boto3.client("sqs").receive_message(QueueUrl=queue_url, MaxNumberOfMessages=10, WaitTimeSeconds=10)

    notices = [json.loads(message["Body"]) for message in received["Messages"]]
    assert [(notice["inferenceId"], notice["invocationStatus"]) for notice in notices] == [("default-1", "Completed")]


def test_the_doctor_finds_no_problem(outputs: dict[str, str]) -> None:
    """What the stack deploys is what the doctor looks for."""
    findings = list(examine(outputs["ParameterName"]))

    assert [finding for finding in findings if finding.level is not Level.OK] == []
    assert {"wake alarm", "scaling policies", "queue of default"} <= {finding.check for finding in findings}


def test_second_deployment_changes_nothing(cloud: RunningLocalCloud, outputs: dict[str, str], assembly: Path) -> None:
    """The same app deployed again touches no resource.

    That it is the same when it is synthesized again shows in ``test_a_diff_against_what_is_deployed_is_empty``.
    """
    cloudformation = boto3.client("cloudformation")

    def resources() -> dict[str, Any]:
        described = cloudformation.describe_stack_resources(StackName="AsyncInference-local-ocr")["StackResources"]
        return {each["LogicalResourceId"]: (each["PhysicalResourceId"], each["Timestamp"]) for each in described}

    before = resources()
    (again,) = deploy(cloud.environment, stage="local", assembly=assembly).values()

    assert outputs == again
    assert before == resources()


def test_endpoint_wakes_and_rests(outputs: dict[str, str], endpoint: AsyncEndpoint) -> None:
    """With nothing more to do the endpoint goes to zero instances; a request at zero brings it back."""
    sagemaker = boto3.client("sagemaker")

    def instances() -> int:
        (variant,) = sagemaker.describe_endpoint(EndpointName=outputs["EndpointName"])["ProductionVariants"]
        return variant["CurrentInstanceCount"]

    assert eventually(lambda: instances() == 0, seconds=180)
    job = endpoint.submit(scanned_page().content, content_type=CONTENT_TYPE)
    assert eventually(lambda: instances() == 1, seconds=60)
    assert FIRST_WORDS in job.result(timeout=90).json()["text"]


def test_failed_deployment_says_what_the_cli_said(cloud: RunningLocalCloud) -> None:
    """The error names the command and ends with the CLI's own words."""
    with pytest.raises(DeploymentError, match=r"(?s)cdk deploy failed with exit code 1:.*stage is 'nonsense'"):
        deploy(cloud.environment, stage="nonsense")
