"""What the local cloud's unit tests share."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, TypeVar, cast

import pytest

from local_cloud.application_autoscaling.api import AutoScalingApi
from local_cloud.application_autoscaling.service_linked_role import ServiceLinkedRole
from local_cloud.clock import SimulatedClock
from local_cloud.sagemaker.async_request import AsyncRequest
from local_cloud.sagemaker.resources import AsyncInferenceSettings
from local_cloud.scope import Scope
from scaling_engine.assumptions import Assumptions

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from local_cloud.ministack_iam import Identities

SCOPE = Scope("000000000000", "us-east-1")
KEY = {
    "ServiceNamespace": "sagemaker",
    "ResourceId": "endpoint/ocr/variant/AllTraffic",
    "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
}

ResultT = TypeVar("ResultT")


@pytest.fixture
def clock() -> SimulatedClock:
    """A clock that stands at 1000."""
    return SimulatedClock(10.0, start=1000.0, monotonic=lambda: 0.0)


class SkippingClock(SimulatedClock):
    """A clock on which only sleeping passes time, and none of it really."""

    def __init__(self) -> None:
        super().__init__(start=1_000.0, monotonic=lambda: 0.0)
        self._slept = 0.0

    def now(self) -> float:
        """Return the start and what was slept."""
        return super().now() + self._slept

    async def sleep(self, simulated: float) -> None:
        """Be later."""
        self._slept += simulated


@pytest.fixture
def skipping_clock() -> SkippingClock:
    """A clock at 1000 that waits for nothing."""
    return SkippingClock()


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

    def caller_lacks(self, *_: object) -> list[str]:
        """Lack nothing."""
        return []


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


class CloudWatch:
    """Remembers what was called."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, Any]] = []

    async def call(self, _service: str, operation: str, members: object) -> dict[str, Any]:
        """Remember the call."""
        self.calls.append((operation, members))
        return {}


class Endpoints:
    """An endpoint called ``ocr``, and two with burstable instances: always, or while there are no others."""

    def in_scope(self, _scope: Scope) -> list[Any]:
        """Return them."""
        types = {"ocr": ("ml.m5.large",), "burstable": ("ml.t2.medium",), "falls-back": ("ml.m5.large", "ml.t2.large")}
        return [
            SimpleNamespace(name=name, config=SimpleNamespace(variant_name="AllTraffic", instance_types=instance_types))
            for name, instance_types in types.items()
        ]


class Iam:
    """Remembers which roles were created."""

    def __init__(self) -> None:
        self.roles: list[str] = []

    async def call(self, _scope: Scope, _service: str, _operation: str, **members: str) -> dict[str, Any]:
        """Remember the role."""
        self.roles.append(members["RoleName"])
        return {}


@pytest.fixture
def iam() -> Iam:
    """Where roles are created."""
    return Iam()


@pytest.fixture
def cloudwatch() -> CloudWatch:
    """Where alarms are put."""
    return CloudWatch()


@pytest.fixture
def api(clock: SimulatedClock, cloudwatch: CloudWatch, iam: Iam, identities: Identities) -> AutoScalingApi:
    """The API over one endpoint."""
    endpoints: Any = Endpoints()
    ministack: Any = cloudwatch
    clients: Any = iam
    return AutoScalingApi(
        clock=clock,
        endpoints=endpoints,
        ministack=ministack,
        identities=identities,
        role=ServiceLinkedRole(identities, clients),
        assumptions=Assumptions(),
    )


@pytest.fixture
def call(api: AutoScalingApi, finish: Callable[..., Any]) -> Callable[..., Any]:
    """Performs an operation on the one variant."""
    return lambda name, members=None: finish(api.json_api.call(SCOPE, name, KEY | (members or {})))


@pytest.fixture
def registered(call: Callable[..., Any]) -> Callable[..., Any]:
    """The same, once the variant is a target of 0 to 2 instances."""
    call("RegisterScalableTarget", {"MinCapacity": 0, "MaxCapacity": 2})
    return call
