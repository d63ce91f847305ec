"""The queue's metrics under each answer to what is undocumented about them."""

from __future__ import annotations

import pytest

from scaling_engine.assumptions import Assumptions
from scaling_engine.exceptions import ScalingConfigurationError
from scaling_engine.gauges import QueueState, queue_gauges

BUSY = QueueState(waiting=4, running=2, instances=2, oldest_age_seconds=30.0)
IDLE = QueueState(waiting=0, running=0, instances=1)


@pytest.mark.parametrize(("counts", "backlog"), [(True, 6.0), (False, 4.0)])
def test_the_backlog_counts_running_work_or_not(*, counts: bool, backlog: float) -> None:
    """The documentation says that it does."""
    gauges = queue_gauges(BUSY, Assumptions(backlog_counts_running_work=counts))
    assert gauges == {
        "ApproximateBacklogSize": backlog,
        "ApproximateBacklogSizePerInstance": backlog / 2,
        "ApproximateAgeOfOldestRequest": 30.0,
        "HasBacklogWithoutCapacity": 0.0,
    }


@pytest.mark.parametrize("published", [True, False])
def test_the_backlog_per_instance_exists_at_zero_or_not(*, published: bool) -> None:
    """That there is a backlog without capacity is said in both cases."""
    state = QueueState(waiting=3, running=0, instances=0)
    gauges = queue_gauges(state, Assumptions(backlog_per_instance_at_zero=published))
    assert gauges["HasBacklogWithoutCapacity"] == 1.0
    assert gauges.get("ApproximateBacklogSizePerInstance") == (3.0 if published else None)


@pytest.mark.parametrize("published", [True, False])
def test_an_idle_endpoint_has_zeros_or_nothing(*, published: bool) -> None:
    """Nothing is not zero: alarms tell them apart."""
    gauges = queue_gauges(IDLE, Assumptions(zeros_while_idle=published))
    assert set(gauges.values()) == ({0.0} if published else set())


def test_before_the_first_request_there_may_be_nothing() -> None:
    """A first deployment has to come to rest all the same."""
    new = QueueState(waiting=0, running=0, instances=1, had_requests=False)
    assert queue_gauges(new, Assumptions(datapoints_before_first_request=False)) == {}
    assert queue_gauges(new, Assumptions()) != {}


@pytest.mark.parametrize(
    ("name", "value"),
    [("publication_delay_seconds", -1.0), ("evaluation_offset_seconds", 60.0), ("evaluation_offset_seconds", -1.0)],
)
def test_impossible_times_are_refused(name: str, value: float) -> None:
    """Time does not run backwards, and alarms are evaluated once a minute."""
    with pytest.raises(ScalingConfigurationError, match=r"^assumptions: "):
        Assumptions(**{name: value})  # type: ignore[arg-type]
