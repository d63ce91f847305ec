"""The other answers to what AWS leaves open."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from local_cloud.process import local_cloud
from tests.local.sagemaker_calls import create_endpoint, create_execution_role

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from local_cloud.process import RunningLocalCloud

OTHERWISE = ("failures_follow_extension=true", "repeated_filename=fails", "expiry_is_a_failure=true")


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
