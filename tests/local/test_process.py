"""The local cloud as a process: how it starts, answers and ends."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import time
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from local_cloud.container_commands import REPOSITORY
from local_cloud.loopback import PortTakenError, free_port
from local_cloud.process import LocalCloudError, local_cloud

if TYPE_CHECKING:
    from collections.abc import Callable

    from local_cloud.process import RunningLocalCloud


def is_listened_on(port: int) -> bool:
    """Return whether a connection to a loopback port is accepted."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_health_tells_scale_and_simulated_time(cloud: RunningLocalCloud) -> None:
    """The simulated time runs at the scale, in UTC."""
    first, second = cloud.health(), cloud.health()
    assert (first["status"], first["time_scale"]) == ("ok", 600.0)
    moments = [datetime.fromisoformat(health["simulated_time"]) for health in (first, second)]
    assert moments[0] < moments[1]


def test_a_taken_port_is_one_line(cloud: RunningLocalCloud) -> None:
    """The line names the port and what to do."""
    port = urlsplit(cloud.endpoint_url).port
    ended = subprocess.run(
        [sys.executable, "-m", "local_cloud", "--port", str(port)],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert ended.returncode == 1
    assert ended.stderr == (
        f"local_cloud: port {port} on 127.0.0.1 cannot be used (Address already in use): choose another\n"
    )


def test_a_local_cloud_on_a_taken_port_is_not_mistaken_for_a_new_one(cloud: RunningLocalCloud) -> None:
    """The one that answers there is somebody else's."""
    port = urlsplit(cloud.endpoint_url).port
    with pytest.raises(PortTakenError, match="cannot be used"), local_cloud(port=port):
        pass


def test_a_local_cloud_that_does_not_start_says_why() -> None:
    """The context manager passes the process's last words on."""
    with pytest.raises(LocalCloudError, match="--time-scale: invalid"), local_cloud(time_scale=0):
        pass


def test_two_local_clouds_do_not_disturb_each_other(client: Callable[[str], Any]) -> None:
    """What one keeps, the other does not know."""
    client("s3").create_bucket(Bucket="first")
    with local_cloud() as second:
        listed = subprocess.run(
            [sys.executable, "-c", "import boto3; print(boto3.client('s3').list_buckets()['Buckets'])"],
            env=second.environment,
            capture_output=True,
            text=True,
            timeout=30,
            check=True,
        )
    assert listed.stdout.strip() == "[]"


def test_starting_takes_less_than_five_seconds_and_stopping_frees_the_port() -> None:
    """Nothing listens once the context has ended."""
    port, begun = free_port(), time.monotonic()
    with local_cloud(port=port):
        assert time.monotonic() - begun < 5
        assert is_listened_on(port)
    assert not is_listened_on(port)


def test_a_local_cloud_does_not_outlive_its_caller(eventually: Callable[..., Any]) -> None:
    """A caller that is killed cannot stop anything any more."""
    port = free_port()
    program = f"from local_cloud.process import local_cloud\nwith local_cloud(port={port}): input()"
    with subprocess.Popen([sys.executable, "-c", program], cwd=REPOSITORY, stdin=subprocess.PIPE) as caller:
        eventually(lambda: is_listened_on(port))
        caller.kill()
    eventually(lambda: not is_listened_on(port))


def test_an_interrupt_stops_it_in_the_middle_of_a_deployment(
    connect: Callable[..., Any], echo_image: str, echo_command: tuple[str, ...], eventually: Callable[..., Any]
) -> None:
    """A stack that waits for its endpoint holds nothing up."""
    with local_cloud(containers={echo_image: echo_command}) as running:
        cloudformation, sagemaker = map(connect(running), ("cloudformation", "sagemaker"))
        resources = {
            "Model": {
                "Type": "AWS::SageMaker::Model",
                "Properties": {
                    "ExecutionRoleArn": "arn:aws:iam::000000000000:role/execution",
                    "PrimaryContainer": {"Image": echo_image},
                },
            },
            "Config": {
                "Type": "AWS::SageMaker::EndpointConfig",
                "Properties": {
                    "AsyncInferenceConfig": {"OutputConfig": {"S3OutputPath": "s3://payloads/output"}},
                    "ProductionVariants": [
                        {
                            "VariantName": "AllTraffic",
                            "ModelName": {"Fn::GetAtt": ["Model", "ModelName"]},
                            "InitialInstanceCount": 1,
                            "InstanceType": "ml.m5.large",
                        }
                    ],
                },
            },
            "Endpoint": {
                "Type": "AWS::SageMaker::Endpoint",
                "Properties": {"EndpointConfigName": {"Fn::GetAtt": ["Config", "EndpointConfigName"]}},
            },
        }
        cloudformation.create_stack(StackName="Waiting", TemplateBody=json.dumps({"Resources": resources}))
        eventually(lambda: sagemaker.list_endpoints()["Endpoints"])
        begun = time.monotonic()
        running.process.send_signal(signal.SIGINT)
        assert running.process.wait(10) == 0
        assert time.monotonic() - begun < 5


def test_stopping_stops_the_containers(
    connect: Callable[..., Any], echo_image: str, echo_command: tuple[str, ...], eventually: Callable[..., Any]
) -> None:
    """A container that is in service when the local cloud stops does not outlive it."""
    with local_cloud(time_scale=300.0, containers={echo_image: echo_command}) as running:
        container_port = urlsplit("//" + first_echo(connect(running), echo_image, eventually)["headers"]["host"]).port
        assert container_port is not None
        assert is_listened_on(container_port)
    assert not is_listened_on(container_port)


def first_echo(client: Callable[[str], Any], image: str, eventually: Callable[..., Any]) -> dict[str, Any]:
    """Create an endpoint and return what it answers."""
    s3, sagemaker = client("s3"), client("sagemaker")
    s3.create_bucket(Bucket="payloads")
    role = "arn:aws:iam::000000000000:role/execution"
    sagemaker.create_model(ModelName="echo", ExecutionRoleArn=role, PrimaryContainer={"Image": image})
    variant = {"VariantName": "AllTraffic", "ModelName": "echo", "InitialInstanceCount": 1}
    sagemaker.create_endpoint_config(
        EndpointConfigName="echo",
        ProductionVariants=[variant | {"InstanceType": "ml.m5.large"}],
        AsyncInferenceConfig={"OutputConfig": {"S3OutputPath": "s3://payloads/output"}},
    )
    sagemaker.create_endpoint(EndpointName="echo", EndpointConfigName="echo")
    eventually(lambda: sagemaker.describe_endpoint(EndpointName="echo")["EndpointStatus"] == "InService")
    response = client("sagemaker-runtime").invoke_endpoint_async(EndpointName="echo", Body=b"x")
    key = response["OutputLocation"].removeprefix("s3://payloads/")
    eventually(lambda: s3.list_objects_v2(Bucket="payloads", Prefix=key)["KeyCount"])
    echo: dict[str, Any] = json.loads(s3.get_object(Bucket="payloads", Key=key)["Body"].read())
    return echo
