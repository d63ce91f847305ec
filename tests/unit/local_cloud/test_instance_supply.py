"""Where instances come from, and what happens where there are none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from local_cloud.sagemaker.container_specification import ContainerError
from local_cloud.sagemaker.instance_capacity import InstanceCapacity
from local_cloud.sagemaker.instance_supply import InstanceSupply, instance_supply
from local_cloud.sagemaker.resources import EndpointConfig

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.unit.local_cloud.conftest import SkippingClock

FIRST, SECOND, THIRD = "ml.g6.xlarge", "ml.g5.xlarge", "ml.g4dn.xlarge"
TIMEOUT = "VariantInstanceProvisionTimeoutInSeconds"


class Launch:
    """What became of a launch.

    Attributes:
        instance_type: what was to be had.
        seconds: simulated ones until it was.
    """

    def __init__(self, instance_type: str, seconds: float) -> None:
        self.instance_type = instance_type
        self.seconds = seconds


async def launch(supply: InstanceSupply) -> Launch:
    """Have an instance for a moment."""
    start = supply.clock.now()
    async with supply.instance() as instance_type:
        return Launch(instance_type, supply.clock.now() - start)


def config(*types: str, **variant: object) -> EndpointConfig:
    """Return a configuration of one type, or of pools that are not named in their order."""
    pools = [{"InstanceType": one, "Priority": priority} for priority, one in enumerate(types, start=1)]
    named = {"InstancePools": pools[::-1]} if len(types) > 1 else {"InstanceType": types[0]}
    definition = {"ProductionVariants": [{"VariantName": "AllTraffic", **named, **variant}]}
    return EndpointConfig(name="c", arn="arn", created_at=0.0, definition=definition, asynchronous=None)


def test_there_are_no_more_instances_than_there_are() -> None:
    """What is given back can be taken again, and of a type that is not named there is any number."""
    capacity = InstanceCapacity({FIRST: 1})
    assert [capacity.take(FIRST), capacity.take(FIRST)] == [True, False]
    capacity.give_back(FIRST)
    assert capacity.take(FIRST)
    assert all(capacity.take(SECOND) for _ in range(100))


def test_limits_change_what_is_left_and_not_what_is_in_use() -> None:
    """Fewer than are in use is none until some of them are back."""
    capacity = InstanceCapacity({FIRST: 2})
    assert [capacity.take(FIRST), capacity.take(FIRST)] == [True, True]
    capacity.limits[FIRST] = 1
    capacity.give_back(FIRST)
    assert not capacity.take(FIRST)
    capacity.give_back(FIRST)
    assert capacity.take(FIRST)


@pytest.mark.parametrize(
    ("limits", "expected", "seconds"),
    [({}, FIRST, 0.0), ({FIRST: 0}, SECOND, 180.0), ({FIRST: 0, SECOND: 0}, THIRD, 360.0), ({SECOND: 0}, FIRST, 0.0)],
)
def test_the_most_wanted_type_that_is_to_be_had(
    skipping_clock: SkippingClock, finish: Callable[..., Launch], limits: dict[str, int], expected: str, seconds: float
) -> None:
    """It takes three minutes to learn that there is none of a type."""
    supply = instance_supply(config(FIRST, SECOND, THIRD), InstanceCapacity(limits), skipping_clock)
    launched = finish(launch(supply))
    assert (launched.instance_type, launched.seconds) == (expected, seconds)


def test_an_instance_is_given_back_at_its_end(skipping_clock: SkippingClock, finish: Callable[..., Launch]) -> None:
    """So that there is one for the next."""
    supply = instance_supply(config(FIRST), InstanceCapacity({FIRST: 1}), skipping_clock)
    assert [finish(launch(supply)).instance_type for _ in range(3)] == [FIRST] * 3


@pytest.mark.parametrize(
    ("types", "variant", "seconds"),
    [
        ((FIRST,), {}, 1_800.0),
        ((FIRST,), {TIMEOUT: 300}, 1_800.0),
        ((FIRST, SECOND), {}, 1_800.0),
        ((FIRST, SECOND), {TIMEOUT: 3_600}, 3_600.0),
        ((FIRST, SECOND, THIRD), {TIMEOUT: 300}, 300.0),
    ],
)
def test_without_capacity_the_time_runs_out(
    skipping_clock: SkippingClock,
    finish: Callable[..., Launch],
    types: tuple[str, ...],
    variant: dict[str, int],
    seconds: float,
) -> None:
    """The time is of all types together, and a single type has half an hour whatever the configuration says."""
    supply = instance_supply(config(*types, **variant), InstanceCapacity(dict.fromkeys(types, 0)), skipping_clock)
    start = skipping_clock.now()
    with pytest.raises(ContainerError, match="due to InsufficientInstanceCapacity error"):
        finish(launch(supply))
    assert skipping_clock.now() - start == seconds


def test_all_types_are_tried_again_until_there_is_one(
    skipping_clock: SkippingClock, finish: Callable[..., Launch], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Capacity that returns while the launch goes on is found, by the most wanted type that has some."""
    capacity = InstanceCapacity({FIRST: 0, SECOND: 0})
    supply = instance_supply(config(FIRST, SECOND), capacity, skipping_clock)
    start, sleep = skipping_clock.now(), skipping_clock.sleep

    async def sleep_and_see(seconds: float) -> None:
        await sleep(seconds)
        if skipping_clock.now() - start >= 720.0:
            capacity.limits.clear()

    monkeypatch.setattr(skipping_clock, "sleep", sleep_and_see)
    launched = finish(launch(supply))
    assert (launched.instance_type, launched.seconds) == (FIRST, 720.0)
