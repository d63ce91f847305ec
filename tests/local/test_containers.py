"""What SageMaker gives to a container and asks of it: files, logs, health checks."""

from __future__ import annotations

import io
import tarfile
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from tests.local.conftest import ECHO_IMAGE
from tests.local.sagemaker_calls import IN_A_MOMENT, ROLE, create_config

if TYPE_CHECKING:
    from collections.abc import Callable

NAME = "contained"
GROUP = f"/aws/sagemaker/Endpoints/{NAME}"


def archive_of(name: str, content: bytes) -> bytes:
    """Return a compressed archive of one file."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w:gz") as files:
        member = tarfile.TarInfo(name)
        member.size = len(content)
        files.addfile(member, io.BytesIO(content))
    return archive.getvalue()


@pytest.fixture(scope="module")
def ask(client: Callable[[str], Any], echo_image: str, eventually: Callable[..., Any]) -> Callable[[bytes], bytes]:
    """Submits a request to an endpoint whose model has an artefact, and waits for the output or the failure."""
    s3, sagemaker = client("s3"), client("sagemaker")
    s3.create_bucket(Bucket=NAME)
    s3.put_object(Bucket=NAME, Key="model.tar.gz", Body=archive_of("weights.txt", b"heavy"))
    container = {"Image": echo_image, "ModelDataUrl": f"s3://{NAME}/model.tar.gz"}
    sagemaker.create_model(ModelName=NAME, ExecutionRoleArn=ROLE, PrimaryContainer=container)
    create_config(client, NAME, NAME)
    sagemaker.create_endpoint(EndpointName=NAME, EndpointConfigName=NAME)
    sagemaker.get_waiter("endpoint_in_service").wait(EndpointName=NAME, WaiterConfig=IN_A_MOMENT)

    def submit(body: bytes) -> bytes:
        response = client("sagemaker-runtime").invoke_endpoint_async(
            EndpointName=NAME, Body=body, InvocationTimeoutSeconds=3_600
        )

        def find() -> bytes | None:
            for location in (response["OutputLocation"], response.get("FailureLocation", "none")):
                key = location.removeprefix(f"s3://{NAME}/")
                if s3.list_objects_v2(Bucket=NAME, Prefix=key)["KeyCount"]:
                    content: bytes = s3.get_object(Bucket=NAME, Key=key)["Body"].read()
                    return content
            return None

        answer: bytes = eventually(find)
        return answer

    return submit


def logged(client: Callable[[str], Any], *, data_log: bool) -> list[str]:
    """Return what is in the instances' streams, or in their data logs."""
    logs = client("logs")
    if not logs.describe_log_groups(logGroupNamePrefix=GROUP)["logGroups"]:
        return []
    streams = [stream["logStreamName"] for stream in logs.describe_log_streams(logGroupName=GROUP)["logStreams"]]
    return [
        event["message"]
        for name in streams
        if name.startswith("AllTraffic/i-") and name.endswith("/data-log") == data_log
        for event in logs.get_log_events(logGroupName=GROUP, logStreamName=name, startFromHead=True)["events"]
    ]


def test_the_artefact_is_unpacked_for_the_container(ask: Callable[[bytes], bytes]) -> None:
    """A process finds below SAGEMAKER_BASE_DIR what a container finds below /opt/ml."""
    assert ask(b"read weights.txt") == b"heavy"


def test_what_a_container_writes_is_logged(
    client: Callable[[str], Any], ask: Callable[[bytes], bytes], eventually: Callable[..., Any]
) -> None:
    """In the endpoint's log group, in a stream of the instance."""
    assert ask(b"say hello world") == b"said"
    eventually(lambda: "hello world" in logged(client, data_log=False))


def test_a_failed_request_is_in_the_data_log(
    client: Callable[[str], Any], ask: Callable[[bytes], bytes], eventually: Callable[..., Any]
) -> None:
    """With its inference id, by which users look for it."""
    ask(b"fail 500")
    [line] = eventually(lambda: logged(client, data_log=True))
    assert ": ClientError: Received server error (500) from model." in line


