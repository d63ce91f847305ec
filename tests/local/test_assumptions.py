"""The other answers to what AWS leaves open."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from async_inference import AsyncEndpoint, Clients, EndpointConfiguration, PollingPolicy
from async_inference.configuration import Limits, Prefixes
from local_cloud.process import local_cloud
from tests.local.sagemaker_calls import IN_A_MOMENT, create_endpoint, create_execution_role

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from local_cloud.process import RunningLocalCloud

OTHERWISE = (
    "failures_follow_extension=true",
    "repeated_filename=fails",
    "expiry_is_a_failure=true",
    "scale_in=drains",
    "backlog_counts_running_work=false",
    "submissions_are_throttled=true",
)


def scale(client: Callable[[str], Any], name: str, count: int) -> None:
    """Change the number of instances and wait until it is so."""
    wish = {"VariantName": "AllTraffic", "DesiredInstanceCount": count}
    sagemaker = client("sagemaker")
    sagemaker.update_endpoint_weights_and_capacities(EndpointName=name, DesiredWeightsAndCapacities=[wish])
    sagemaker.get_waiter("endpoint_in_service").wait(EndpointName=name, WaiterConfig=IN_A_MOMENT)


def submit_two(client: Callable[[str], Any], endpoint: str, seconds: int = 1) -> None:
    """Submit two jobs of so many real seconds to an endpoint that works on one at a time and has nothing else to do."""
    for name in ("first", "second"):
        client("sagemaker-runtime").invoke_endpoint_async(
            EndpointName=endpoint, Body=f"work {seconds}", Filename=name, InvocationTimeoutSeconds=3_600
        )


def keys(client: Callable[[str], Any], bucket: str) -> list[str]:
    """Return what lies in a bucket."""
    return [found["Key"] for found in client("s3").list_objects_v2(Bucket=bucket).get("Contents", [])]


@pytest.fixture(scope="module")
def cloud(connect: Callable[..., Any], echo_image: str, echo_command: tuple[str, ...]) -> Iterator[RunningLocalCloud]:
    """A local cloud with every switch turned."""
    with local_cloud(time_scale=600.0, containers={echo_image: echo_command}, assumptions=OTHERWISE) as running:
        create_execution_role(connect(running))
        yield running


@pytest.fixture(scope="module")
def invoke(client: Callable[[str], Any], echo_image: str) -> Callable[..., dict[str, Any]]:
    """Submits a request to an endpoint in service."""
    create_endpoint(client, "otherwise", echo_image)
    runtime = client("sagemaker-runtime")

    def submit(**members: object) -> dict[str, Any]:
        response: dict[str, Any] = runtime.invoke_endpoint_async(
            EndpointName="otherwise", **{"InvocationTimeoutSeconds": 3_600} | members
        )
        return response

    return submit


@pytest.fixture
def exists(client: Callable[[str], Any], eventually: Callable[..., Any]) -> Callable[[str], int]:
    """Waits until there is an object at an S3 URI."""

    def wait(uri: str) -> int:
        key, s3 = uri.removeprefix("s3://otherwise/"), client("s3")
        count: int = eventually(lambda: s3.list_objects_v2(Bucket="otherwise", Prefix=key)["KeyCount"])
        return count

    return wait


def test_failures_follow_the_extension(invoke: Callable[..., Any], exists: Callable[[str], int]) -> None:
    """The failure lies beside the output of the same batch, where the response says."""
    response = invoke(Body=b"fail 400", S3OutputPathExtension="batch")
    assert response["FailureLocation"].startswith("s3://otherwise/failure/batch/")
    assert exists(response["FailureLocation"])


def test_a_repeated_file_name_fails(
    client: Callable[[str], Any],
    invoke: Callable[..., Any],
    exists: Callable[[str], int],
    eventually: Callable[..., Any],
) -> None:
    """The first output stays, and the metric counts the second."""
    first = invoke(Body=b"first", Filename="same")
    assert exists(first["OutputLocation"])
    invoke(Body=b"second", Filename="same")
    cloudwatch = client("cloudwatch")
    eventually(lambda: cloudwatch.list_metrics(MetricName="ResponseUploadFailures")["Metrics"])
    stored = client("s3").get_object(Bucket="otherwise", Key="output/same")["Body"].read()
    assert b'"first"' in stored


def test_an_expired_request_leaves_a_failure(invoke: Callable[..., Any], exists: Callable[[str], int]) -> None:
    """What waits behind a long job beyond its time to live is told so."""
    invoke(Body=b"work 1")
    assert exists(invoke(Body=b"late", RequestTTLSeconds=60)["FailureLocation"])


def test_scale_in_lets_running_work_end(client: Callable[[str], Any], echo_image: str) -> None:
    """The instance takes no more, and the update lasts until it is gone."""
    create_endpoint(client, "drained", echo_image)
    submit_two(client, "drained")
    scale(client, "drained", 0)
    assert keys(client, "drained") == ["output/first"]


def test_a_deployment_lets_running_work_end(
    client: Callable[[str], Any], echo_image: str, eventually: Callable[..., Any]
) -> None:
    """New instances take what waits; the update lasts until the old ones are gone."""
    create_endpoint(client, "renewed", echo_image)
    submit_two(client, "renewed", seconds=4)
    sagemaker = client("sagemaker")
    sagemaker.update_endpoint(EndpointName="renewed", EndpointConfigName="renewed")
    sagemaker.get_waiter("endpoint_in_service").wait(EndpointName="renewed", WaiterConfig=IN_A_MOMENT)
    assert "output/first" in keys(client, "renewed")
    eventually(lambda: keys(client, "renewed") == ["output/first", "output/second"])


def test_the_backlog_is_what_waits(
    client: Callable[[str], Any], invoke: Callable[..., Any], exists: Callable[[str], int]
) -> None:
    """There are minutes in which the instance works, and a backlog of none."""
    exists(invoke(Body=b"work 1")["OutputLocation"])

    def minutes_at(name: str, value: float, namespace: str, **dimensions: str) -> set[object]:
        answer = client("cloudwatch").get_metric_statistics(
            Namespace=namespace,
            MetricName=name,
            Dimensions=[{"Name": key, "Value": named} for key, named in dimensions.items()],
            StartTime="2020-01-01T00:00:00Z",
            EndTime="2100-01-01T00:00:00Z",
            Period=60,
            Statistics=["Maximum"],
        )
        return {point["Timestamp"] for point in answer["Datapoints"] if point["Maximum"] == value}

    working = minutes_at(
        "CPUUtilization", 100.0, "/aws/sagemaker/Endpoints", EndpointName="otherwise", VariantName="AllTraffic"
    )
    assert working & minutes_at("ApproximateBacklogSize", 0.0, "AWS/SageMaker", EndpointName="otherwise")


def test_submissions_are_throttled(cloud: RunningLocalCloud, client: Callable[[str], Any], echo_image: str) -> None:
    """A caller who does not ask again is refused, and this project's client gets all of its jobs through."""
    create_endpoint(client, "throttled", echo_image)
    environment = cloud.environment
    session = boto3.Session(
        environment["AWS_ACCESS_KEY_ID"],
        environment["AWS_SECRET_ACCESS_KEY"],
        region_name=environment["AWS_DEFAULT_REGION"],
    )
    new_client: Any = session.client
    impatient = new_client(
        "sagemaker-runtime", endpoint_url=cloud.endpoint_url, config=Config(retries={"total_max_attempts": 1})
    )

    def hurry() -> None:
        for _ in range(1_000):
            impatient.invoke_endpoint_async(EndpointName="throttled", Body=b"x", InvocationTimeoutSeconds=3_600)

    with pytest.raises(ClientError) as refusal:
        hurry()
    assert refusal.value.response["Error"] == {"Code": "ThrottlingException", "Message": "Rate exceeded"}
    configuration = EndpointConfiguration(
        endpoint_name="throttled",
        region=environment["AWS_DEFAULT_REGION"],
        bucket="throttled",
        limits=Limits(max_job_seconds=3_600, request_ttl_seconds=21_600),
        prefixes=Prefixes(),
        consumers={},
    )
    with pytest.MonkeyPatch.context() as patch:
        for variable, value in environment.items():
            patch.setenv(variable, value)
        endpoint = AsyncEndpoint(
            configuration,
            clients=Clients.connect(configuration.region, boto3.Session()),
            polling=PollingPolicy(initial_seconds=0.1),
        )
        payloads = [f"page {number}".encode() for number in range(40)]
        results = endpoint.map(payloads, timeout=30)
        assert [json.loads(result.content)["body"].encode() for result in results] == payloads


def test_scale_in_gives_running_work_back(
    connect: Callable[..., Any], echo_image: str, echo_command: tuple[str, ...], eventually: Callable[..., Any]
) -> None:
    """The next instance begins anew with what was running, before what came later, and nothing has failed."""
    with local_cloud(
        time_scale=600.0, containers={echo_image: echo_command}, assumptions=["scale_in=requeues"]
    ) as running:
        client = connect(running)
        create_execution_role(client)
        create_endpoint(client, "again", echo_image)
        submit_two(client, "again")
        scale(client, "again", 0)
        assert keys(client, "again") == []
        scale(client, "again", 1)
        eventually(lambda: keys(client, "again"))
        assert keys(client, "again") == ["output/first"]
        eventually(lambda: keys(client, "again") == ["output/first", "output/second"])
