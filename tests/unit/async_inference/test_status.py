"""What is concluded of a job from what can be seen of its endpoint."""

from __future__ import annotations

import pytest

from async_inference import ModelError, RequestExpired, ResultCorrupt
from async_inference.observation import Observation
from async_inference.status import JobState, outcome, under_way

TTL = 7_200


def seen(instances: int | None = 1, desired: int | None = 1, oldest: float | None = 0.0) -> Observation:
    """Return an endpoint at one moment."""
    return Observation(instances=instances, desired_instances=desired, oldest_age_seconds=oldest)


@pytest.mark.parametrize(
    ("age", "observation", "state"),
    [
        (600.0, seen(instances=None), JobState.UNKNOWN),
        (600.0, seen(instances=0, desired=0), JobState.QUEUED),
        (600.0, seen(instances=0, desired=1), JobState.WAKING),
        (TTL + 1.0, seen(instances=0, desired=1), JobState.WAKING),
        (TTL + 1.0, seen(oldest=None), JobState.RUNNING),
        (600.0, seen(oldest=None), JobState.UNKNOWN),
        (600.0, seen(oldest=0.0), JobState.RUNNING),
        (600.0, seen(oldest=479.0), JobState.RUNNING),
        (600.0, seen(oldest=481.0), JobState.QUEUED),
        (600.0, seen(oldest=3_600.0), JobState.QUEUED),
        (60.0, seen(oldest=0.0), JobState.UNKNOWN),
    ],
)
def test_a_job_that_has_not_ended_is_placed_by_inference(age: float, observation: Observation, state: JobState) -> None:
    """And always marked so."""
    status = under_way(age, TTL, observation)

    assert (status.state, status.inferred) == (state, True)
    assert status.reason.isprintable()


@pytest.mark.parametrize(
    ("error", "state", "inferred"),
    [
        (None, JobState.DONE, False),
        (ModelError("no image"), JobState.FAILED, False),
        (ResultCorrupt("empty"), JobState.FAILED, False),
        (RequestExpired("gone"), JobState.EXPIRED, True),
    ],
)
def test_an_object_is_certain_and_its_absence_is_not(
    error: ModelError | ResultCorrupt | RequestExpired | None,
    state: JobState,
    inferred: bool,  # noqa: FBT001 - a table
) -> None:
    """Expiry is a conclusion from time."""
    status = outcome(error)

    assert (status.state, status.inferred) == (state, inferred)
