"""The local cloud as a process: how it starts, answers and ends."""

from __future__ import annotations

import asyncio
import io
import json
import os
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
import urllib3

from local_cloud.container_commands import REPOSITORY
from local_cloud.loopback import PortTakenError, free_port
from local_cloud.process import LocalCloudError, local_cloud
from local_cloud.server import call_at_end
from tests.local.sagemaker_calls import IN_A_MOMENT, ROLE, create_execution_role

if TYPE_CHECKING:
    from collections.abc import Callable

    from local_cloud.process import RunningLocalCloud


SLOW_FUNCTION = """
import pathlib, time

def handler(event, context):
    pathlib.Path(event).touch()
    time.sleep(60)
"""


BROKEN = """
from local_cloud.cloudwatch.alarms import AlarmEvaluator

def evaluate(self, now):
    raise RuntimeError("nothing is evaluated")

AlarmEvaluator.evaluate = evaluate
"""
"""What Python runs before the local cloud where it is called ``sitecustomize.py``."""


def zipped(name: str, text: str) -> bytes:
    """Return an archive of one file."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as writer:
        writer.writestr(name, text)
    return archive.getvalue()


def is_listened_on(port: int, address: str = "127.0.0.1") -> bool:
    """Return whether a connection to a port is accepted."""
    with socket.socket() as probe:
        return probe.connect_ex((address, port)) == 0


def folders_of(running: RunningLocalCloud) -> list[str]:
    """Return the folders for temporary files that a local cloud has."""
    return [str(path) for path in Path(tempfile.gettempdir()).glob(f"local-cloud-{running.process.pid}-*")]


def test_health_tells_scale_and_simulated_time(cloud: RunningLocalCloud) -> None:
    """The simulated time runs at the scale, in UTC."""
    first, second = cloud.health(), cloud.health()
    assert (first["status"], first["time_scale"]) == ("ok", 600.0)
    moments = [datetime.fromisoformat(health["simulated_time"]) for health in (first, second)]
    assert moments[0] < moments[1]


def test_it_says_where_it_is_ready_and_nothing_else() -> None:
    """Whoever reads the line is answered at that address, and Ctrl-C ends it without another word."""
    port = free_port()
    command = [sys.executable, "-m", "local_cloud", "--port", str(port), "--time-scale", "120"]
    with subprocess.Popen(command, cwd=REPOSITORY, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        try:
            line = process.stderr.readline()
            health = urllib3.request("GET", f"http://127.0.0.1:{port}/_localcloud/health", timeout=30).json()
            process.send_signal(signal.SIGINT)
            last_words = process.communicate(timeout=30)[1]
        finally:
            process.kill()
    assert line == f"ready on http://127.0.0.1:{port}, time scale 120, Ctrl-C stops\n"
    assert health["time_scale"] == 120.0
    assert (process.returncode, last_words) == (0, "")


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
    with pytest.raises(LocalCloudError, match="cannot be used") as refusal, local_cloud(port=port):
        pass
    assert refusal.type is PortTakenError


def test_a_local_cloud_that_does_not_start_says_why() -> None:
    """The context manager passes the process's last words on."""
    why = r"^the local cloud ended with status 2: (?s:.*)--time-scale: '0' is no time scale: it must be above 0"
    with pytest.raises(LocalCloudError, match=why), local_cloud(time_scale=0):
        pass


def test_the_local_cloud_writes_to_the_callers_standard_error_where_asked(capfd: pytest.CaptureFixture[str]) -> None:
    """The reason is there, so the error does not repeat it."""
    with pytest.raises(LocalCloudError, match=r"ended with status 2$"), local_cloud(time_scale=0, inherit_stderr=True):
        pass
    assert "--time-scale" in capfd.readouterr().err


