"""A consumer's queue: which messages are deleted and when, which are left alone, and what they decide."""

from __future__ import annotations

import json
import logging
from io import BytesIO
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ConnectTimeoutError

from async_inference import (
    AsyncEndpoint,
    Clients,
    ConfigurationError,
    ModelError,
    RequestExpired,
    ResultCorrupt,
    ResultTimeout,
    as_completed,
    wait,
)
from async_inference.watching.notice import read_message, read_notice
from tests.unit.async_inference.fake_aws import CONFIGURATION, service_error
from tests.unit.async_inference.fake_queue import CONSUMER, TEST_NOTIFICATION, FakeQueueAws, notice

if TYPE_CHECKING:
    from collections.abc import Callable

    from async_inference import Job
    from async_inference.watching.notices import Notices

SQS_DOWN = service_error(500, "InternalError")


@pytest.fixture
def endpoint(queue_aws: FakeQueueAws) -> AsyncEndpoint:
    """An endpoint that is its consumer."""
    return queue_aws.endpoint(consumer=CONSUMER)


def test_generated_inference_ids_are_the_consumers(queue_aws: FakeQueueAws, endpoint: AsyncEndpoint) -> None:
    """Those that the caller chose stay as they are; without a consumer there is no prefix."""
    assert endpoint.submit(b"x").inference_id.startswith(f"{CONSUMER}-")
    assert endpoint.submit(b"x", inference_id="mine").inference_id == "mine"
    assert not queue_aws.endpoint().submit(b"x").inference_id.startswith(CONSUMER)


def test_an_unknown_consumer_is_refused(queue_aws: FakeQueueAws) -> None:
    """The error lists those that there are."""
    with pytest.raises(ConfigurationError, match=r"(?m)^consumer: got 'other', this endpoint has billing$"):
        queue_aws.endpoint(consumer="other")
    with pytest.raises(ConfigurationError, match=r"(?m)^consumer: got 'other', this endpoint has none$"):
        AsyncEndpoint(CONFIGURATION, clients=queue_aws.clients, consumer="other")


def test_a_consumer_needs_a_client_for_its_queue(queue_aws: FakeQueueAws) -> None:
    """Which nobody else makes."""
    clients = Clients.connect("eu-west-1")
    assert clients.sqs is None
    with pytest.raises(ConfigurationError, match=r"^clients: have no sqs, through which consumer billing is told"):
        AsyncEndpoint(queue_aws.endpoint().configuration, clients=clients, consumer=CONSUMER)


def test_a_notice_is_acted_on_at_once(queue_aws: FakeQueueAws, endpoint: AsyncEndpoint) -> None:
    """Between two listings."""
    job = endpoint.submit(b"x")
    queue_aws.succeed(job, after=30)
    queue_aws.notify(job, after=31)

    assert list(as_completed([job])) == [job]
    assert queue_aws.time.monotonic == pytest.approx(1_031)


def test_a_notice_is_deleted_after_it_was_acknowledged_and_no_sooner(
    queue_aws: FakeQueueAws, endpoint: AsyncEndpoint
) -> None:
    """Its duplicate too, whenever it comes."""
    job, other = endpoint.submit(b"x"), endpoint.submit(b"x")
    queue_aws.succeed(job)
    message, duplicate = queue_aws.notify(job, after=5), queue_aws.notify(job, after=200)
    with endpoint.watch() as watch:
        watch.add(job)
        watch.add(other)
        ended = []
        while queue_aws.time.monotonic < 1_190:
            ended += watch.tick()
            queue_aws.time.sleep(watch.pause())
        assert ended == [job]
        assert (message.receives > 0, queue_aws.deleted) == (True, [])
        watch.acknowledge(job)
        while queue_aws.time.monotonic < 1_300:
            ended += watch.tick()
            queue_aws.time.sleep(watch.pause())

    assert ended == [job]
    assert queue_aws.deleted == [message.body, duplicate.body]


def test_deletions_are_batched(queue_aws: FakeQueueAws, endpoint: AsyncEndpoint) -> None:
    """By ten, and all of them by the end."""
    jobs = [endpoint.submit(b"x") for _ in range(25)]
    for job in jobs:
        queue_aws.succeed(job, after=1)
        queue_aws.notify(job, after=1)

    assert set(as_completed(jobs)) == set(jobs)
    assert queue_aws.messages == []
    assert queue_aws.count("DeleteMessageBatch") == 3


