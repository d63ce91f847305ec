"""A batch whose processes are killed, against the local cloud: real requests, real processes, real kills."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from async_inference import AsyncEndpoint, Clients, EndpointConfiguration, PollingPolicy
from async_inference.batches import BatchItem
from async_inference.configuration import Limits, Prefixes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from local_cloud.process import RunningLocalCloud

PROGRAM = Path(__file__).with_name("batch_process.py")
REPOSITORY = Path(__file__).parents[2]
ROLE = "arn:aws:iam::000000000000:role/execution"
CONFIGURATION = EndpointConfiguration(
    endpoint_name="killed",
    region="us-east-1",
    bucket="killed-payloads",
    limits=Limits(max_job_seconds=3_600, request_ttl_seconds=21_600),
    prefixes=Prefixes(),
    consumers={},
)
KILLS = 20
ITEMS = 160
FAILING = 7


@pytest.fixture(scope="module")
def endpoint(
    cloud: RunningLocalCloud, client: Callable[[str], Any], echo_image: str, eventually: Callable[..., Any]
) -> Iterator[AsyncEndpoint]:
    """An endpoint in service with a bucket, as this process uses it."""
    name, bucket = CONFIGURATION.endpoint_name, CONFIGURATION.bucket
    client("s3").create_bucket(Bucket=bucket)
    sagemaker = client("sagemaker")
    sagemaker.create_model(ModelName=name, ExecutionRoleArn=ROLE, PrimaryContainer={"Image": echo_image})
    variant = {"VariantName": "AllTraffic", "ModelName": name, "InitialInstanceCount": 1}
    sagemaker.create_endpoint_config(
        EndpointConfigName=name,
        ProductionVariants=[variant | {"InstanceType": "ml.m5.large"}],
        AsyncInferenceConfig={
            "ClientConfig": {"MaxConcurrentInvocationsPerInstance": 4},
            "OutputConfig": {"S3OutputPath": f"s3://{bucket}/output", "S3FailurePath": f"s3://{bucket}/failure"},
        },
    )
    sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
    eventually(lambda: sagemaker.describe_endpoint(EndpointName=name)["EndpointStatus"] == "InService")
    with pytest.MonkeyPatch.context() as patch:
        for variable, value in cloud.environment.items():
            patch.setenv(variable, value)
        clients = Clients.connect(CONFIGURATION.region, boto3.Session())
        yield AsyncEndpoint(CONFIGURATION, clients=clients, polling=PollingPolicy(initial_seconds=0.1))


def statuses(cloud: RunningLocalCloud, batch_id: str, results: Path, points: list[int]) -> list[int]:
    """Let one process after another work on the batch, each killed at its point, and return how they ended."""
    command = [sys.executable, str(PROGRAM), json.dumps(CONFIGURATION.to_dict()), batch_id, str(results)]
    ended = subprocess.run(
        command,
        cwd=REPOSITORY,
        env=os.environ | cloud.environment | {"PYTHONPATH": str(REPOSITORY)},
        input="".join(f"{point}\n" for point in points),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=120,
    )
    return [int(line) for line in ended.stdout.splitlines()]


def test_a_batch_that_is_killed_twenty_times_ends_with_one_result_for_each_input(
    cloud: RunningLocalCloud, client: Callable[[str], Any], endpoint: AsyncEndpoint, tmp_path: Path
) -> None:
    """Each process is killed at a random request or answer, by a seed that is printed; the next one goes on."""
    seed = random.SystemRandom().getrandbits(32)
    print(f"seed {seed}")  # noqa: T201 - to repeat a failure
    chance = random.Random(seed)  # noqa: S311 - no secret
    points = [chance.randint(1, 120) for _ in range(KILLS)]
    inputs = [
        BatchItem(f"page-{number}", b"fail 400" if number == FAILING else f"page {number}".encode())
        for number in range(ITEMS)
    ]
    batch = endpoint.batch(inputs)

    ended = statuses(cloud, batch.id, tmp_path / "results", [*points, 0])

    assert ended == [-signal.SIGKILL] * KILLS + [0]
    summary = endpoint.batch_summary(batch.id)
    print(f"{summary}, killed at {points}")  # noqa: T201 - the figures
    assert (summary.items, summary.succeeded, summary.failed, summary.unfinished) == (ITEMS, ITEMS - 1, 1, 0)
    assert summary.submissions - ITEMS == summary.resubmitted <= summary.unknown
    check_results(tmp_path / "results")
    check_outputs(client, batch.id, summary.submissions)
    assert endpoint.resume(batch.id, take_over=True).run(results=tmp_path / "again") == summary
    check_results(tmp_path / "again")


def check_results(results: Path) -> None:
    """Every input has one file, with the model's answer to it or its failure; nothing half written is left."""
    expected = {f"page-{number}.json" for number in range(ITEMS)} - {f"page-{FAILING}.json"}
    found = {path.name for path in results.iterdir() if not path.name.startswith(".")}
    assert found == expected | {f"page-{FAILING}.error.json"}
    for name in expected:
        number = name.removeprefix("page-").removesuffix(".json")
        assert json.loads((results / name).read_bytes())["body"] == f"page {number}"


def check_outputs(client: Callable[[str], Any], batch_id: str, submissions: int) -> None:
    """What the model worked on is what the summary counts, at most; most items once."""
    pages = (
        client("s3")
        .get_paginator("list_objects_v2")
        .paginate(Bucket=CONFIGURATION.bucket, Prefix=f"output/batches/{batch_id}/")
    )
    attempts = [entry["Key"].rpartition("/")[2] for page in pages for entry in page["Contents"]]
    assert ITEMS - 1 <= len(attempts) <= submissions
    worked_on = Counter(attempt.partition("-")[0] for attempt in attempts)
    assert len(worked_on) == ITEMS - 1