def test_what_fails_within_is_reported_survived_and_not_overlooked(
    connect: Callable[..., Any], tmp_path: Path, eventually: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The log has the traceback, health the line, and whoever started the local cloud hears of it in the end."""
    (tmp_path / "sitecustomize.py").write_text(BROKEN)
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}{os.pathsep}{os.environ.get('PYTHONPATH', '')}")
    failed = "the alarms failed: RuntimeError: nothing is evaluated"
    with ExitStack() as stack:
        running = stack.enter_context(local_cloud(time_scale=600.0))
        errors = eventually(lambda: running.health()["internal_errors"])
        assert errors[0] == failed
        eventually(lambda: len(running.health()["internal_errors"]) > 1)
        assert connect(running)("s3").list_buckets()["Buckets"] == []
        assert "Traceback (most recent call last)" in running.last_words()
        with pytest.raises(LocalCloudError, match=rf"^the local cloud failed in \d+ things, the first: {failed}$"):
            stack.close()


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


def test_stopping_frees_the_port() -> None:
    """Nothing listens once the context has ended."""
    port = free_port()
    with local_cloud(port=port):
        assert is_listened_on(port)
    assert not is_listened_on(port)


def test_it_listens_on_no_other_interface(cloud: RunningLocalCloud) -> None:
    """Whoever listened on all of them would be reached by another address of the loopback interface, too."""
    port = urlsplit(cloud.endpoint_url).port
    assert port is not None
    assert is_listened_on(port)
    assert not is_listened_on(port, "127.0.0.2")


def test_it_answers_soon() -> None:
    """Nobody waits for it longer than five seconds, the interpreter's start included, unless the machine is busy."""

    def seconds_to_start() -> float:
        started = time.monotonic()
        with local_cloud() as running:
            assert running.health()["status"] == "ok"
            return time.monotonic() - started

    assert any(seconds_to_start() < 5 for _ in range(3))


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
        create_execution_role(connect(running))
        cloudformation, sagemaker = map(connect(running), ("cloudformation", "sagemaker"))
        resources = {
            "Model": {
                "Type": "AWS::SageMaker::Model",
                "Properties": {"ExecutionRoleArn": ROLE, "PrimaryContainer": {"Image": echo_image}},
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
        running.process.send_signal(signal.SIGINT)
        assert running.process.wait(30) == 0


@pytest.mark.parametrize("invocation_type", ["RequestResponse", "Event"])
def test_an_interrupt_stops_it_in_the_middle_of_a_function(
    connect: Callable[..., Any], tmp_path: Path, eventually: Callable[..., Any], invocation_type: str
) -> None:
    """A function that would work for another minute holds nothing up, whoever waits for it."""
    started = tmp_path / "started"
    with local_cloud() as running, ThreadPoolExecutor() as threads:
        client = connect(running)("lambda")
        client.create_function(
            FunctionName="slow",
            Runtime="python3.11",
            Role=ROLE,
            Handler="slow.handler",
            Timeout=120,
            Code={"ZipFile": zipped("slow.py", SLOW_FUNCTION)},
        )
        answer = threads.submit(
            client.invoke, FunctionName="slow", InvocationType=invocation_type, Payload=json.dumps(str(started))
        )
        eventually(started.exists)
        running.process.send_signal(signal.SIGINT)
        assert running.process.wait(10) == 0
        assert answer.done()


def is_running(process: int) -> bool:
    """Return whether there is a process of that number."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_function_ends_with_its_stack(client: Callable[[str], Any], eventually: Callable[..., Any]) -> None:
    """Its process waits for the next call for as long as there could be one."""
    code = "import os\n\ndef handler(event, context):\n    return os.getpid()\n"
    properties = {"Runtime": "python3.12", "Role": ROLE, "Handler": "index.handler", "Code": {"ZipFile": code}}
    resources = {"Function": {"Type": "AWS::Lambda::Function", "Properties": properties | {"FunctionName": "short"}}}
    cloudformation = client("cloudformation")
    cloudformation.create_stack(StackName="Short", TemplateBody=json.dumps({"Resources": resources}))
    cloudformation.get_waiter("stack_create_complete").wait(StackName="Short", WaiterConfig=IN_A_MOMENT)
    process = json.loads(client("lambda").invoke(FunctionName="short")["Payload"].read())
    assert is_running(process)
    cloudformation.delete_stack(StackName="Short")
    eventually(lambda: not is_running(process))


def test_the_end_of_a_pipe_is_told_once() -> None:
    """A pipe at its end stays readable, which would keep the event loop busy for ever."""
    told: list[None] = []

    async def end_a_pipe() -> None:
        reader, writer = map(os.fdopen, os.pipe(), "rw")
        with reader:
            call_at_end(reader, lambda: told.append(None))
            writer.close()
            for _ in range(5):
                await asyncio.sleep(0)

    asyncio.run(end_a_pipe())
    assert len(told) == 1


def wrapped(command: tuple[str, ...]) -> tuple[str, ...]:
    """Return a shell that starts ``command`` in the background and waits, as entry points do."""
    return ("/bin/sh", "-c", f"{shlex.join(command)} & wait")


def test_an_interrupt_stops_what_containers_started_and_what_they_work_on(
    connect: Callable[..., Any], echo_image: str, echo_command: tuple[str, ...], eventually: Callable[..., Any]
) -> None:
    """A job that would work for another minute holds nothing up, and a server behind a shell does not outlive it."""
    with local_cloud(time_scale=60.0, containers={echo_image: wrapped(echo_command)}) as running:
        client = connect(running)
        container_port = urlsplit("//" + first_echo(client, echo_image, eventually)["headers"]["host"]).port
        assert container_port is not None
        client("sagemaker-runtime").invoke_endpoint_async(
            EndpointName="echo", Body=b"work 60", InvocationTimeoutSeconds=3_600
        )
        time.sleep(0.5)
        running.process.send_signal(signal.SIGINT)
        assert running.process.wait(10) == 0
        eventually(lambda: not is_listened_on(container_port))


def test_a_local_cloud_that_dies_leaves_no_container(
    connect: Callable[..., Any], echo_image: str, echo_command: tuple[str, ...], eventually: Callable[..., Any]
) -> None:
    """Nor a file: a guard kills what it cannot stop any more, and whoever started it clears up."""
    with local_cloud(time_scale=300.0, containers={echo_image: wrapped(echo_command)}) as running:
        container_port = urlsplit("//" + first_echo(connect(running), echo_image, eventually)["headers"]["host"]).port
        assert container_port is not None
        assert is_listened_on(container_port)
        running.process.kill()
        running.process.wait()
        eventually(lambda: not is_listened_on(container_port))
        assert len(folders_of(running)) == 1
    assert folders_of(running) == []


def first_echo(client: Callable[[str], Any], image: str, eventually: Callable[..., Any]) -> dict[str, Any]:
    """Create an endpoint and return what it answers."""
    create_execution_role(client)
    s3, sagemaker = client("s3"), client("sagemaker")
    s3.create_bucket(Bucket="payloads")
    sagemaker.create_model(ModelName="echo", ExecutionRoleArn=ROLE, PrimaryContainer={"Image": image})
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