def test_a_few_deletions_do_not_wait_for_more(queue_aws: FakeQueueAws, endpoint: AsyncEndpoint) -> None:
    """They are made before the message shows again."""
    first, second = endpoint.submit(b"x"), endpoint.submit(b"x")
    queue_aws.succeed(first, after=1)
    message = queue_aws.notify(first, after=1)
    queue_aws.succeed(second, after=400)
    queue_aws.notify(second, after=400)

    assert list(as_completed([first, second])) == [first, second]
    assert message.receives == 1


def test_no_notice_is_received_again_and_again_while_others_are_waited_for(
    queue_aws: FakeQueueAws, endpoint: AsyncEndpoint
) -> None:
    """For an hour, say: after five receives the queue would take it for a dead letter."""
    first, last = endpoint.submit(b"x"), endpoint.submit(b"x")
    messages = []
    for job, after in ((first, 10), (last, 3_600)):
        queue_aws.succeed(job, after)
        messages.append(queue_aws.notify(job, after))

    assert wait([first, last]).not_done == set()
    assert [message.receives for message in messages] == [1, 1]


READS: dict[str, Callable[[Job], object]] = {
    "result": lambda job: job.result(),
    "exception": lambda job: job.exception(),
    "download": lambda job: job.download(BytesIO()),
    "locate": lambda job: job.locate(),
}


@pytest.mark.parametrize("read", READS.values(), ids=READS)
@pytest.mark.parametrize("received", [False, True])
def test_a_notice_of_what_was_read_goes_with_the_next_watch(
    queue_aws: FakeQueueAws, endpoint: AsyncEndpoint, read: Callable[[Job], object], *, received: bool
) -> None:
    """A wait for a single job asks nothing of the queue, and yet leaves nothing that would become a dead letter."""
    job, other = endpoint.submit(b"x"), endpoint.submit(b"x")
    message = queue_aws.notify(job, after=5)
    queue_aws.succeed(job, after=10)
    queue_aws.succeed(other, after=900)
    if received:
        assert wait([other], timeout=6).done == set()
    asked = queue_aws.count("ReceiveMessage", "DeleteMessageBatch")
    read(job)
    assert queue_aws.count("ReceiveMessage", "DeleteMessageBatch") == asked

    assert list(as_completed([other])) == [other]
    assert (queue_aws.deleted, message.receives) == ([message.body], 1)


@pytest.mark.parametrize("outcome", ["failure", "empty output", "expiry"])
def test_a_notice_of_what_went_wrong_goes_too(queue_aws: FakeQueueAws, endpoint: AsyncEndpoint, outcome: str) -> None:
    """It is an outcome; that patience ended is none."""
    job, other, running = (endpoint.submit(b"x") for _ in range(3))
    with pytest.raises(ResultTimeout):
        running.result(0)
    if outcome == "expiry":
        queue_aws.time.advance(20_000)
        other = endpoint.submit(b"x")
    elif outcome == "failure":
        queue_aws.fail_job(job)
    else:
        queue_aws.succeed(job, content=b"")
    with pytest.raises((ModelError, ResultCorrupt, RequestExpired)):
        job.result()
    queue_aws.succeed(other, after=400)
    for one in (job, running):
        queue_aws.notify(one)

    assert list(as_completed([other])) == [other]
    assert queue_aws.deleted == [notice(job)]


def test_who_waits_for_a_job_decides_when_its_notice_goes(queue_aws: FakeQueueAws, endpoint: AsyncEndpoint) -> None:
    """Even if somebody else has read its outcome: what he does with it may fail."""
    job, other = endpoint.submit(b"x"), endpoint.submit(b"x")
    queue_aws.succeed(job, after=1)
    message = queue_aws.notify(job, after=1)
    with endpoint.watch() as watch:
        watch.add(job)
        while not watch.tick():
            queue_aws.time.sleep(watch.pause())
        job.result()
    queue_aws.succeed(other, after=400)

    assert list(as_completed([other])) == [other]
    assert queue_aws.messages == [message]


def test_what_was_read_is_not_remembered_for_ever(queue_aws: FakeQueueAws, endpoint: AsyncEndpoint) -> None:
    """In a program that waits for one job after another, and never for many."""
    notices = notices_of(endpoint)
    for _ in range(5):
        job = endpoint.submit(b"x")
        queue_aws.succeed(job)
        job.result()
        queue_aws.time.advance(1_000)

    assert len(notices._acknowledged) == 4


