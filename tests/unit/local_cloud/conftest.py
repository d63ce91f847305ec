"""What the local cloud's unit tests share."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar, cast

import pytest

from local_cloud.clock import SimulatedClock
from local_cloud.sagemaker.async_request import AsyncRequest
from local_cloud.sagemaker.resources import AsyncInferenceSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from typing import Any

    from local_cloud.ministack_iam import Identities

ResultT = TypeVar("ResultT")


@pytest.fixture
def clock() -> SimulatedClock:
    """A clock that stands at 1000."""
    return SimulatedClock(10.0, start=1000.0, monotonic=lambda: 0.0)


@pytest.fixture
def settings() -> AsyncInferenceSettings:
    """Settings with everything but a concurrency."""
    return AsyncInferenceSettings(
        output_path="s3://bucket/output/",
        failure_path="s3://bucket/failure",
        success_topic="arn:aws:sns:us-east-1:000000000000:success",
        error_topic="arn:aws:sns:us-east-1:000000000000:error",
    )


class AnyIdentities:
    """Identities that may do everything; SageMaker may assume the roles whose name begins with ``execution``."""

    enforced = False

    def require(self, *_: object) -> None:
        """Let it pass."""

    def role_trusts(self, role_arn: str, _service: str) -> bool:
        """Go by the name."""
        return ":role/execution" in role_arn

    def role_lacks(self, *_: object) -> None:
        """Lack nothing."""


@pytest.fixture
def identities() -> Identities:
    """What holds where policies are not enforced."""
    return cast("Identities", AnyIdentities())


@pytest.fixture
def make_request() -> Callable[..., AsyncRequest]:
    """Makes requests that differ from a plain one as told."""

    def make(**members: object) -> AsyncRequest:
        plain: dict[str, Any] = {
            "inference_id": "id",
            "received_at": 0.0,
            "ttl_seconds": 60.0,
            "timeout_seconds": 900.0,
            "output_location": "s3://bucket/output/u.out",
            "failure_location": "s3://bucket/failure/u-error.out",
            "body": b"input",
        }
        return AsyncRequest(**(plain | members))

    return make


@pytest.fixture
def finish() -> Callable[[Coroutine[Any, Any, ResultT]], ResultT]:
    """Runs a coroutine that waits for nothing; an event loop would open a socket."""

    def run(coroutine: Coroutine[Any, Any, ResultT]) -> ResultT:
        try:
            coroutine.send(None)
        except StopIteration as stop:
            result: ResultT = stop.value
            return result
        raise AssertionError("the coroutine waits for something")

    return run
