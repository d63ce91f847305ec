"""``as_completed`` and ``wait``: what concurrent.futures promises, and what AWS may do meanwhile."""

from __future__ import annotations

import concurrent.futures
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from async_inference import (
    ALL_COMPLETED,
    FIRST_COMPLETED,
    FIRST_EXCEPTION,
    EndpointUnavailable,
    InvalidRequest,
    PermissionDenied,
    RequestExpired,
    ResultTimeout,
    RetryPolicy,
    as_completed,
    wait,
)
from tests.unit.async_inference.fake_aws import s3_error
from tests.unit.async_inference.fake_queue import CONSUMER, FakeQueueAws

if TYPE_CHECKING:
    from async_inference import Job

FORBIDDEN = s3_error(403, "AccessDenied", "Access Denied")
UNAVAILABLE = s3_error(503, "ServiceUnavailable", "Reduce your request rate.")
MODES = pytest.mark.parametrize("consumer", [None, CONSUMER], ids=["listing", "push"])


def submit(aws: FakeQueueAws, *ends_after: float | None, consumer: str | None = None, **options: Any) -> list[Job]:  # noqa: ANN401 - passed on
    """Return jobs that succeed after so many seconds, or never; their notices come a second later."""
    endpoint = aws.endpoint(consumer=consumer, **options)
    jobs = [endpoint.submit(b"x") for _ in ends_after]
    for job, after in zip(jobs, ends_after, strict=True):
        if after is not None:
            aws.succeed(job, after)
            aws.notify(job, after + 1)
    aws.requests.clear()
    return jobs


@MODES
def test_jobs_are_yielded_as_they_end(queue_aws: FakeQueueAws, consumer: str | None) -> None:
    """Each once, whatever the order in which they were passed, and as often as they were."""
    late, early, ready = jobs = submit(queue_aws, 300, 100, 0, consumer=consumer)

    assert [ready, early, late] == list(as_completed([*jobs, *jobs]))


@MODES
def test_the_constants_are_those_of_concurrent_futures(queue_aws: FakeQueueAws, consumer: str | None) -> None:
    """So that either may be passed."""
    ready, never = submit(queue_aws, 0, None, consumer=consumer)

    done, not_done = wait([ready, never], return_when=concurrent.futures.FIRST_COMPLETED)

    assert (done, not_done) == ({ready}, {never})
    assert {ALL_COMPLETED, FIRST_COMPLETED, FIRST_EXCEPTION} == {
        concurrent.futures.ALL_COMPLETED,
        concurrent.futures.FIRST_COMPLETED,
        concurrent.futures.FIRST_EXCEPTION,
    }


@pytest.mark.parametrize("return_when", [ALL_COMPLETED, FIRST_COMPLETED, FIRST_EXCEPTION])
def test_nothing_to_wait_for(return_when: str) -> None:
    """Costs nothing and ends at once."""
    assert wait([], return_when=return_when) == (set(), set())
    assert list(as_completed(iter(()))) == []


@MODES
def test_no_patience_looks_once_at_outputs_and_failures(queue_aws: FakeQueueAws, consumer: str | None) -> None:
    """And not at the queue, whose notices may lag behind."""
    succeeded, failed, running = submit(queue_aws, 0, None, 50, consumer=consumer)
    queue_aws.fail_job(failed)

    assert wait([succeeded, failed, running], timeout=0) == ({succeeded, failed}, {running})
    assert (queue_aws.operations(), queue_aws.time.slept) == (["ListObjectsV2"] * 2, [])


@MODES
def test_the_end_of_patience(queue_aws: FakeQueueAws, consumer: str | None) -> None:
    """A job that ends at the last moment, and a failure, are not missed; of the others the error tells."""
    ready, last, never, failed = jobs = submit(queue_aws, 0, 100, None, None, consumer=consumer)
    queue_aws.fail_job(failed, after=100)
    seen: list[Job] = []

    with pytest.raises(ResultTimeout, match=r"^1 of 4 jobs have no outcome within 100 s: they may be queued"):
        seen.extend(as_completed(jobs, timeout=100))

    assert [ready, last, failed] == seen
    assert queue_aws.time.monotonic == pytest.approx(1_100, abs=1)
    assert wait(jobs, timeout=0).not_done == {never}


def test_patience_counts_from_the_call(queue_aws: FakeQueueAws) -> None:
    """And not from the first question, as with concurrent.futures."""
    jobs = as_completed(submit(queue_aws, 50), timeout=10)
    queue_aws.time.advance(10)

    with pytest.raises(ResultTimeout):
        next(jobs)

    assert queue_aws.time.slept == []


def test_the_first_exception(queue_aws: FakeQueueAws) -> None:
    """Ends the wait; results before it do not."""
    succeeded, failed, running = submit(queue_aws, 10, None, None)
    queue_aws.fail_job(failed, after=60)

    done, not_done = wait([succeeded, failed, running], return_when=FIRST_EXCEPTION)

    assert (done, not_done) == ({succeeded, failed}, {running})