def test_a_reported_failure_is_not_remembered_for_ever(queue_aws: FakeQueueAws, endpoint: AsyncEndpoint) -> None:
    """Only as long as duplicates are recognised."""
    notices = notices_of(endpoint)
    for _ in range(5):
        job = endpoint.submit(b"x")
        queue_aws.notify(job, failure="no reason")
        assert wait([job]).done == {job}
        assert notices.reported_failure(job) == "no reason"
        queue_aws.time.advance(1_000)

    assert len(notices._reported) == 4


def notices_of(endpoint: AsyncEndpoint) -> Notices:
    """Return what the endpoint remembers of its queue."""
    notices = endpoint._watcher.watches.notices
    assert notices is not None
    return notices


def test_what_is_not_ours_is_left_alone(queue_aws: FakeQueueAws, endpoint: AsyncEndpoint) -> None:
    """Strangers and what cannot be read; test messages are deleted."""
    job, stranger = endpoint.submit(b"x"), endpoint.submit(b"x")
    odd = ["", "[]", "{", '"x"', "{}", '{"eventName": "InferenceResult"}', notice(job, invocationStatus="Odd")]
    for body in (*odd, notice(stranger), TEST_NOTIFICATION):
        queue_aws.tell(body)
    queue_aws.succeed(job, after=30)

    assert list(as_completed([job])) == [job]
    assert queue_aws.deleted == [TEST_NOTIFICATION]
    assert [message.body for message in queue_aws.messages] == [*odd, notice(stranger)]


def test_a_notice_that_comes_before_its_job_is_waited_for_is_kept(
    queue_aws: FakeQueueAws, endpoint: AsyncEndpoint
) -> None:
    """While the queue hides it: a quick job ends before its caller has it."""
    slow, quick = endpoint.submit(b"x"), endpoint.submit(b"x")
    with endpoint.watch() as watch:
        watch.add(slow)
        watch.tick()
        queue_aws.succeed(quick)
        queue_aws.notify(quick)
        watch.tick()
        watch.add(quick)

        assert watch.pause() == 0
        assert watch.tick() == [quick]
        watch.acknowledge(quick)
    assert queue_aws.messages == []


def test_each_watch_gets_its_own_notices(queue_aws: FakeQueueAws, endpoint: AsyncEndpoint) -> None:
    """Whichever of them received them."""
    jobs = [endpoint.submit(b"x") for _ in range(2)]
    watches = [endpoint.watch() for _ in jobs]
    for watch, job in zip(watches, jobs, strict=True):
        watch.add(job)
        watch.tick()
        queue_aws.succeed(job)
        queue_aws.notify(job)

    assert [watch.tick() for watch in watches] == [[job] for job in jobs]
    assert queue_aws.count("ReceiveMessage") == 1


def test_the_envelope_of_sns_is_read_too(queue_aws: FakeQueueAws, endpoint: AsyncEndpoint) -> None:
    """A subscription without raw delivery adds it."""
    job = endpoint.submit(b"x")
    queue_aws.succeed(job, after=10)
    queue_aws.tell(json.dumps({"Type": "Notification", "Message": notice(job)}), after=10)

    assert list(as_completed([job])) == [job]
    assert queue_aws.time.monotonic == pytest.approx(1_010)


@pytest.mark.parametrize("folder", ["failure/", None])
def test_a_failure_may_leave_its_notice_alone(queue_aws: FakeQueueAws, folder: str | None) -> None:
    """Then the notice says why, and its job is told of it wherever it is asked."""
    queue_aws.failure_folder = folder
    job = queue_aws.endpoint(consumer=CONSUMER).submit(b"x", inference_id=f"{CONSUMER}-1")
    queue_aws.notify(job, after=10, failure="ClientError: 400")

    assert list(as_completed([job])) == [job]
    assert queue_aws.time.monotonic == pytest.approx(1_010)
    assert job.done()
    with pytest.raises(
        ModelError, match=r"(?m)^the model failed on inference id billing-1: ClientError: 400$"
    ) as caught:
        job.result()
    assert caught.value.body == b"ClientError: 400"
    assert list(as_completed([job])) == [job]


@pytest.mark.parametrize("consumed", [True, False])
def test_an_ambiguous_failure_decides_nothing(
    queue_aws: FakeQueueAws, endpoint: AsyncEndpoint, *, consumed: bool
) -> None:
    """Two jobs of one inference id: nobody knows which of them failed."""
    jobs = [endpoint.submit(b"x", inference_id=f"{CONSUMER}-1") for _ in range(2)]
    queue_aws.notify(jobs[0], after=10, failure="ClientError: 400")
    queue_aws.fail_job(jobs[0], after=5)
    queue_aws.succeed(jobs[1], after=90)
    if consumed:
        assert list(as_completed(jobs[:1])) == jobs[:1]
        queue_aws.notify(jobs[0], failure="ClientError: 400")

    assert set(as_completed(jobs)) == set(jobs)
    assert jobs[1].result(0).content == b'"done"'


