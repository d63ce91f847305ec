"""Callbacks: called once, in one thread, which leaves nothing behind."""

from __future__ import annotations

import gc
import logging
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import NoCredentialsError

from async_inference import (
    AsyncEndpoint,
    Clients,
    Clock,
    InvalidRequest,
    PollingPolicy,
    RetryPolicy,
    as_completed,
    wait,
)
from async_inference.watching.waiter import Waiter
from tests.unit.async_inference.fake_aws import CONFIGURATION, s3_error
from tests.unit.async_inference.fake_queue import CONSUMER, FakeQueueAws

if TYPE_CHECKING:
    from collections.abc import Callable

    from async_inference import Job

PATIENCE_SECONDS = 10.0
QUICK = PollingPolicy(initial_seconds=0.01, factor=1.0, maximum_seconds=0.01)
FORBIDDEN = s3_error(403, "AccessDenied", "Access Denied")
MODES = pytest.mark.parametrize("consumer", [None, CONSUMER], ids=["listing", "push"])


class Calls:
    """A callback that keeps what it was called with."""

    def __init__(self) -> None:
        self.jobs: list[Job] = []
        self.threads: set[threading.Thread] = set()
        self._called = threading.Semaphore(0)

    def __call__(self, job: Job) -> None:
        """Keep the job."""
        self.jobs.append(job)
        self.threads.add(threading.current_thread())
        self._called.release()

    def wait(self, number: int = 1) -> None:
        """Wait for so many calls."""
        for _ in range(number):
            assert self._called.acquire(timeout=PATIENCE_SECONDS)


def endpoint_of(aws: FakeQueueAws, **options: Any) -> AsyncEndpoint:  # noqa: ANN401 - passed on
    """Return an endpoint on real time that asks often and once; wall time is fake."""
    aws.long_poll = lambda: threading.Event().wait(0.01)
    clock = Clock(now=lambda: aws.time.now)
    return aws.endpoint(polling=QUICK, retry=RetryPolicy(budget_seconds=0), clock=clock, **options)


def end_of_thread() -> None:
    """Wait until no thread of an endpoint is left."""
    for thread in threading.enumerate():
        if thread.name.startswith("async-inference"):
            thread.join(PATIENCE_SECONDS)
            assert not thread.is_alive()


@MODES
def test_callbacks_are_called_once_in_one_thread_which_then_ends(queue_aws: FakeQueueAws, consumer: str | None) -> None:
    """With the job, whether it has ended before or after, in the order in which they were added."""
    calls = Calls()
    endpoint = endpoint_of(queue_aws, consumer=consumer)
    ready, later = endpoint.submit(b"x"), endpoint.submit(b"x")
    queue_aws.succeed(ready)
    queue_aws.notify(ready)  # the thread's first look may be over before it knows of this job
    later.add_done_callback(calls)
    ready.add_done_callback(calls)
    ready.add_done_callback(calls)
    calls.wait(2)
    assert calls.jobs == [ready, ready]
    queue_aws.fail_job(later)
    queue_aws.notify(later, failure="no image")
    calls.wait()
    end_of_thread()

    assert calls.jobs == [ready, ready, later]
    (thread,) = calls.threads
    assert (thread.daemon, thread.name) == (True, "async-inference ocr-endpoint")


@pytest.mark.parametrize("acknowledged", [False, True])
def test_a_callback_comes_soon_although_the_notice_has_gone(queue_aws: FakeQueueAws, *, acknowledged: bool) -> None:
    """Somebody else has waited for the job before, or still does, while the thread waits for another."""
    calls = Calls()
    endpoint = endpoint_of(queue_aws, consumer=CONSUMER)
    running, ended = endpoint.submit(b"x"), endpoint.submit(b"x")
    queue_aws.succeed(ended)
    queue_aws.notify(ended)
    completed = as_completed([ended])
    assert next(completed) == ended
    if acknowledged:
        assert list(completed) == []
    running.add_done_callback(calls)
    while queue_aws.count("ListObjectsV2") < 3:  # the thread's own first look, at outputs and at failures
        threading.Event().wait(0.001)

    ended.add_done_callback(calls)
    calls.wait()

    assert calls.jobs == [ended]
    endpoint.close()