def test_a_container_that_misses_its_health_checks_is_replaced(
    client: Callable[[str], Any], ask: Callable[[bytes], bytes], eventually: Callable[..., Any]
) -> None:
    """The log says so, and the next request meets another container."""
    assert b"server error (0)" in ask(b"freeze")
    eventually(lambda: "/ping did not answer 200 within 2 s: replaced" in logged(client, data_log=False))
    assert b'"alive"' in ask(b"alive")


@pytest.mark.parametrize(
    ("kind", "key", "file"),
    [("S3Prefix", "files/", "deep/weights.txt"), ("S3Object", "files/deep/weights.txt", "weights.txt")],
)
def test_uncompressed_models_are_copied_as_they_are(
    client: Callable[[str], Any], ask: Callable[[bytes], bytes], kind: str, key: str, file: str
) -> None:
    """Objects below a prefix keep the rest of their keys as names, a single object the last part of its key."""
    name, sagemaker = kind.lower(), client("sagemaker")
    client("s3").put_object(Bucket=NAME, Key="files/deep/weights.txt", Body=b"light")
    source = {"S3Uri": f"s3://{NAME}/{key}", "S3DataType": kind, "CompressionType": "None"}
    container = {"Image": ECHO_IMAGE, "ModelDataSource": {"S3DataSource": source}}
    sagemaker.create_model(ModelName=name, ExecutionRoleArn=ROLE, PrimaryContainer=container)
    variant = {"VariantName": "AllTraffic", "ModelName": name, "InitialInstanceCount": 1}
    sagemaker.create_endpoint_config(
        EndpointConfigName=name,
        ProductionVariants=[variant | {"InstanceType": "ml.m5.large"}],
        AsyncInferenceConfig={"OutputConfig": {"S3OutputPath": f"s3://{NAME}/output"}},
    )
    sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
    sagemaker.get_waiter("endpoint_in_service").wait(EndpointName=name, WaiterConfig=IN_A_MOMENT)
    sagemaker.delete_endpoint(EndpointName=name)
    sagemaker.update_endpoint(EndpointName=NAME, EndpointConfigName=name)
    sagemaker.get_waiter("endpoint_in_service").wait(EndpointName=NAME, WaiterConfig=IN_A_MOMENT)
    assert ask(f"read {file}".encode()) == b"light"


def test_an_artefact_that_is_not_there_is_refused(client: Callable[[str], Any], echo_image: str) -> None:
    """CreateModel looks at once."""
    container = {"Image": echo_image, "ModelDataUrl": f"s3://{NAME}/missing.tar.gz"}
    with pytest.raises(ClientError, match="Could not access model data at s3://contained/missing"):
        client("sagemaker").create_model(ModelName="none", ExecutionRoleArn=ROLE, PrimaryContainer=container)


def test_an_artefact_that_is_no_archive_fails_the_endpoint(
    client: Callable[[str], Any], ask: Callable[[bytes], bytes], echo_image: str, eventually: Callable[..., Any]
) -> None:
    """The reason names it."""
    assert ask is not None
    client("s3").put_object(Bucket=NAME, Key="text.tar.gz", Body=b"text")
    sagemaker = client("sagemaker")
    container = {"Image": echo_image, "ModelDataUrl": f"s3://{NAME}/text.tar.gz"}
    sagemaker.create_model(ModelName="text", ExecutionRoleArn=ROLE, PrimaryContainer=container)
    create_config(client, "text", "text")
    sagemaker.create_endpoint(EndpointName="text", EndpointConfigName="text")
    eventually(lambda: sagemaker.describe_endpoint(EndpointName="text")["EndpointStatus"] == "Failed")
    reason = sagemaker.describe_endpoint(EndpointName="text")["FailureReason"]
    assert f"Failed to download model data from s3://{NAME}/text.tar.gz" in reason
