"""How many submissions the local cloud accepts a second, and how much memory a long queue takes.

The client, bare boto3, works on the same cores. The endpoint rests at zero instances, so that everything stays queued.
"""

from __future__ import annotations

import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import boto3
from botocore.config import Config

from benchmarks.table import Row
from local_cloud.process import ACCOUNT, REGION, local_cloud

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from local_cloud.process import RunningLocalCloud

JOBS: Final = 100_000
BODY: Final = b"x" * 1024
RATE_BOUND: Final = 100.0
"""Submissions a second that have to be accepted."""

MEMORY_BOUND_MEBIBYTES: Final = 1024.0
"""What the local cloud may take with all jobs queued."""

IMAGE: Final = "000000000000.dkr.ecr.us-east-1.amazonaws.com/load:1"
NAME: Final = "load"
TIME_SCALE: Final = 10.0
"""An instance comes in seconds, and what is queued does not expire while the rest is submitted."""

_CONTAINER: Final = (
    sys.executable,
    "-c",
    """
import http.server, os
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
http.server.HTTPServer(("127.0.0.1", int(os.environ["SAGEMAKER_BIND_TO_PORT"])), Handler).serve_forever()
""",
)
"""Answers ``/ping``; nothing else is ever asked of it."""

_THREADS: Final = 8
_START_SECONDS: Final = 60.0


def run() -> Iterable[Row]:
    """Yield the rate of submissions and the memory of the local cloud with all of them queued.

    Raises:
        RuntimeError: a bound is missed.
    """
    with local_cloud(time_scale=TIME_SCALE, containers={IMAGE: _CONTAINER}) as cloud:
        client = _clients(cloud)
        _create_resting_endpoint(client)
        empty = _resident_mebibytes(cloud)
        seconds = submit(client, JOBS)
        full = _resident_mebibytes(cloud)
    subject = "local_cloud"
    yield Row("local cloud under load", subject, "submissions accepted", "1/s", JOBS / seconds)
    yield Row("local cloud under load", subject, f"memory with {JOBS:,} jobs of 1 KiB queued", "MiB", full)
    yield Row("local cloud under load", subject, "memory with none", "MiB", empty)
    if JOBS / seconds < RATE_BOUND or full > MEMORY_BOUND_MEBIBYTES:
        raise RuntimeError(
            f"local cloud under load: {JOBS / seconds:.0f} submissions a second and {full:.0f} MiB, "
            f"expected at least {RATE_BOUND:.0f} and at most {MEMORY_BOUND_MEBIBYTES:.0f}"
        )


def submit(client: Callable[[str], Any], jobs: int) -> float:
    """Submit so many jobs and return how many seconds it took."""
    runtime = client("sagemaker-runtime")

    def submit_one(_number: int) -> None:
        runtime.invoke_endpoint_async(EndpointName=NAME, Body=BODY)

    started = time.monotonic()
    with ThreadPoolExecutor(_THREADS) as threads:
        for _ in threads.map(submit_one, range(jobs)):
            pass
    return time.monotonic() - started


def _clients(cloud: RunningLocalCloud) -> Callable[[str], Any]:
    new_client: Any = boto3.Session(
        aws_access_key_id=ACCOUNT,
        aws_secret_access_key="local",  # noqa: S106 - no secret
        region_name=REGION,
    ).client
    config = Config(max_pool_connections=_THREADS, retries={"total_max_attempts": 1, "mode": "standard"})
    return lambda service: new_client(service, endpoint_url=cloud.endpoint_url, config=config)


def _create_resting_endpoint(client: Callable[[str], Any]) -> None:
    statement = {"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}
    trust = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    role = client("iam").create_role(RoleName=NAME, AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    sagemaker = client("sagemaker")
    sagemaker.create_model(ModelName=NAME, ExecutionRoleArn=role, PrimaryContainer={"Image": IMAGE})
    variant = {"VariantName": "AllTraffic", "ModelName": NAME, "InitialInstanceCount": 1}
    sagemaker.create_endpoint_config(
        EndpointConfigName=NAME,
        ProductionVariants=[variant | {"InstanceType": "ml.m5.large"}],
        AsyncInferenceConfig={"OutputConfig": {"S3OutputPath": f"s3://{NAME}/output"}},
    )
    sagemaker.create_endpoint(EndpointName=NAME, EndpointConfigName=NAME)
    _wait_until_in_service(sagemaker)
    rest = {"VariantName": "AllTraffic", "DesiredInstanceCount": 0}
    sagemaker.update_endpoint_weights_and_capacities(EndpointName=NAME, DesiredWeightsAndCapacities=[rest])
    _wait_until_in_service(sagemaker)


def _wait_until_in_service(sagemaker: Any) -> None:  # noqa: ANN401 - a boto3 client
    deadline = time.monotonic() + _START_SECONDS
    while sagemaker.describe_endpoint(EndpointName=NAME)["EndpointStatus"] != "InService":
        if time.monotonic() > deadline:
            raise TimeoutError(f"endpoint {NAME} is not in service after {_START_SECONDS:.0f} s")
        time.sleep(0.1)


def _resident_mebibytes(cloud: RunningLocalCloud) -> float:
    [line] = [
        line for line in Path(f"/proc/{cloud.process.pid}/status").read_text().splitlines() if line.startswith("VmRSS:")
    ]
    return int(line.split()[1]) / 1024
