"""This project's client waits for one result."""

from __future__ import annotations

import sys

from async_inference import AsyncEndpoint, Clients, EndpointConfiguration, PollingPolicy
from async_inference.configuration import Limits, Prefixes
from benchmarks.subjects.answering import BUCKET, AnsweringAws
from benchmarks.subjects.report import report


def main(outcome: str, seconds: float, interval: float, patience: float) -> None:
    """Submit a request whose ``outcome`` appears after so many ``seconds``, and wait for it."""
    aws = AnsweringAws(outcome, seconds)
    clients = Clients.connect("us-east-1")
    for client in (clients.sagemaker_runtime, clients.s3, clients.s3_uploads):
        aws.serve(client)
    configuration = EndpointConfiguration(
        endpoint_name="benchmark",
        region="us-east-1",
        bucket=BUCKET,
        limits=Limits(max_job_seconds=900, request_ttl_seconds=21_600),
        prefixes=Prefixes(),
        consumers={},
    )
    polling = PollingPolicy(initial_seconds=interval, factor=1.0, maximum_seconds=interval)
    endpoint = AsyncEndpoint(configuration, clients=clients, polling=polling)
    report(aws, lambda: endpoint.submit(b"input").result(timeout=patience))


if __name__ == "__main__":
    main(sys.argv[1], *map(float, sys.argv[2:]))