@MODES
def test_a_job_that_expires_is_done(queue_aws: FakeQueueAws, consumer: str | None) -> None:
    """At its deadline, and not an interval later."""
    job, other = submit(queue_aws, None, 20, consumer=consumer)

    assert [other, job] == list(as_completed([job, other]))
    assert job.deadline.timestamp() == pytest.approx(queue_aws.time.now, abs=1)
    with pytest.raises(RequestExpired):
        job.result()


@pytest.mark.parametrize("step", [-3_600.0, 3_600.0])
def test_wall_time_may_be_stepped(queue_aws: FakeQueueAws, step: float) -> None:
    """It decides about deadlines alone: a timeout is kept, and whatever counts as expired is told of once."""
    jobs = submit(queue_aws, None)
    queue_aws.time.step = step

    done, _ = wait(jobs, timeout=60)

    assert queue_aws.time.monotonic <= 1_060
    assert len(done) == (step > 0)


@MODES
def test_one_refusal_is_not_believed(queue_aws: FakeQueueAws, consumer: str | None) -> None:
    """A new role's permissions take seconds to spread."""
    jobs = submit(queue_aws, 0, consumer=consumer)
    queue_aws.fail("ListObjectsV2", FORBIDDEN)

    assert wait(jobs).done == set(jobs)


@MODES
def test_two_refusals_are(queue_aws: FakeQueueAws, consumer: str | None) -> None:
    """The error names the action and the bucket."""
    jobs = submit(queue_aws, None, consumer=consumer)
    queue_aws.fail("ListObjectsV2", FORBIDDEN, FORBIDDEN)

    with pytest.raises(PermissionDenied, match="s3:ListBucket on bucket payloads-bucket"):
        wait(jobs)


def test_what_may_pass_is_asked_again_within_the_budget(queue_aws: FakeQueueAws) -> None:
    """Then whoever waits is told."""
    jobs = submit(queue_aws, 0, retry=RetryPolicy(budget_seconds=10))
    queue_aws.fail("ListObjectsV2", *[UNAVAILABLE] * 2)
    assert wait(jobs).done == set(jobs)

    queue_aws.fail("ListObjectsV2", *[UNAVAILABLE] * 20)
    with pytest.raises(EndpointUnavailable):
        wait(jobs)


def test_an_outage_does_not_hide_what_expired(queue_aws: FakeQueueAws) -> None:
    """It needs no answer of S3."""
    endpoint = queue_aws.endpoint(retry=RetryPolicy(budget_seconds=0))
    running = endpoint.submit(b"x")
    expired = endpoint.job(running.to_dict() | {"submitted_at": (running.submitted_at - timedelta(days=1)).isoformat()})
    queue_aws.fail("ListObjectsV2", UNAVAILABLE, UNAVAILABLE)
    told = as_completed([expired, running])

    assert next(told) == expired
    with pytest.raises(EndpointUnavailable):
        next(told)


@MODES
def test_jobs_of_several_endpoints(queue_aws: FakeQueueAws, consumer: str | None) -> None:
    """Are waited for as one, each with its own endpoint's clients and queue."""
    first, second = submit(queue_aws, 200, consumer=consumer) + submit(queue_aws, 100)

    assert [second, first] == list(as_completed([first, second]))


def test_outputs_among_those_of_others(queue_aws: FakeQueueAws) -> None:
    """A folder that others fill costs one request for each job at most."""
    endpoint = queue_aws.endpoint()
    model = submit(queue_aws, None)[0].to_dict()
    for number in range(5_000):
        queue_aws.put(f"s3://payloads-bucket/output/{number:05}.out", b"another's")
    jobs = [
        endpoint.job(model | {"output_location": f"s3://payloads-bucket/output/{number:05}-{number}.out"})
        for number in (100, 2_500, 4_900)
    ]
    for job in jobs:
        queue_aws.succeed(job)

    assert wait(jobs, timeout=0).done == set(jobs)
    assert queue_aws.count("ListObjectsV2") == 3


@MODES
def test_a_caller_who_stops_leaves_nothing(queue_aws: FakeQueueAws, consumer: str | None) -> None:
    """The notice of the job that he has not dealt with stays in the queue."""
    jobs = submit(queue_aws, 100, 200, consumer=consumer)
    waiting = as_completed(jobs)
    next(waiting)
    waiting.close()  # type: ignore[attr-defined]

    assert len(queue_aws.messages) == 2
    assert list(as_completed(jobs)) == jobs


@pytest.mark.parametrize("jobs", ["job", [1], [None]])
def test_what_is_no_job_is_refused(jobs: Any) -> None:  # noqa: ANN401 - wrong on purpose
    """When the function is called."""
    for function in (as_completed, wait):
        with pytest.raises(InvalidRequest, match=r"^jobs: got \w+ among them, expected jobs only"):
            function(jobs)


def test_another_condition_is_refused(queue_aws: FakeQueueAws) -> None:
    """It names those that there are."""
    with pytest.raises(InvalidRequest, match=r"^return_when: got 'SOME', expected one of ALL_COMPLETED, FIRST"):
        wait(submit(queue_aws, 0), return_when="SOME")
