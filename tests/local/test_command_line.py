"""The program ``async-inference`` itself, against the local cloud: jobs, batches, interrupts, the doctor."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from async_inference.configuration import Consumer, EndpointConfiguration, Limits, Prefixes, parameter_name

if TYPE_CHECKING:
    from collections.abc import Callable

    from local_cloud.process import RunningLocalCloud

PROGRAM = Path(sys.executable).with_name("async-inference")
BUCKET = "command-line"
ENDPOINT = "echo"
PARAMETER = parameter_name("local", "echo")
DIMENSIONS = [{"Name": "EndpointName", "Value": ENDPOINT}]
TARGET = {
    "ServiceNamespace": "sagemaker",
    "ResourceId": f"endpoint/{ENDPOINT}/variant/AllTraffic",
    "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
}


def create_endpoint(client: Callable[[str], Any], image: str) -> None:
    """Create an endpoint that takes two requests at a time."""
    client("s3").create_bucket(Bucket=BUCKET)
    sagemaker = client("sagemaker")
    sagemaker.create_model(
        ModelName="echo", ExecutionRoleArn="arn:aws:iam::000000000000:role/execution", PrimaryContainer={"Image": image}
    )
    variant = {"VariantName": "AllTraffic", "ModelName": "echo", "InitialInstanceCount": 1}
    sagemaker.create_endpoint_config(
        EndpointConfigName="echo",
        ProductionVariants=[variant | {"InstanceType": "ml.m5.large"}],
        AsyncInferenceConfig={
            "ClientConfig": {"MaxConcurrentInvocationsPerInstance": 2},
            "OutputConfig": {"S3OutputPath": f"s3://{BUCKET}/output", "S3FailurePath": f"s3://{BUCKET}/failure"},
        },
    )
    sagemaker.create_endpoint(EndpointName=ENDPOINT, EndpointConfigName="echo")


def scale_endpoint(client: Callable[[str], Any]) -> None:
    """Let it wake; it has no reason to rest."""
    scaling = client("application-autoscaling")
    scaling.register_scalable_target(**TARGET, MinCapacity=0, MaxCapacity=2)
    step = {"MetricIntervalLowerBound": 0.0, "ScalingAdjustment": 1}
    policy = scaling.put_scaling_policy(
        **TARGET,
        PolicyName="Wake",
        PolicyType="StepScaling",
        StepScalingPolicyConfiguration={"AdjustmentType": "ChangeInCapacity", "StepAdjustments": [step]},
    )
    client("cloudwatch").put_metric_alarm(
        AlarmName="WakeAlarm",
        Namespace="AWS/SageMaker",
        MetricName="HasBacklogWithoutCapacity",
        Dimensions=DIMENSIONS,
        Statistic="Average",
        Period=60,
        EvaluationPeriods=2,
        Threshold=1,
        ComparisonOperator="GreaterThanOrEqualToThreshold",
        AlarmActions=[policy["PolicyARN"]],
    )


def store_configuration(client: Callable[[str], Any]) -> None:
    """Describe the endpoint as its stack would."""
    queue = client("sqs").create_queue(QueueName="reports")["QueueUrl"]
    configuration = EndpointConfiguration(
        endpoint_name=ENDPOINT,
        region="us-east-1",
        bucket=BUCKET,
        limits=Limits(max_job_seconds=3_600, request_ttl_seconds=21_600),
        prefixes=Prefixes(),
        consumers={"reports": Consumer(queue_url=queue)},
    )
    client("ssm").put_parameter(Name=PARAMETER, Value=json.dumps(configuration.to_dict()), Type="String")


@pytest.fixture(scope="module")
def environment(
    cloud: RunningLocalCloud, client: Callable[[str], Any], echo_image: str, eventually: Callable[..., Any]
) -> dict[str, str]:
    """What the program's process has around it, with an endpoint in service."""
    create_endpoint(client, echo_image)
    store_configuration(client)
    describe = client("sagemaker").describe_endpoint
    eventually(lambda: describe(EndpointName=ENDPOINT)["EndpointStatus"] == "InService")
    scale_endpoint(client)
    return {**os.environ, **cloud.environment, "ASYNC_INFERENCE_ENDPOINT": PARAMETER}