def test_a_job_without_notices_is_listed_as_ever(queue_aws: FakeQueueAws, endpoint: AsyncEndpoint) -> None:
    """One whose inference id is not the consumer's."""
    job = endpoint.submit(b"x", inference_id="mine")
    queue_aws.succeed(job, after=11)

    assert list(as_completed([job])) == [job]
    assert queue_aws.time.monotonic <= 1_020


def test_a_job_of_long_ago_is_looked_for_soon(queue_aws: FakeQueueAws, endpoint: AsyncEndpoint) -> None:
    """Its notice may have come and gone."""
    old, running = endpoint.submit(b"x"), endpoint.submit(b"x")
    queue_aws.succeed(old)
    queue_aws.time.advance(600)
    with endpoint.watch() as watch:
        watch.add(running)
        watch.tick()
        watch.add(old)
        start = queue_aws.time.monotonic
        while not watch.tick():
            queue_aws.time.sleep(watch.pause())

    assert queue_aws.time.monotonic - start <= 10


@pytest.mark.parametrize(
    "fault", [SQS_DOWN, service_error(403, "AccessDeniedException"), ConnectTimeoutError(endpoint_url="https://sqs")]
)
def test_a_queue_that_fails_stops_nobody(
    queue_aws: FakeQueueAws,
    endpoint: AsyncEndpoint,
    caplog: pytest.LogCaptureFixture,
    fault: Any,  # noqa: ANN401 - as fake_aws takes it
) -> None:
    """S3 is listed in its place, and the queue asked again after a minute; the log says both once."""
    jobs = [endpoint.submit(b"x") for _ in range(3)]
    queue_aws.fail("ReceiveMessage", fault, fault)
    for after, job in zip((20, 90, 200), jobs, strict=True):
        queue_aws.succeed(job, after)
        queue_aws.notify(job, after)
    with caplog.at_level(logging.WARNING):
        ended_at = [queue_aws.time.monotonic - 1_000 for _ in as_completed(jobs)]

    assert [later - at for later, at in zip(ended_at, (20, 90, 200), strict=True)] == [
        pytest.approx(15, abs=15.1),
        pytest.approx(15, abs=15.1),
        pytest.approx(0, abs=0.1),
    ]
    assert [message.split(" ", 3)[3].split(":")[0] for message in caplog.messages] == [
        "fails, so S3 is listed in its place",
        "answers again",
    ]


def test_deletions_that_fail_are_made_again(queue_aws: FakeQueueAws, endpoint: AsyncEndpoint) -> None:
    """The message comes again, and is a duplicate then."""
    job, later = endpoint.submit(b"x"), endpoint.submit(b"x")
    for one, after in ((job, 1), (later, 400)):
        queue_aws.succeed(one, after)
        queue_aws.notify(one, after)
    queue_aws.fail("DeleteMessageBatch", SQS_DOWN)

    assert list(as_completed([job, later])) == [job, later]
    assert queue_aws.messages == []


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({"receivedTime": None}, False),
        ({"receivedTime": "soon"}, False),
        ({"receivedTime": "2099-01-01T00:00:00"}, False),
        ({"receivedTime": "2099-01-01T00:00:00.123Z"}, True),
        ({"receivedTime": "2020-01-01T00:00:00Z"}, False),
    ],
)
def test_a_notice_is_of_its_jobs_time(endpoint: AsyncEndpoint, members: dict[str, Any], *, expected: bool) -> None:
    """Or nobody knows, or it is of an earlier request."""
    job = endpoint.submit(b"x")
    read = read_notice(read_message(notice(job, failure=" ", **members)))

    assert read is not None
    assert read.is_of_the_time_of(job) is expected


def test_a_completion_names_its_output(endpoint: AsyncEndpoint) -> None:
    """So that two jobs of one inference id are told apart."""
    first, second = (endpoint.submit(b"x", inference_id="billing-1") for _ in range(2))
    read = read_notice(read_message(notice(first)))

    assert read is not None
    assert (read.may_be_about(first), read.may_be_about(second)) == (True, False)
