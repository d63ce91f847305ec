"""How work passes from old instances to new ones, and back."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from local_cloud.sagemaker.container_specification import ContainerError
from local_cloud.sagemaker.deployment_policy import DeploymentPolicy
from local_cloud.sagemaker.instance_capacity import InstanceCapacity
from local_cloud.sagemaker.rollout import Rollout

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.unit.local_cloud.conftest import SkippingClock

TYPE = "ml.m5.large"
HALF = {"Type": "CAPACITY_PERCENT", "Value": 50}
ALL_AT_ONCE = DeploymentPolicy(final_seconds=60.0)
CANARY = DeploymentPolicy(kind="CANARY", size=HALF, interval_seconds=300.0, final_seconds=60.0)
ROLLING = DeploymentPolicy(kind="ROLLING", size=HALF, interval_seconds=120.0, final_seconds=120.0)


class Fleet:
    """Says what is done to it."""

    def __init__(self, name: str, count: int, log: list[str], capacity: InstanceCapacity) -> None:
        self.name = name
        self.desired_count = sum(capacity.take(TYPE) for _ in range(count))
        self.resting = 0
        self._log = log
        self._capacity = capacity

    async def resize(self, count: int) -> None:
        """Be resized, as far as there are instances."""
        before = self.desired_count
        self._shrink(count)
        while self.desired_count < count:
            if not self._capacity.take(TYPE):
                raise ContainerError("no instance came up")
            self.desired_count += 1
        if count != before:
            self._log.append(f"{self.name} {count}")

    async def close(self) -> None:
        """Be stopped."""
        self._shrink(0)
        self._log.append(f"{self.name} stops")

    def _shrink(self, count: int) -> None:
        for _ in range(self.desired_count - count):
            self._capacity.give_back(TYPE)
            self.desired_count -= 1
            self.resting = max(0, self.resting - 1)


class Endpoint:
    """Says who works."""

    def __init__(self, release: Any, log: list[str]) -> None:  # noqa: ANN401 - a release of fakes
        self.name = "ocr"
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
    """Deploys four new instances in place of four old ones, within the limits before and after the alarm rings."""

    def run(
        policy: DeploymentPolicy,
        *,
        rings_at: float = 1e9,
        old: int | None = 4,
        new: int = 4,
        limits: tuple[int, int] = (8, 8),
    ) -> Deployed:
        log: list[str] = []
        limit, limit_in_alarm = limits
        capacity = InstanceCapacity({TYPE: limit})
        before = None if old is None else SimpleNamespace(fleet=Fleet("old", old, log, capacity))
        endpoint, release = Endpoint(before, log), SimpleNamespace(fleet=Fleet("new", 0, log, capacity))
        watched = replace(policy, alarms=("a",))
        start, parts = skipping_clock.now(), (endpoint, release)

        def in_alarm(_: str) -> bool:
            rings = skipping_clock.now() - start >= rings_at
            if rings:
                capacity.limits[TYPE] = limit_in_alarm
            return rings

        rollout: Any = Rollout
        failure = None
        try:
            finish(rollout(*parts, new, policy=watched, clock=skipping_clock, in_alarm=in_alarm).run())
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
    """All at once, and after the new ones."""
    deployed = deploy(ROLLING, rings_at=200.0)
    assert deployed.log[3:] == ["new 4", "new works", "old works", "new stops", "old 4"]
    assert deployed.status == "RollingBack"


def test_a_rolling_deployment_that_rings_needs_no_more_instances_to_go_back(deploy: Callable[..., Deployed]) -> None:
    """The new ones make room for the old ones, where there was one more than these."""
    deployed = deploy(ROLLING, rings_at=200.0, old=2, new=2, limits=(3, 3))
    assert deployed.log[-3:] == ["old works", "new stops", "old 2"]
    assert "in the ALARM state: a" in str(deployed.failure)


def test_old_instances_that_do_not_come_back_are_not_why_the_deployment_failed(
    deploy: Callable[..., Deployed], caplog: pytest.LogCaptureFixture
) -> None:
    """The alarm is; that there are fewer instances than before is logged."""
    deployed = deploy(ROLLING, rings_at=200.0, old=2, new=2, limits=(3, 1))
    assert deployed.log[-2:] == ["old works", "new stops"]
    assert "in the ALARM state: a" in str(deployed.failure)
    assert "endpoint ocr could not go back to 2 instances: no instance came up" in caplog.messages


@pytest.mark.parametrize("policy", [ALL_AT_ONCE, CANARY, ROLLING])
def test_instances_that_do_not_come_up_never_work(deploy: Callable[..., Deployed], policy: DeploymentPolicy) -> None:
    """Those of the old configuration work on."""
    deployed = deploy(policy, limits=(5, 5))
    assert deployed.log == ["old works", "new stops"]
    assert deployed.failure == "no instance came up"


def test_a_first_deployment_that_fails_leaves_nothing(deploy: Callable[..., Deployed]) -> None:
    """There is nothing to go back to."""
    deployed = deploy(ALL_AT_ONCE, old=None, limits=(1, 1))
    assert (deployed.log, deployed.status) == (["new stops"], "Updating")


@pytest.mark.parametrize("old", [0, 1])
def test_fewer_old_instances_than_new_ones(deploy: Callable[..., Deployed], old: int) -> None:
    """An endpoint at rest, or one that is configured to be larger."""
    gone = ["old 0", "old stops"] if old else ["old stops"]
    assert deploy(CANARY, old=old).log == ["new 4", "old 0 and new 2 work", "new works", *gone]