@pytest.fixture
def run(environment: dict[str, str], tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs the program to its end."""

    def run(*words: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [PROGRAM, *words],
            input=stdin,
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env=environment,
            timeout=60,
            check=False,
        )

    return run


def make_inputs(folder: Path, **inputs: str) -> None:
    """Write files."""
    folder.mkdir()
    for name, content in inputs.items():
        (folder / f"{name}.txt").write_text(content)


def test_a_job_goes_from_one_process_to_the_next(
    run: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    """Through a pipe; status knows how it ended."""
    (tmp_path / "page.txt").write_text("page one")

    submitted = run("submit", "page.txt")
    waited = run("wait", stdin=submitted.stdout)
    status = run("status", "-", stdin=submitted.stdout)

    assert (submitted.returncode, waited.returncode, status.returncode) == (0, 0, 0), waited.stderr
    assert json.loads(waited.stdout)["body"] == "page one"
    assert re.fullmatch(r"\S+  done  the output is there\n", status.stdout)


def test_a_batch_of_a_directory(run: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path) -> None:
    """A result for each input, one of which the model and one of which nobody can read."""
    make_inputs(tmp_path / "pages", one="page one", two="fail 400", three="page three", empty="")

    batch = run("batch", "pages", "--output", "results")

    assert batch.returncode == 1, batch.stderr
    assert re.search(r"^4 items: 2 succeeded, 2 failed; results in results$", batch.stdout, re.MULTILINE)
    results = {path.name: json.loads(path.read_text()) for path in (tmp_path / "results").glob("*.json")}
    assert {name: document.get("body") for name, document in results.items()} == {
        "one.txt.json": "page one",
        "three.txt.json": "page three",
        "two.txt.error.json": None,
        "empty.txt.error.json": None,
    }
    assert results["two.txt.error.json"]["error"] == "ModelError"


def test_an_interrupted_batch_is_resumed_by_the_command_that_it_prints(
    run: Callable[..., subprocess.CompletedProcess[str]],
    client: Callable[[str], Any],
    environment: dict[str, str],
    eventually: Callable[..., Any],
    tmp_path: Path,
) -> None:
    """Ctrl-C once; then every input has its one result, and none was submitted twice."""
    make_inputs(tmp_path / "pages", **{f"page{number}": "work 0.2" for number in range(6)})
    with subprocess.Popen(
        [PROGRAM, "batch", "pages", "--output", "out.jsonl", "--max-unfinished", "4", "--batch-id", "stopped"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
        env=environment,
    ) as process:
        try:
            prefix = "output/batches/stopped/"
            eventually(lambda: "Contents" in client("s3").list_objects_v2(Bucket=BUCKET, Prefix=prefix))
            process.send_signal(signal.SIGINT)
            stdout, stderr = process.communicate(timeout=30)
        finally:
            process.kill()
    assert process.returncode == 130, stderr
    (command,) = set(re.findall(r"^resume with: async-inference (.*)$", stdout, re.MULTILINE))

    resumed = run(*shlex.split(command), "--json")

    assert resumed.returncode == 0, resumed.stderr
    summary = json.loads(resumed.stdout)["summary"]
    assert {name: summary[name] for name in ("items", "succeeded", "submissions", "unknown", "resubmitted")} == {
        "items": 6,
        "succeeded": 6,
        "submissions": 6,
        "unknown": 0,
        "resubmitted": 0,
    }
    lines = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert sorted(line["name"] for line in lines) == [f"page{number}.txt" for number in range(6)]


def test_the_doctor_finds_no_problem(run: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    """Each of its questions is one that AWS's services answer."""
    doctor = run("doctor", "--json")

    findings = json.loads(doctor.stdout)["findings"]
    assert [finding for finding in findings if finding["level"] != "ok"] == []
    assert doctor.returncode == 0
    assert len(findings) == 11


def test_the_state_of_the_endpoint(run: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    """Instances and metrics are those of the local cloud."""
    endpoint = json.loads(run("status", "--json").stdout)["endpoint"]

    assert (endpoint["name"], endpoint["status"], endpoint["unknown"]) == (ENDPOINT, "InService", [])
    assert endpoint["instances"] >= 1
    assert endpoint["backlog"] is not None


def test_what_is_wrong_is_one_line(run: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    """An endpoint that is not there, in a region that is not the right one."""
    started = time.monotonic()

    result = run("status", "--region", "eu-west-1")

    assert result.returncode == 3
    assert result.stderr.startswith(f"error: there is no parameter {PARAMETER} in eu-west-1: is the stack deployed")
    assert result.stderr.count("\n") == 2
    assert time.monotonic() - started < 10.0
