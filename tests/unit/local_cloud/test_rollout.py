"""How work passes from old instances to new ones, and back."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from local_cloud.sagemaker.container_specification import ContainerError
from local_cloud.sagemaker.deployment_policy import DeploymentPolicy
from local_cloud.sagemaker.rollout import Rollout

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.unit.local_cloud.conftest import SkippingClock

HALF = {"Type": "CAPACITY_PERCENT", "Value": 50}
ALL_AT_ONCE = DeploymentPolicy(final_seconds=60.0)
CANARY = DeploymentPolicy(kind="CANARY", size=HALF, interval_seconds=300.0, final_seconds=60.0)
ROLLING = DeploymentPolicy(kind="ROLLING", size=HALF, interval_seconds=120.0, final_seconds=120.0)


class Fleet:
    """Says what is done to it."""

    def __init__(self, name: str, count: int, log: list[str], most: int = 9) -> None:
        self.name = name
        self.desired_count = count
        self.resting = 0
        self._log = log
        self._most = most

    async def resize(self, count: int) -> None:
        """Be resized, unless there is no room for so many."""
        if count > self._most:
            raise ContainerError("no instance came up")
        if count != self.desired_count:
            self._log.append(f"{self.name} {count}")
        self.resting = max(0, self.resting - max(0, self.desired_count - count))
        self.desired_count = count

    async def close(self) -> None:
        """Be stopped."""
        self._log.append(f"{self.name} stops")


class Endpoint:
    """Says who works."""

    def __init__(self, release: Any, log: list[str]) -> None:  # noqa: ANN401 - a release of fakes
        self.release = release
        self.status = "Updating"
        self.stages: list[str] = []
        self._log = log

    def enter(self, stage: str) -> None:
        """Keep the stage."""
        self.stages.append(stage)

    def take(self, release: Any) -> None:  # noqa: ANN401 - a release of fakes
        """Keep the release."""
        self.release = release
        self._log.append(f"{release.fleet.name} works")

    def divide(self, release: Any) -> None:  # noqa: ANN401 - a release of fakes
        """Say how the work is divided."""
        new, old = release.fleet, self.release.fleet
        working = [f"{fleet.name} {fleet.desired_count - fleet.resting}" for fleet in (old, new)]
        self._log.append(f"{' and '.join(working)} work")


class Deployed:
    """What a rollout did.

    Attributes:
        log: what was done, in order.
        stages: what the endpoint's variant showed.
        status: of the endpoint.
        seconds: simulated ones that it took.
        failure: why it failed, else ``None``.
    """

    def __init__(self, log: list[str], endpoint: Endpoint, seconds: float, failure: str | None) -> None:
        self.log = log
        self.stages = endpoint.stages
        self.status = endpoint.status
        self.seconds = seconds
        self.failure = failure


@pytest.fixture
def deploy(skipping_clock: SkippingClock, finish: Callable[..., Any]) -> Callable[..., Deployed]:
    """Deploys four new instances in place of four old ones."""

    def run(policy: DeploymentPolicy, *, rings_at: float = 1e9, old: int | None = 4, most: int = 9) -> Deployed:
        log: list[str] = []
        before = None if old is None else SimpleNamespace(fleet=Fleet("old", old, log))
        endpoint, release = Endpoint(before, log), SimpleNamespace(fleet=Fleet("new", 0, log, most))
        watched = replace(policy, alarms=("a",))
        start, parts = skipping_clock.now(), (endpoint, release)
        rollout: Any = Rollout
        failure = None
        try:
            finish(
                rollout(
                    *parts,
                    4,
                    policy=watched,
                    clock=skipping_clock,
                    in_alarm=lambda _: skipping_clock.now() - start >= rings_at,
                ).run()
            )
        except ContainerError as error:
            failure = str(error)
        return Deployed(log, endpoint, skipping_clock.now() - start, failure)

    return run


def test_all_at_once(deploy: Callable[..., Deployed]) -> None:
    """The old instances wait a minute, in case an alarm rings, and then go as at scale-in."""
    deployed = deploy(ALL_AT_ONCE)
    assert deployed.log == ["new 4", "new works", "old 0", "old stops"]
    assert deployed.stages == ["ActivatingTraffic", "Baking"]
    assert (deployed.seconds, deployed.failure) == (60.0, None)


def test_a_canary_works_first(deploy: Callable[..., Deployed]) -> None:
    """As many of the old instances take no more requests."""
    deployed = deploy(CANARY)
    assert deployed.log == ["new 4", "old 2 and new 2 work", "new works", "old 0", "old stops"]
    assert (deployed.seconds, deployed.failure) == (360.0, None)


def test_a_canary_that_rings_gives_the_work_back(deploy: Callable[..., Deployed]) -> None:
    """Only the canary's share of jobs has met the new model."""
    deployed = deploy(CANARY, rings_at=100.0)
    assert deployed.log == ["new 4", "old 2 and new 2 work", "old works", "new stops"]
    assert (deployed.seconds, deployed.status) == (105.0, "RollingBack")
    assert "in the ALARM state: a" in str(deployed.failure)


def test_a_rolling_deployment_never_has_many_more_instances(deploy: Callable[..., Deployed]) -> None:
    """A batch comes, is watched, and then as many old ones go."""
    deployed = deploy(ROLLING)
    assert deployed.log == ["new 2", "old 2 and new 2 work", "old 2", "new 4", "new works", "old 0", "old stops"]
    assert deployed.seconds == 240.0


def test_instances_that_rest_are_the_ones_to_go(deploy: Callable[..., Deployed]) -> None:
    """Those that work are not stopped in the middle of it for the sake of those that do not."""
    quarter = replace(ROLLING, size=HALF | {"Value": 25})
    assert deploy(quarter).log == [
        *("new 1", "old 3 and new 1 work", "old 3"),
        *("new 2", "old 2 and new 2 work", "old 2"),
        *("new 3", "old 1 and new 3 work", "old 1"),
        *("new 4", "new works", "old 0", "old stops"),
    ]


def test_a_rolling_deployment_that_rings_launches_the_old_ones_again(deploy: Callable[..., Deployed]) -> None:
    """All at once."""
    deployed = deploy(ROLLING, rings_at=200.0)
    assert deployed.log[3:] == ["new 4", "new works", "old works", "old 4", "new stops"]
    assert deployed.status == "RollingBack"


@pytest.mark.parametrize("policy", [ALL_AT_ONCE, CANARY, ROLLING])
def test_instances_that_do_not_come_up_never_work(deploy: Callable[..., Deployed], policy: DeploymentPolicy) -> None:
    """Those of the old configuration work on."""
    deployed = deploy(policy, most=1)
    assert deployed.log == ["old works", "new stops"]
    assert deployed.failure == "no instance came up"


def test_a_first_deployment_that_fails_leaves_nothing(deploy: Callable[..., Deployed]) -> None:
    """There is nothing to go back to."""
    deployed = deploy(ALL_AT_ONCE, old=None, most=1)
    assert (deployed.log, deployed.status) == (["new stops"], "Updating")


@pytest.mark.parametrize("old", [0, 1])
def test_fewer_old_instances_than_new_ones(deploy: Callable[..., Deployed], old: int) -> None:
    """An endpoint at rest, or one that is configured to be larger."""
    gone = ["old 0", "old stops"] if old else ["old stops"]
    assert deploy(CANARY, old=old).log == ["new 4", "old 0 and new 2 work", "new works", *gone]
