"""The AWS CLI, unmodified, from an environment of its own: submit, success, model failure and describe."""

from __future__ import annotations

import json
import os
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from local_cloud.container_commands import REPOSITORY
from tests.local.sagemaker_calls import create_endpoint

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from local_cloud.process import RunningLocalCloud

AWS = REPOSITORY / ".venv-aws-cli" / "bin" / "aws"
NAME = "commanded"

pytestmark = pytest.mark.skipif(not AWS.exists(), reason="the AWS CLI is not installed: run make setup")


@pytest.fixture(scope="module")
def aws(
    slower_cloud: RunningLocalCloud, connect: Callable[..., Any], echo_image: str
) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs the CLI against a local cloud with an endpoint in service."""
    create_endpoint(connect(slower_cloud), NAME, echo_image)

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(AWS), *arguments],
            env={**os.environ, **slower_cloud.environment, "AWS_PAGER": ""},
            capture_output=True,
            text=True,
            errors="replace",
            timeout=60,
            check=False,
        )

    return run


def read(aws: Callable[..., subprocess.CompletedProcess[str]], uri: str) -> str:
    """Wait for an object by the CLI's waiter and return its content."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    assert aws("s3api", "wait", "object-exists", "--bucket", bucket, "--key", key).returncode == 0
    return aws("s3", "cp", uri, "-").stdout


def test_an_uploaded_input_comes_back(aws: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path) -> None:
    """Upload, submit, wait, download."""
    (tmp_path / "input").write_text("page")
    location = f"s3://{NAME}/input/page"
    assert aws("s3", "cp", str(tmp_path / "input"), location).returncode == 0
    submitted = aws(
        "sagemaker-runtime",
        "invoke-endpoint-async",
        *("--endpoint-name", NAME, "--input-location", location, "--inference-id", "mine"),
    )
    response = json.loads(submitted.stdout)
    assert response["InferenceId"] == "mine"
    assert '"body": "page"' in read(aws, response["OutputLocation"])


def test_a_models_failure_lies_where_the_response_says(
    aws: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    """An inline body this time."""
    (tmp_path / "input").write_text("fail 500")
    submitted = aws(
        *("sagemaker-runtime", "invoke-endpoint-async", "--endpoint-name", NAME),
        *("--body", f"fileb://{tmp_path / 'input'}"),
    )
    assert "error" in read(aws, json.loads(submitted.stdout)["FailureLocation"])


def test_an_endpoint_is_described_and_listed(aws: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    """The waiter included."""
    assert aws("sagemaker", "wait", "endpoint-in-service", "--endpoint-name", NAME).returncode == 0
    described = json.loads(aws("sagemaker", "describe-endpoint", "--endpoint-name", NAME).stdout)
    assert described["ProductionVariants"][0]["CurrentInstanceCount"] == 1
    assert (
        aws("sagemaker", "list-endpoints", "--query", "Endpoints[].EndpointName", "--output", "text").stdout
        == f"{NAME}\n"
    )


def test_a_refusal_is_told_as_the_cli_tells_it(aws: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    """Code, operation and message."""
    refused = aws("sagemaker", "describe-endpoint", "--endpoint-name", "none")
    assert refused.returncode != 0
    assert (
        "(ValidationException) when calling the DescribeEndpoint operation: Could not find endpoint" in refused.stderr
    )
