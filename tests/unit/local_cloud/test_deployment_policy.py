"""How long an update is watched, and by which alarms."""

from __future__ import annotations

from typing import Any

import pytest

from local_cloud.sagemaker.deployment_policy import UNWATCHED, DeploymentPolicy


def blue_green(wait: int, **routing: object) -> dict[str, Any]:
    """Return a ``DeploymentConfig`` whose old instances stay for a minute."""
    traffic = {"WaitIntervalInSeconds": wait, **routing}
    return {"BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": traffic, "TerminationWaitInSeconds": 60}}


@pytest.mark.parametrize(
    ("members", "seconds"),
    [
        ({}, 0),
        (blue_green(300, Type="ALL_AT_ONCE"), 60),
        (blue_green(300, Type="CANARY", CanarySize={"Type": "INSTANCE_COUNT", "Value": 1}), 360),
        (blue_green(300, Type="LINEAR", LinearStepSize={"Type": "CAPACITY_PERCENT", "Value": 25}), 960),
        (
            {
                "RollingUpdatePolicy": {
                    "MaximumBatchSize": {"Type": "CAPACITY_PERCENT", "Value": 50},
                    "WaitIntervalInSeconds": 120,
                }
            },
            120,
        ),
    ],
)
def test_intervals_and_the_wait_at_the_end_are_watched(members: dict[str, Any], seconds: float) -> None:
    """A step of a quarter leaves three intervals to the last."""
    assert DeploymentPolicy.from_members(members).watch_seconds == seconds


def test_alarms_are_those_of_the_rollback() -> None:
    """By name."""
    members = {"AutoRollbackConfiguration": {"Alarms": [{"AlarmName": "a"}, {"AlarmName": "b"}]}}
    assert DeploymentPolicy.from_members(members).alarms == ("a", "b")
    assert UNWATCHED.alarms == ()
