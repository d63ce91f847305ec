"""A thousand jobs at once: all results, few requests, and nothing left behind."""

from __future__ import annotations

import gc
import json
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from async_inference import AsyncEndpoint, EndpointConfiguration, ModelError, PollingPolicy, as_completed
from async_inference.configuration import Consumer, Limits, Prefixes

if TYPE_CHECKING:
    from collections.abc import Callable

    from botocore.model import OperationModel

    from async_inference import Job
    from local_cloud.process import RunningLocalCloud

JOBS = 1_000
BUCKET = "many"
CONSUMER = "tests"
WAITING_IN_S3 = {"ListObjectsV2", "HeadObject"}
WAITING_IN_SQS = {"ReceiveMessage", "DeleteMessageBatch"}


@pytest.fixture(scope="module")
def configuration(
    client: Callable[[str], Any], echo_image: str, eventually: Callable[..., Any]
) -> EndpointConfiguration:
    """An endpoint in service that works on hundreds of requests at a time, with one consumer."""
    client("s3").create_bucket(Bucket=BUCKET)
    topics = [client("sns").create_topic(Name=name)["TopicArn"] for name in ("many-success", "many-error")]
    sns, sqs, sagemaker = client("sns"), client("sqs"), client("sagemaker")
    queue_url = sqs.create_queue(QueueName=CONSUMER, Attributes={"VisibilityTimeout": "120"})["QueueUrl"]
    queue = sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    attributes = {
        "RawMessageDelivery": "true",
        "FilterPolicyScope": "MessageBody",
        "FilterPolicy": json.dumps({"inferenceId": [{"prefix": f"{CONSUMER}-"}]}),
    }
    for topic in topics:
        sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue, Attributes=attributes)
    sagemaker.create_model(
        ModelName="many",
        ExecutionRoleArn="arn:aws:iam::000000000000:role/execution",
        PrimaryContainer={"Image": echo_image},
    )
    variant = {"VariantName": "AllTraffic", "ModelName": "many", "InitialInstanceCount": 1}
    sagemaker.create_endpoint_config(
        EndpointConfigName="many",
        ProductionVariants=[variant | {"InstanceType": "ml.m5.large"}],
        AsyncInferenceConfig={
            "ClientConfig": {"MaxConcurrentInvocationsPerInstance": 32},
            "OutputConfig": {
                "S3OutputPath": f"s3://{BUCKET}/output",
                "S3FailurePath": f"s3://{BUCKET}/failure",
                "NotificationConfig": {"SuccessTopic": topics[0], "ErrorTopic": topics[1]},
            },
        },
    )
    sagemaker.create_endpoint(EndpointName="many", EndpointConfigName="many")
    eventually(lambda: sagemaker.describe_endpoint(EndpointName="many")["EndpointStatus"] == "InService")
    return EndpointConfiguration(
        endpoint_name="many",
        region="us-east-1",
        bucket=BUCKET,
        limits=Limits(max_job_seconds=3_600, request_ttl_seconds=21_600),
        prefixes=Prefixes(),
        consumers={CONSUMER: Consumer(queue_url=queue_url)},
    )


@pytest.fixture
def new_session(cloud: RunningLocalCloud, monkeypatch: pytest.MonkeyPatch) -> Callable[[Counter[str]], boto3.Session]:
    """Returns what makes clients of the local cloud whose requests are counted."""
    for name, value in cloud.environment.items():
        monkeypatch.setenv(name, value)

    def new(requests: Counter[str]) -> boto3.Session:
        lock = threading.Lock()

        def count(model: OperationModel, **_: object) -> None:
            with lock:
                requests[model.name] += 1

        session = boto3.Session()
        session.events.register("before-call", count)
        return session

    return new


def open_files() -> int:
    """Return how many file descriptors this process has."""
    gc.collect()
    return len(list(Path("/proc/self/fd").iterdir()))


def answer(job: Job) -> str:
    """Return the payload that the container answers, or fails, with."""
    try:
        body: str = job.result(timeout=0).json()["body"]
    except ModelError:
        return "fail 400"
    return body


def wait_for(jobs: list[Job]) -> list[tuple[Job, str]]:
    """Return the jobs with their answers, as they end."""
    ended = list(as_completed(jobs, timeout=60))
    with ThreadPoolExecutor(4) as pool:
        return list(zip(ended, pool.map(answer, ended), strict=True))


def test_a_thousand_jobs(
    configuration: EndpointConfiguration,
    new_session: Callable[[Counter[str]], boto3.Session],
    eventually: Callable[..., Any],
) -> None:
    """By listing and by push: every answer, at most 0.2 S3 and 0.25 SQS requests a job, no thread, no descriptor."""
    listing, push = Counter[str](), Counter[str]()
    sessions = new_session(listing), new_session(push)
    files, threads = open_files(), threading.active_count()
    polling = PollingPolicy(initial_seconds=0.5, maximum_seconds=2.0)

    with (
        AsyncEndpoint(configuration, session=sessions[0], polling=polling) as lister,
        AsyncEndpoint(configuration, session=sessions[1], polling=polling, consumer=CONSUMER) as consumer,
        ThreadPoolExecutor(8) as pool,
    ):
        payloads = ["fail 400" if number % 100 == 0 else f"page {number}" for number in range(JOBS)]
        jobs = dict(zip(pool.map(consumer.submit, payloads), payloads, strict=True))
        listed = pool.submit(wait_for, [lister.job(job.to_dict()) for job in jobs])
        pushed = wait_for(list(jobs))

        for answers in (listed.result(), pushed):
            assert len(answers) == JOBS
            assert dict(answers) == jobs
    for requests in (listing, push):
        assert sum(requests[name] for name in WAITING_IN_S3) <= 0.2 * JOBS
        assert requests["GetObject"] == JOBS + JOBS // 100
    assert sum(listing[name] for name in WAITING_IN_SQS) == 0
    # None at all where every job had ended before the first look; tests/unit has the same at an exact rate.
    assert sum(push[name] for name in WAITING_IN_SQS) <= 0.25 * JOBS
    assert (listing["InvokeEndpointAsync"], push["InvokeEndpointAsync"]) == (0, JOBS)
    assert threading.active_count() == threads
    assert eventually(lambda: open_files() <= files)  # a socket that was closed may take a moment
