"""What the local cloud does each minute goes on, whatever fails."""

from __future__ import annotations

import asyncio
import logging
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from local_cloud.internal_errors import InternalErrors
from local_cloud.minutes import Minutes

if TYPE_CHECKING:
    from collections.abc import Iterator


class Cloud:
    """Everything that has to do with a minute, and what of it has happened; ``broken`` fails."""

    def __init__(self, broken: str = "") -> None:
        self.broken = broken
        self.done: list[str] = []
        self.status = "InService"
        self.scaled: list[str] = []

    def __iter__(self) -> Iterator[Any]:
        for name in ("first", "second"):
            publish = lambda _now, name=name: self.do(name)  # noqa: E731 - one per endpoint
            yield SimpleNamespace(name=name, arn=f"arn:{name}", status=self.status, publish_metrics=publish)

    def do(self, what: str) -> None:
        """Note it, or fail."""
        if what == self.broken:
            raise RuntimeError(f"{what} is broken")
        self.done.append(what)

    def evaluate(self, _now: float) -> list[Any]:
        """Evaluate alarms; an endpoint may come into service meanwhile."""
        self.do("alarms")
        self.status = "InService"
        return []

    def scale(self, in_service: list[Any], _alarms: list[Any], _now: float) -> None:
        """Scale."""
        self.do("scaling")
        self.scaled = [endpoint.name for endpoint in in_service]

    def forget(self, _now: float) -> None:
        """Forget old metrics."""
        self.do("forgetting")


def minutes(cloud: Any, clock: Any = None) -> Minutes:  # noqa: ANN401 - stands for everything
    """Return the minutes of a cloud."""
    return Minutes(clock, cloud, cloud, cloud, cloud)


def test_a_minute_publishes_evaluates_and_scales() -> None:
    """In this order; what is too old is forgotten once an hour."""
    cloud = Cloud()
    minutes(cloud).end(3_660.0)
    assert cloud.done == ["first", "second", "alarms", "scaling"]
    minutes(cloud).end(7_200.0)
    assert cloud.done[4:] == ["first", "second", "alarms", "scaling", "forgetting"]


def test_an_endpoint_that_comes_into_service_meanwhile_is_not_scaled_yet() -> None:
    """The minute's metrics are of the time before."""
    cloud = Cloud()
    cloud.status = "Creating"
    minutes(cloud).end(3_660.0)
    assert cloud.scaled == []


@pytest.mark.parametrize(
    ("broken", "named"),
    [
        ("first", "the metrics of arn:first"),
        ("alarms", "the alarms"),
        ("scaling", "the scaling"),
        ("forgetting", "the forgetting of old metrics"),
    ],
)
def test_what_fails_is_named_and_takes_nothing_else_along(
    broken: str, named: str, caplog: pytest.LogCaptureFixture
) -> None:
    """One line with the traceback says what did not happen; the rest of the minute happens."""
    cloud = Cloud(broken)
    minutes(cloud).end(7_200.0)
    [record] = caplog.records
    assert (record.levelname, record.message) == ("ERROR", f"{named} failed")
    assert record.exc_info is not None
    expected = ["first", "second", "alarms", "scaling", "forgetting"]
    assert cloud.done == [what for what in expected if what != broken]


def test_the_next_minute_comes_after_one_that_failed() -> None:
    """Until the local cloud stops."""

    class Clock:
        """A clock that is stopped at its third minute."""

        moment = 59.0

        def now(self) -> float:
            return self.moment

        async def sleep_until(self, moment: float) -> None:
            self.moment = moment
            if moment > 120:
                raise asyncio.CancelledError

    cloud = Cloud("alarms")
    with pytest.raises(asyncio.CancelledError):
        minutes(cloud, Clock()).run().send(None)
    assert cloud.done == ["first", "second", "scaling"] * 2


def test_errors_of_the_local_cloud_are_remembered_in_one_line_each() -> None:
    """Warnings are none; the last hundred are enough."""
    errors, logger = InternalErrors(), logging.getLogger("tests.internal")
    logger.addHandler(errors)
    try:
        logger.warning("a warning")
        for number in range(101):
            logger.error("number %d", number)
        logger.error("it failed", exc_info=ValueError("why\nhow"))
    finally:
        logger.removeHandler(errors)
    assert len(errors.messages) == 100
    assert errors.messages[0] == "number 2"
    assert errors.messages[-1] == "it failed: ValueError: why how"
