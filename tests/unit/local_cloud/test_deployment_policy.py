"""In which steps work passes to new instances, how long they are watched, and what AWS refuses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from local_cloud.errors import AwsError
from local_cloud.sagemaker.container_specification import ContainerError
from local_cloud.sagemaker.deployment_policy import UNWATCHED, DeploymentPolicy

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.unit.local_cloud.conftest import SkippingClock


def percent(value: int) -> dict[str, Any]:
    """Return a share of all instances."""
    return {"Type": "CAPACITY_PERCENT", "Value": value}


def instances(value: int) -> dict[str, Any]:
    """Return so many instances."""
    return {"Type": "INSTANCE_COUNT", "Value": value}


def blue_green(wait: int = 300, *, limit: int = 28_800, **routing: object) -> dict[str, Any]:
    """Return a ``DeploymentConfig`` whose old instances stay for a minute."""
    return {
        "BlueGreenUpdatePolicy": {
            "TrafficRoutingConfiguration": {"WaitIntervalInSeconds": wait, **routing},
            "TerminationWaitInSeconds": 60,
            "MaximumExecutionTimeoutInSeconds": limit,
        }
    }


def rolling(batch: dict[str, Any]) -> dict[str, Any]:
    """Return a ``DeploymentConfig`` that watches each batch for two minutes."""
    return {"RollingUpdatePolicy": {"MaximumBatchSize": batch, "WaitIntervalInSeconds": 120}}


@pytest.mark.parametrize(
    ("members", "count", "steps"),
    [
        ({}, 4, [4]),
        (blue_green(Type="ALL_AT_ONCE"), 4, [4]),
        (blue_green(Type="CANARY", CanarySize=percent(30)), 10, [3, 10]),
        (blue_green(Type="CANARY", CanarySize=percent(30)), 4, [2, 4]),
        (blue_green(Type="CANARY", CanarySize=percent(30)), 1, [1, 1]),
        (blue_green(Type="CANARY", CanarySize=percent(30)), 0, [0, 0]),
        (blue_green(Type="CANARY", CanarySize=instances(2)), 4, [2, 4]),
        (blue_green(Type="CANARY", CanarySize=instances(2)), 1, [1, 1]),
        (blue_green(Type="CANARY", CanarySize=instances(2)), 0, [0, 0]),
        (blue_green(Type="LINEAR", LinearStepSize=percent(25)), 4, [1, 2, 3, 4]),
        (blue_green(Type="LINEAR", LinearStepSize=instances(2)), 5, [2, 4, 5]),
        (rolling(percent(50)), 3, [2, 3]),
        (rolling(instances(1)), 3, [1, 2, 3]),
    ],
)
def test_work_passes_in_steps(members: dict[str, Any], count: int, steps: list[int]) -> None:
    """The last step is all instances, and a share is rounded up to whole ones."""
    assert DeploymentPolicy.from_members(members).steps(count) == steps


@pytest.mark.parametrize(
    ("members", "interval", "final"),
    [
        ({}, 0, 0),
        (blue_green(Type="ALL_AT_ONCE"), 300, 60),
        (blue_green(Type="CANARY", CanarySize=percent(30)), 300, 60),
        (rolling(percent(50)), 120, 120),
    ],
)
def test_intervals_and_the_wait_at_the_end_are_watched(members: dict[str, Any], interval: float, final: float) -> None:
    """Blue/green instances stay for a while after the last step; of a rolling deployment each batch is watched."""
    policy = DeploymentPolicy.from_members(members)
    assert (policy.interval_seconds, policy.final_seconds) == (interval, final)


def test_alarms_are_those_of_the_rollback() -> None:
    """By name."""
    members = {"AutoRollbackConfiguration": {"Alarms": [{"AlarmName": "a"}, {"AlarmName": "b"}]}}
    assert DeploymentPolicy.from_members(members).alarms == ("a", "b")
    assert UNWATCHED.alarms == ()


@pytest.mark.parametrize(
    ("members", "message"),
    [
        (blue_green(Type="ALL_AT_ONCE") | rolling(percent(50)), "Only one of BlueGreenUpdatePolicy and"),
        (blue_green(Type="CANARY"), "CanarySize is required for CANARY"),
        (blue_green(Type="CANARY", CanarySize=percent(51)), "CanarySize must be 1 to 50 percent: 51"),
        (blue_green(Type="LINEAR", CanarySize=percent(50)), "LinearStepSize is required for LINEAR"),
        (blue_green(Type="LINEAR", LinearStepSize=percent(9)), "LinearStepSize must be 10 to 50 percent: 9"),
        (rolling(percent(4)), "MaximumBatchSize must be 5 to 50 percent: 4"),
        (blue_green(600, limit=660, Type="CANARY", CanarySize=percent(50)), "660 against 660"),
    ],
)
def test_deployments_that_sagemaker_refuses_are_refused(members: dict[str, Any], message: str) -> None:
    """The bounds are those that the service model describes."""
    with pytest.raises(AwsError, match=message) as refusal:
        DeploymentPolicy.from_members(members)
    assert refusal.value.code == "ValidationException"


@pytest.mark.parametrize(
    "members", [blue_green(Type="CANARY", CanarySize=instances(3)), rolling(instances(3))], ids=["canary", "rolling"]
)
def test_a_step_is_at_most_half_of_the_instances(members: dict[str, Any]) -> None:
    """How many there are is known when the update begins."""
    policy = DeploymentPolicy.from_members(members)
    with pytest.raises(AwsError, match="must be at most half of 5 instances: 3"):
        policy.steps(5)
    assert policy.steps(6)[0] == 3


def test_an_alarm_ends_the_watch(skipping_clock: SkippingClock, finish: Callable[..., Any]) -> None:
    """The message names it; others than those of the rollback do not matter."""
    policy = DeploymentPolicy(alarms=("mine",))
    finish(policy.watch(60.0, skipping_clock, lambda name: name == "other"))
    assert skipping_clock.now() == 1_060.0
    with pytest.raises(ContainerError, match="in the ALARM state: mine"):
        finish(policy.watch(60.0, skipping_clock, lambda _: True))
    assert skipping_clock.now() == 1_075.0
