"""An endpoint in a local cloud of its own, with one instance in service, for a benchmark to work with."""

from __future__ import annotations

import json
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import boto3

from async_inference.configuration import Consumer, EndpointConfiguration, Limits, Prefixes
from local_cloud.process import REGION, local_cloud

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from local_cloud.process import RunningLocalCloud

IMAGE: Final = "000000000000.dkr.ecr.us-east-1.amazonaws.com/benchmark:1"
NAME: Final = "benchmark"
CONCURRENCY: Final = 32
TIME_SCALE: Final = 60.0
"""An instance comes in a second, and a request still has a minute of the machine's time to be worked on."""

_START_SECONDS: Final = 30.0


@contextmanager
def local_endpoint(command: Sequence[str]) -> Iterator[tuple[RunningLocalCloud, EndpointConfiguration]]:
    """Run a local cloud while the context lasts, in which ``command`` stands for the model's container.

    Raises:
        TimeoutError: the endpoint does not come into service.
    """
    with local_cloud(time_scale=TIME_SCALE, containers={IMAGE: command}) as cloud:
        environment = cloud.environment
        new_client: Any = boto3.Session(
            aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
            region_name=REGION,
        ).client
        yield cloud, _create(lambda service: new_client(service, endpoint_url=cloud.endpoint_url))


def _create(client: Callable[[str], Any]) -> EndpointConfiguration:
    prefixes = Prefixes()
    client("s3").create_bucket(Bucket=NAME)
    role = _execution_role(client)
    topics, queue_url = _notifications(client)
    sagemaker = client("sagemaker")
    sagemaker.create_model(ModelName=NAME, ExecutionRoleArn=role, PrimaryContainer={"Image": IMAGE})
    variant = {"VariantName": "AllTraffic", "ModelName": NAME, "InitialInstanceCount": 1}
    paths = {"S3OutputPath": f"s3://{NAME}/{prefixes.output}", "S3FailurePath": f"s3://{NAME}/{prefixes.failure}"}
    sagemaker.create_endpoint_config(
        EndpointConfigName=NAME,
        ProductionVariants=[variant | {"InstanceType": "ml.m5.large"}],
        AsyncInferenceConfig={
            "ClientConfig": {"MaxConcurrentInvocationsPerInstance": CONCURRENCY},
            "OutputConfig": paths | {"NotificationConfig": topics},
        },
    )
    sagemaker.create_endpoint(EndpointName=NAME, EndpointConfigName=NAME)
    deadline = time.monotonic() + _START_SECONDS
    while sagemaker.describe_endpoint(EndpointName=NAME)["EndpointStatus"] != "InService":
        if time.monotonic() > deadline:
            raise TimeoutError(f"endpoint {NAME} is not in service after {_START_SECONDS:.0f} s")
        time.sleep(0.1)
    return EndpointConfiguration(
        endpoint_name=NAME,
        region=REGION,
        bucket=NAME,
        limits=Limits(max_job_seconds=3_600, request_ttl_seconds=21_600),
        prefixes=prefixes,
        consumers={NAME: Consumer(queue_url=queue_url)},
    )


def _execution_role(client: Callable[[str], Any]) -> str:
    """Make a role that SageMaker may assume, and return its ARN."""
    statement = {"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}
    trust = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    arn: str = client("iam").create_role(RoleName=NAME, AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    return arn


def _notifications(client: Callable[[str], Any]) -> tuple[dict[str, str], str]:
    """Make both topics and a consumer's queue, and return the topics and the queue's address."""
    sns, sqs = client("sns"), client("sqs")
    queue_url = sqs.create_queue(QueueName=NAME, Attributes={"VisibilityTimeout": "120"})["QueueUrl"]
    queue = sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    topics = {kind: sns.create_topic(Name=f"{NAME}-{kind}")["TopicArn"] for kind in ("SuccessTopic", "ErrorTopic")}
    attributes = {
        "RawMessageDelivery": "true",
        "FilterPolicyScope": "MessageBody",
        "FilterPolicy": json.dumps({"inferenceId": [{"prefix": f"{NAME}-"}]}),
    }
    for topic in topics.values():
        sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue, Attributes=attributes)
    return topics, queue_url