def test_a_thread_starts_again_when_it_is_needed(queue_aws: FakeQueueAws) -> None:
    """After it has ended."""
    calls = Calls()
    endpoint = endpoint_of(queue_aws)
    for _ in range(3):
        job = endpoint.submit(b"x")
        queue_aws.succeed(job)
        job.add_done_callback(calls)
        calls.wait()
        end_of_thread()

    assert len(calls.jobs) == 3


@pytest.mark.parametrize("error", [ValueError("the patient's name"), SystemExit(1)])
def test_a_callback_that_fails_disturbs_nobody(
    queue_aws: FakeQueueAws, caplog: pytest.LogCaptureFixture, error: BaseException
) -> None:
    """What it raised is logged without its words."""

    def fail(_: Job) -> None:
        raise error

    calls = Calls()
    job = endpoint_of(queue_aws).submit(b"x", inference_id="id-1")
    job.add_done_callback(fail)
    job.add_done_callback(calls)
    queue_aws.succeed(job)
    calls.wait()
    end_of_thread()

    assert [f"a callback of inference id id-1 raised {type(error).__name__}"] == caplog.messages
    assert "patient" not in caplog.text


@pytest.mark.parametrize(
    "fault",
    [FORBIDDEN, s3_error(503, "SlowDown", "Reduce your rate."), NoCredentialsError()],
    ids=["403", "503", "none"],
)
def test_an_outage_is_logged_once_and_outlived(
    queue_aws: FakeQueueAws,
    caplog: pytest.LogCaptureFixture,
    fault: Any,  # noqa: ANN401 - as fake_aws takes it
) -> None:
    """The thread goes on, and calls when S3 answers."""
    calls = Calls()
    queue_aws.fail("ListObjectsV2", *[fault] * 5)
    job = endpoint_of(queue_aws).submit(b"x")
    queue_aws.succeed(job)
    with caplog.at_level(logging.WARNING):
        job.add_done_callback(calls)
        calls.wait()
        end_of_thread()

    assert len(caplog.messages) == 1
    assert caplog.messages[0].startswith("jobs of endpoint ocr-endpoint are waited for, but: ")


def test_a_job_reaches_its_deadline_in_an_outage(queue_aws: FakeQueueAws) -> None:
    """It needs nobody's answer."""
    calls = Calls()
    queue_aws.fail("ListObjectsV2", *[FORBIDDEN] * 1_000)
    job = endpoint_of(queue_aws).submit(b"x")
    job.add_done_callback(calls)
    queue_aws.time.now = job.deadline.timestamp()
    calls.wait()
    end_of_thread()

    assert calls.jobs == [job]


def test_who_waits_is_told_of_an_error_once_if_he_wants(queue_aws: FakeQueueAws) -> None:
    """And is waited for no longer."""
    told: list[Exception] = []
    queue_aws.fail("ListObjectsV2", *[s3_error(503, "SlowDown")] * 3)
    job = endpoint_of(queue_aws).submit(b"x")
    job._results.watcher.wait_for(Waiter(job, lambda _: None, told.append))
    end_of_thread()

    assert len(told) == 1


@MODES
def test_closing_ends_the_thread_and_forgets_callbacks(queue_aws: FakeQueueAws, consumer: str | None) -> None:
    """At once, however long it would have slept; what uses the endpoint afterwards is refused."""
    calls = Calls()
    queue_aws.long_poll = lambda: threading.Event().wait(0.01)
    with queue_aws.endpoint(clock=Clock(), consumer=consumer) as endpoint:
        job = endpoint.submit(b"x")
        job.add_done_callback(calls)
        document = job.to_dict()
    endpoint.close()
    end_of_thread()

    assert calls.jobs == []
    for use in (
        lambda: endpoint.submit(b"x"),
        lambda: endpoint.job(document),
        endpoint.watch,
        lambda: endpoint.map([]),
        lambda: job.add_done_callback(calls),
        lambda: job.result(0),
        job.done,
    ):
        with pytest.raises(InvalidRequest, match="this object was closed"):
            use()


