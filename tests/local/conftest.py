"""A local cloud for the tests of a module, and how to talk to it."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import boto3
import pytest

from local_cloud.process import local_cloud
from tests.local.sagemaker_calls import create_execution_role
from tests.local.wire import Answers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from local_cloud.process import RunningLocalCloud

ECHO_IMAGE = "000000000000.dkr.ecr.us-east-1.amazonaws.com/echo:1"
ECHO_COMMAND = (sys.executable, str(Path(__file__).with_name("echo_container.py")))
TIME_SCALE = 600.0

ResultT = TypeVar("ResultT")


@pytest.fixture(scope="module")
def cloud(connect: Callable[[RunningLocalCloud], Callable[[str], Any]]) -> Iterator[RunningLocalCloud]:
    """A local cloud with an execution role that knows the echo container and passes ten minutes in a second."""
    with local_cloud(time_scale=TIME_SCALE, containers={ECHO_IMAGE: ECHO_COMMAND}) as running:
        create_execution_role(connect(running))
        yield running


@pytest.fixture(scope="module")
def slower_cloud(connect: Callable[[RunningLocalCloud], Callable[[str], Any]]) -> Iterator[RunningLocalCloud]:
    """The same at one minute in a second, for clients that cannot ask for a longer invocation timeout."""
    with local_cloud(time_scale=60.0, containers={ECHO_IMAGE: ECHO_COMMAND}) as running:
        create_execution_role(connect(running))
        yield running


@pytest.fixture(scope="session")
def answers() -> Answers:
    """What our services answered to all clients of the session."""
    return Answers()


@pytest.fixture(autouse=True)
def _answers_fit_the_service_models(answers: Answers) -> Iterator[None]:
    """Fail a test whose responses are not what AWS's service models say."""
    answers.faults.clear()
    yield
    assert answers.faults == []


@pytest.fixture(scope="session")
def connect(answers: Answers) -> Callable[[RunningLocalCloud], Callable[[str], Any]]:
    """Makes what makes boto3 clients of a local cloud."""

    def clients_of(running: RunningLocalCloud) -> Callable[[str], Any]:
        environment = running.environment
        session = boto3.Session(
            aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
            region_name=environment["AWS_DEFAULT_REGION"],
        )
        new_client: Any = session.client
        return lambda service: answers.watch(new_client(service, endpoint_url=running.endpoint_url))

    return clients_of


@pytest.fixture(scope="module")
def client(
    cloud: RunningLocalCloud, connect: Callable[[RunningLocalCloud], Callable[[str], Any]]
) -> Callable[[str], Any]:
    """Makes boto3 clients of the module's local cloud."""
    return connect(cloud)


@pytest.fixture(scope="session")
def echo_image() -> str:
    """The image for which the echo container stands."""
    return ECHO_IMAGE


@pytest.fixture(scope="session")
def echo_command() -> tuple[str, ...]:
    """The command of the echo container."""
    return ECHO_COMMAND


@pytest.fixture(scope="session")
def eventually() -> Callable[..., Any]:
    """Waits for the first true value of a condition."""

    def wait(condition: Callable[[], ResultT], *, seconds: float = 20.0) -> ResultT:
        deadline = time.monotonic() + seconds
        while not (value := condition()):
            assert time.monotonic() < deadline, f"the condition is still {value!r} after {seconds} s"
            time.sleep(0.05)
        return value

    return wait
