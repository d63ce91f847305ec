"""Probes run against the local cloud, so that they are known to work; with ``--aws``, in an AWS account."""

from __future__ import annotations

import json
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from local_cloud.process import local_cloud
from tests.aws.laboratory import Laboratory

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ANSWERS = Path(__file__).with_name("answers.json")
"""What AWS answered, with the day; committed, because the next who asks has to pay again."""

ECHO = Path(__file__).parents[1] / "local" / "echo_container.py"
LOCAL_IMAGE = "000000000000.dkr.ecr.us-east-1.amazonaws.com/probe:1"
AWS_IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3"
TIME_SCALE = 600.0
QUESTION = (
    "The probes create endpoints with one to three ml.m5.large instances, a stack, a role, a bucket, a topic and a "
    "queue in account {} ({}) for about four hours, which costs about a dollar, and delete them. Type yes to go on: "
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--aws`` and ``--image``."""
    parser.addoption("--aws", action="store_true", help="probe an AWS account, after asking; costs money")
    parser.addoption("--image", default=AWS_IMAGE, help="a scikit-learn container in the account's region")


@pytest.fixture(scope="session")
def laboratory(request: pytest.FixtureRequest) -> Iterator[Laboratory]:
    """An endpoint in service, and gone at the end."""
    make = in_aws if request.config.getoption("--aws", default=False) else in_local_cloud
    for made in make(request.config):
        try:
            made.set_up()
            yield made
        finally:
            made.clean_up()


def in_local_cloud(_config: pytest.Config) -> Iterator[Laboratory]:
    """Yield a laboratory in a local cloud."""
    containers = {LOCAL_IMAGE: (sys.executable, str(ECHO))}
    with local_cloud(time_scale=TIME_SCALE, enforce_iam=True, containers=containers) as cloud:
        environment = cloud.environment
        session: Any = boto3.Session(
            environment["AWS_ACCESS_KEY_ID"],
            environment["AWS_SECRET_ACCESS_KEY"],
            region_name=environment["AWS_DEFAULT_REGION"],
        )
        yield Laboratory(
            client=lambda service: session.client(service, endpoint_url=cloud.endpoint_url),
            image=LOCAL_IMAGE,
            time_scale=TIME_SCALE,
        )


def in_aws(config: pytest.Config) -> Iterator[Laboratory]:
    """Yield a laboratory in the account of the environment, if its owner agrees."""
    session: Any = boto3.Session()
    account = session.client("sts").get_caller_identity()["Account"]
    with config.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():
        agreed = input(QUESTION.format(account, session.region_name)) == "yes"
    if not agreed:
        pytest.exit("nothing was created", returncode=1)
    yield Laboratory(client=session.client, image=config.getoption("--image"), grace_seconds=20)


@pytest.fixture
def learn(request: pytest.FixtureRequest) -> Callable[[object, object], None]:
    """Takes the answer to the test's question: the local cloud's has to be the assumed one, AWS's is written down."""

    def write(answer: object, assumed: object) -> None:
        if not request.config.getoption("--aws", default=False):
            assert answer == assumed
            return
        answers: dict[str, Any] = json.loads(ANSWERS.read_text()) if ANSWERS.exists() else {}
        answers[request.node.originalname] = {
            "answer": answer,
            "assumed": assumed,
            "on": datetime.now(UTC).date().isoformat(),
        }
        ANSWERS.write_text(json.dumps(answers, indent=2, sort_keys=True) + os.linesep)

    return write
