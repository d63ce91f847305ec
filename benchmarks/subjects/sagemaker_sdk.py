"""AWS's own client, ``AsyncPredictor`` of the SageMaker Python SDK 2, waits for one result."""

from __future__ import annotations

import logging
import sys

import boto3
from sagemaker.async_inference.waiter_config import WaiterConfig
from sagemaker.predictor import Predictor
from sagemaker.predictor_async import AsyncPredictor
from sagemaker.session import Session

from benchmarks.subjects.answering import BUCKET, AnsweringAws
from benchmarks.subjects.report import report


def main(outcome: str, seconds: float, interval: float, patience: float) -> None:
    """Submit a request whose ``outcome`` appears after so many ``seconds``, and wait for it."""
    logging.disable()
    aws = AnsweringAws(outcome, seconds)
    connection = boto3.Session(region_name="us-east-1")
    runtime, s3, control = (connection.client(name) for name in ("sagemaker-runtime", "s3", "sagemaker"))
    aws.serve(runtime)
    aws.serve(s3)
    session = Session(connection, sagemaker_client=control, sagemaker_runtime_client=runtime, default_bucket=BUCKET)
    session.s3_client = s3
    predictor = AsyncPredictor(Predictor("benchmark", sagemaker_session=session))
    predictor.s3_client = s3
    waiter = WaiterConfig(max_attempts=round(patience / interval), delay=round(interval))
    report(aws, lambda: predictor.predict(data=b"input", input_path=f"s3://{BUCKET}/input/1", waiter_config=waiter))


if __name__ == "__main__":
    main(sys.argv[1], *map(float, sys.argv[2:]))