@MODES
def test_closing_ends_the_waits_of_other_threads(
    queue_aws: FakeQueueAws, caplog: pytest.LogCaptureFixture, consumer: str | None
) -> None:
    """At their next look."""
    waits: tuple[Callable[[Job], object], ...] = (
        lambda job: wait([job]),
        lambda job: list(as_completed([job])),
        lambda job: job.result(),
    )
    endpoint = endpoint_of(queue_aws, consumer=consumer)
    jobs = [endpoint.submit(b"x") for _ in waits]
    jobs[0].add_done_callback(lambda _: None)
    with ThreadPoolExecutor(len(waits)) as pool:
        waiting = [pool.submit(waits[number], job) for number, job in enumerate(jobs)]
        looks = queue_aws.count("ListObjectsV2", "GetObject")
        while queue_aws.count("ListObjectsV2", "GetObject") < looks + 20:
            threading.Event().wait(0.001)
        endpoint.close()
        for one in waiting:
            assert isinstance(one.exception(PATIENCE_SECONDS), InvalidRequest)
    end_of_thread()

    assert caplog.messages == []


def test_a_watch_of_a_closed_endpoint_looks_for_nothing(queue_aws: FakeQueueAws) -> None:
    """And can still be closed."""
    endpoint = queue_aws.endpoint(consumer=CONSUMER)
    with endpoint.watch() as watch:
        watch.add(endpoint.submit(b"x"))
        endpoint.close()
        queue_aws.requests.clear()
        with pytest.raises(InvalidRequest, match="this object was closed"):
            watch.tick()

    assert queue_aws.requests == []


def test_a_callback_may_close_the_endpoint(queue_aws: FakeQueueAws) -> None:
    """Its own thread does not wait for itself."""
    closed = threading.Event()
    endpoint = endpoint_of(queue_aws)
    job = endpoint.submit(b"x")
    queue_aws.succeed(job)

    def close(_: Job) -> None:
        endpoint.close()
        closed.set()

    job.add_done_callback(close)

    assert closed.wait(PATIENCE_SECONDS)
    end_of_thread()


def test_an_endpoint_closes_the_clients_that_it_made(monkeypatch: pytest.MonkeyPatch) -> None:
    """And no others."""
    closed: list[Clients] = []

    def close(clients: Clients) -> None:
        closed.append(clients)

    monkeypatch.setattr(Clients, "close", close)
    AsyncEndpoint(CONFIGURATION, clients=Clients.connect("eu-west-1")).close()
    assert closed == []

    AsyncEndpoint(CONFIGURATION).close()
    assert len(closed) == 1


def test_an_endpoint_that_nobody_closes_is_not_kept(queue_aws: FakeQueueAws) -> None:
    """Once its callbacks have been called; without any help of the garbage collector."""
    calls = Calls()
    endpoint = endpoint_of(queue_aws)
    job = endpoint.submit(b"x")
    queue_aws.succeed(job)
    job.add_done_callback(calls)
    calls.wait()
    end_of_thread()
    gone = weakref.ref(job._results.watcher)

    gc.disable()
    try:
        calls.jobs.clear()
        del endpoint, job
        assert gone() is None
    finally:
        gc.enable()


def test_adding_callbacks_asks_for_nothing_in_between(queue_aws: FakeQueueAws) -> None:
    """A thousand of them cost a round, not a thousand."""
    calls = Calls()
    endpoint = queue_aws.endpoint(clock=Clock(), polling=PollingPolicy(initial_seconds=0.2))
    jobs = [endpoint.submit(b"x") for _ in range(200)]
    for job in jobs:
        queue_aws.succeed(job)
        job.add_done_callback(calls)
    calls.wait(200)
    endpoint.close()

    assert queue_aws.count("ListObjectsV2") <= 20
