"""Waiting for many jobs: the same answers by listing and by push, and what they cost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from async_inference import ModelError, RequestExpired, as_completed
from tests.unit.async_inference.fake_queue import CONSUMER, TEST_NOTIFICATION, FakeQueueAws, notice

if TYPE_CHECKING:
    from async_inference import Job

TTL_SECONDS, TIMEOUT_SECONDS = 60, 60
DEADLINE_SECONDS = TTL_SECONDS + TIMEOUT_SECONDS + 300

LATEST_SECONDS = 92
"""How long after its end a job may be told of: for 60 seconds looking for failures may rest, or listing if there are
notices; then comes the next listing, 30 seconds later at most, and a request that waits for notices."""

SECONDS = st.floats(0, 200)
DELAYS = st.lists(st.floats(-30, 700), max_size=3)
"""Of the copies of a notice after the end of its job; none if it is lost, below zero if it comes too early."""


@dataclass(frozen=True)
class Fate:
    """What becomes of a job and of its notices."""

    outcome: str
    seconds: float
    delays: list[float]
    follows_folder: bool


FATES = st.builds(
    Fate, st.sampled_from(["succeeds", "fails", "fails without object", "expires"]), SECONDS, DELAYS, st.booleans()
)


class Answer(NamedTuple):
    """What a job came to, as its caller sees it."""

    kind: str
    content: bytes
    seconds: float
    """When he is told, after the submission."""


def arrange(aws: FakeQueueAws, jobs: list[Job], fates: list[Fate]) -> None:
    """Let happen to the jobs what is to happen."""
    for number, (job, fate) in enumerate(zip(jobs, fates, strict=True)):
        content = b"%d" % number
        if fate.outcome == "succeeds":
            aws.succeed(job, fate.seconds, content)
        elif fate.outcome == "fails":
            aws.fail_job(job, fate.seconds, content)
        if fate.outcome != "expires":
            failure = None if fate.outcome == "succeeds" else "no reason"
            for delay in fate.delays:
                aws.notify(job, max(0.0, fate.seconds + delay), failure=failure)


def answer(aws: FakeQueueAws, job: Job) -> Answer:
    """Return what the job came to."""
    seconds = aws.time.now - job.submitted_at.timestamp()
    try:
        return Answer("result", job.result(0).content, seconds)
    except ModelError as error:
        return Answer("failed", error.body, seconds)
    except RequestExpired:
        return Answer("expired", b"", seconds)


def answers(
    fates: list[Fate], strangers: list[float], consumer: str | None
) -> tuple[list[tuple[Answer, Answer]], FakeQueueAws]:
    """Return what the jobs of these fates came to, when each is told of, which is once, and in the end."""
    aws = FakeQueueAws()
    endpoint = aws.endpoint(consumer=consumer)
    jobs = []
    for fate in fates:
        aws.failure_folder = "failure/own/" if fate.follows_folder else "failure/"
        jobs.append(endpoint.submit(b"x", request_ttl_seconds=TTL_SECONDS, invocation_timeout_seconds=TIMEOUT_SECONDS))
    stranger = endpoint.submit(b"x", inference_id=f"{CONSUMER}-stranger")
    arrange(aws, jobs, fates)
    for after in strangers:
        aws.notify(stranger, after)
        aws.tell(TEST_NOTIFICATION, after)
        aws.tell("{", after)
        aws.tell('{"eventName": "InferenceResult", "inferenceId": 7}', after)

    found = {}
    for job in as_completed(jobs):
        assert job not in found
        found[job] = answer(aws, job)
    aws.time.advance(700)
    finally_found = [(found[job], answer(aws, job)) for job in jobs]
    aws.close()
    return finally_found, aws


def expected(fate: Fate, *, push: bool) -> set[str]:
    """Return what a job of this fate may come to."""
    if fate.outcome == "fails without object" and push:
        told_at = min((max(0.0, fate.seconds + delay) for delay in fate.delays), default=DEADLINE_SECONDS)
        # Between the two, whatever is looked at first says so.
        return {"failed"} if told_at < DEADLINE_SECONDS - 20 else {"failed", "expired"} if fate.delays else {"expired"}
    return {{"succeeds": "result", "fails": "failed"}.get(fate.outcome, "expired")}


@settings(max_examples=25)
@given(st.lists(FATES, min_size=1, max_size=6), st.lists(SECONDS, max_size=4))
def test_both_modes_give_the_same_answers(fates: list[Fate], strangers: list[float]) -> None:
    """Soon, whatever becomes of notices; only a failure without an object is known by its notice alone."""
    listed, _ = answers(fates, strangers, None)
    pushed, aws = answers(fates, strangers, CONSUMER)

    for number, fate in enumerate(fates):
        (by_listing, in_the_end), (by_push, in_the_end_by_push) = listed[number], pushed[number]
        assert {by_listing.kind} == expected(fate, push=False)
        assert by_push.kind in expected(fate, push=True)
        if fate.outcome in {"succeeds", "fails"}:
            assert max(by_listing.seconds, by_push.seconds) <= fate.seconds + LATEST_SECONDS
            told = {one.content for one in (by_listing, by_push) if one.seconds >= fate.seconds}
            assert told | {in_the_end.content, in_the_end_by_push.content} == {b"%d" % number}
    assert all("stranger" not in body and body != "{" and '"inferenceId": 7' not in body for body in aws.deleted)


def test_the_words_of_a_failure_are_those_of_its_object(queue_aws: FakeQueueAws) -> None:
    """As soon as it is there, though a notice told of the failure before, in words of its own."""
    job = queue_aws.endpoint(consumer=CONSUMER).submit(b"x")
    queue_aws.notify(job, after=10, failure="no reason")
    queue_aws.fail_job(job, after=60, content=b"no image")

    assert [answer(queue_aws, done).content for done in as_completed([job])] == [b"no reason"]
    queue_aws.time.advance(60)
    assert answer(queue_aws, job).content == b"no image"


def wait_for_many(aws: FakeQueueAws, number: int, per_second: float, consumer: str | None) -> None:
    """Wait for jobs that end evenly, the first after a minute, with notices soon after."""
    aws.time.luck = 0.5
    endpoint = aws.endpoint(consumer=consumer)
    jobs = [endpoint.submit(b"x", request_ttl_seconds=21_600) for _ in range(number)]
    for order, job in enumerate(jobs):
        aws.succeed(job, 60 + order / per_second)
        aws.notify(job, 60.2 + order / per_second)
    aws.requests.clear()
    assert set(as_completed(jobs)) == set(jobs)


def test_listing_costs_little(queue_aws: FakeQueueAws) -> None:
    """At most 0.2 requests a job for 1,000 jobs that end at 10 per second; measured: 0.04."""
    wait_for_many(queue_aws, 1_000, 10, None)

    assert set(queue_aws.operations()) == {"ListObjectsV2"}
    assert len(queue_aws.requests) <= 0.05 * 1_000


def test_push_costs_little(queue_aws: FakeQueueAws) -> None:
    """At most 0.25 requests of SQS a job for 1,000 jobs that end at 10 per second; measured: 0.22."""
    wait_for_many(queue_aws, 1_000, 10, CONSUMER)

    assert queue_aws.count("ReceiveMessage", "DeleteMessageBatch") <= 0.25 * 1_000
    assert queue_aws.count("ListObjectsV2") <= 0.05 * 1_000
    assert queue_aws.messages == []


@pytest.mark.parametrize(
    ("consumer", "in_s3", "in_sqs"), [(None, 4.5, 0.0), (CONSUMER, 2.0, 3.5)], ids=["listing", "push"]
)
def test_what_it_costs_at_one_a_minute(
    queue_aws: FakeQueueAws, consumer: str | None, in_s3: float, in_sqs: float
) -> None:
    """By listing three looks, every other one at failures too; by push three long polls, a deletion, and a fallback."""
    wait_for_many(queue_aws, 30, 1 / 60, consumer)

    assert queue_aws.count("ListObjectsV2") / 30 == pytest.approx(in_s3, abs=0.3)
    assert queue_aws.count("ReceiveMessage", "DeleteMessageBatch") / 30 == pytest.approx(in_sqs, abs=0.3)


def test_thousands_of_jobs_cost_what_they_cost(queue_aws: FakeQueueAws) -> None:
    """One request for each thousand in each round, and no work that grows with the square of their number."""
    endpoint = queue_aws.endpoint()
    jobs = [endpoint.submit(b"x") for _ in range(50)]
    watch = endpoint.watch()
    taken_up = [
        endpoint.job(jobs[0].to_dict() | {"output_location": f"s3://payloads-bucket/output/many/{number:05}"})
        for number in range(5_000)
    ]
    for job in taken_up:
        watch.add(job)
        queue_aws.succeed(job)
    queue_aws.requests.clear()

    assert len(watch.tick()) == 5_000

    assert queue_aws.count("ListObjectsV2") == 5
    assert len(watch) == 0


def test_a_notice_of_another_request_of_the_same_name_decides_nothing(queue_aws: FakeQueueAws) -> None:
    """An inference id is a label: the failure of an earlier request does not become this one's."""
    endpoint = queue_aws.endpoint(consumer=CONSUMER)
    job = endpoint.submit(b"x", inference_id=f"{CONSUMER}-nightly")
    queue_aws.tell(notice(job, failure="of yesterday", receivedTime="2020-01-01T00:00:00Z"))
    queue_aws.succeed(job, after=90)

    assert [answer(queue_aws, done).content for done in as_completed([job])] == [b'"done"']
