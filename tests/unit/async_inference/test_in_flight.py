"""Jobs in flight: whoever waits says so in each minute, and nobody pays for it who need not."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import EndpointConnectionError, NoCredentialsError

from async_inference import Clients, PollingPolicy, RequestExpired, ResultTimeout, as_completed, wait
from async_inference.watching.in_flight import INTERVAL_SECONDS, PUBLISHING_SECONDS, JobsInFlight
from tests.unit.async_inference.fake_aws import ENDPOINT
from tests.unit.async_inference.fake_metrics import FakeCloudWatch, counting, denied
from tests.unit.async_inference.fake_queue import CONSUMER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from async_inference import AsyncEndpoint, Job
    from tests.unit.async_inference.fake_aws import Answer
    from tests.unit.async_inference.fake_queue import FakeQueueAws

LONG_SECONDS = 1_000.0
SLOW = PollingPolicy(initial_seconds=300, maximum_seconds=300)
"""Asks S3 far less often than once in a minute."""


@pytest.fixture
def cloudwatch(queue_aws: FakeQueueAws) -> Iterator[FakeCloudWatch]:
    """Where datapoints go."""
    cloudwatch = FakeCloudWatch(queue_aws.time)
    yield cloudwatch
    cloudwatch.close()


def _completed(jobs: list[Job]) -> object:
    return list(as_completed(jobs))


def _watched(jobs: list[Job]) -> object:
    return wait(jobs).done


def _each(jobs: list[Job]) -> object:
    return [job.result() for job in jobs]


def _located(jobs: list[Job]) -> object:
    return [job.exception() for job in jobs]


@pytest.mark.parametrize("wait_for", [_completed, _watched, _each, _located])
@pytest.mark.parametrize("consumer", [None, CONSUMER])
@pytest.mark.parametrize("polling", [PollingPolicy(), SLOW])
def test_each_minute_of_a_wait_has_a_datapoint(
    queue_aws: FakeQueueAws,
    cloudwatch: FakeCloudWatch,
    wait_for: Callable[[list[Job]], object],
    consumer: str | None,
    polling: PollingPolicy,
) -> None:
    """From before the submission to the end, however waited for, however seldom S3 is asked."""
    endpoint = counting(queue_aws, cloudwatch.client, consumer=consumer, polling=polling)
    start = queue_aws.time.monotonic
    jobs = [endpoint.submit(b"page") for _ in range(2)]
    for job in jobs:
        queue_aws.succeed(job, after=LONG_SECONDS)

    wait_for(jobs)

    assert start + LONG_SECONDS <= queue_aws.time.monotonic
    assert cloudwatch.moments[0] == start
    assert cloudwatch.longest_gap(start, start + LONG_SECONDS) < 60
    assert len(cloudwatch.moments) <= (queue_aws.time.monotonic - start) / INTERVAL_SECONDS + 1


def test_a_callback_is_a_wait_too(queue_aws: FakeQueueAws, cloudwatch: FakeCloudWatch) -> None:
    """The endpoint's thread publishes for those who are called back."""
    called = threading.Event()
    with counting(queue_aws, cloudwatch.client, consumer=CONSUMER) as endpoint:
        start = queue_aws.time.monotonic
        job = endpoint.submit(b"page")
        queue_aws.succeed(job, after=300)
        job.add_done_callback(lambda _: called.set())

        assert called.wait(10)

    assert cloudwatch.longest_gap(start, start + 300) < 60


def test_map_publishes_between_its_results(queue_aws: FakeQueueAws, cloudwatch: FakeCloudWatch) -> None:
    """Results in order, of jobs that take minutes."""
    endpoint = counting(queue_aws, cloudwatch.client)
    start = queue_aws.time.monotonic

    with pytest.raises(RequestExpired):
        list(endpoint.map([b"1", b"2"], request_ttl_seconds=60, invocation_timeout_seconds=60))

    assert cloudwatch.longest_gap(start, start + 420) < 60
    assert set(cloudwatch.values[1:]) == {2}


def test_a_datapoint_says_how_many_jobs_of_which_endpoint(queue_aws: FakeQueueAws, cloudwatch: FakeCloudWatch) -> None:
    """The metric is the one that the rest alarm reads; what has ended is not counted."""
    endpoint = counting(queue_aws, cloudwatch.client)
    jobs = [endpoint.submit(b"page") for _ in range(3)]
    queue_aws.succeed(jobs[0], after=100)
    for job in jobs[1:]:
        queue_aws.succeed(job, after=200)

    list(as_completed(jobs))

    assert cloudwatch.values[:3] == [1, 3, 3]
    assert cloudwatch.values[-1] == 2
    assert cloudwatch.published[0] == {
        "Namespace": "AsyncInference",
        "MetricData": [
            {
                "MetricName": "JobsInFlight",
                "Dimensions": [{"Name": "EndpointName", "Value": ENDPOINT}],
                "Value": 1,
                "Unit": "Count",
            }
        ],
    }


def test_submissions_share_a_datapoint(queue_aws: FakeQueueAws, cloudwatch: FakeCloudWatch) -> None:
    """One before the first, then none for half a minute, however many are submitted."""
    endpoint = counting(queue_aws, cloudwatch.client)
    for _ in range(10):
        endpoint.submit(b"page")
    assert cloudwatch.attempts == 1

    queue_aws.time.advance(INTERVAL_SECONDS)
    endpoint.submit(b"page")

    assert cloudwatch.values == [1, 1]


def test_nothing_is_published_for_what_has_ended(queue_aws: FakeQueueAws, cloudwatch: FakeCloudWatch) -> None:
    """The result is there at the first look; done() only looks."""
    endpoint = counting(queue_aws, cloudwatch.client)
    job = endpoint.submit(b"page")
    queue_aws.time.advance(100)
    job.done()
    queue_aws.succeed(job)
    job.result()

    assert cloudwatch.attempts == 1


def test_nothing_is_published_where_the_endpoint_does_not_count(
    queue_aws: FakeQueueAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No client is made, and no request."""
    made: list[str] = []
    session = boto3.Session()
    new_client = session.client

    def client(name: Any, **options: Any) -> Any:  # noqa: ANN401 - as the session's own
        made.append(name)
        return new_client(name, **options)

    monkeypatch.setattr(session, "client", client)
    Clients.connect("eu-west-1", session)
    job = queue_aws.endpoint().submit(b"page")
    queue_aws.succeed(job, after=100)
    job.result()

    assert made == ["sagemaker-runtime", "s3", "s3"]
    assert set(queue_aws.operations()) == {"InvokeEndpointAsync", "GetObject"}


def test_an_endpoint_that_counts_makes_its_client(queue_aws: FakeQueueAws) -> None:
    """By itself; whoever brings clients of his own brings that one too, or publishes nothing."""
    session = boto3.Session()
    clients = Clients.connect("eu-west-1", session, cloudwatch=True)
    assert clients.cloudwatch is not None
    config = clients.cloudwatch.meta.config
    assert config.connect_timeout + config.read_timeout == PUBLISHING_SECONDS  # type: ignore[attr-defined]
    clients.close()

    job = counting(queue_aws, None).submit(b"page")
    queue_aws.succeed(job, after=100)

    assert job.result().content == b'"done"'


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (denied("cloudwatch:PutMetricData"), "is not authorized to perform: cloudwatch:PutMetricData"),
        (EndpointConnectionError(endpoint_url="https://monitoring"), "Could not connect"),
        (NoCredentialsError(), "Unable to locate credentials"),
    ],
)
def test_a_failure_to_publish_harms_nobody_and_is_told_once(
    queue_aws: FakeQueueAws,
    cloudwatch: FakeCloudWatch,
    caplog: pytest.LogCaptureFixture,
    fault: Exception | Answer,
    words: str,
) -> None:
    """Submitting and waiting succeed; the log names the action that may be missing."""
    endpoint = counting(queue_aws, cloudwatch.client)
    cloudwatch.fault = fault
    with caplog.at_level(logging.WARNING, logger="async_inference"):
        jobs = [endpoint.submit(b"page") for _ in range(2)]
        for job in jobs:
            queue_aws.succeed(job, after=300)
        list(as_completed(jobs))
        jobs[0].result()

    [message] = caplog.messages
    assert f"endpoint {ENDPOINT} may rest while its jobs run" in message
    assert "cloudwatch:PutMetricData" in message
    assert words in message
    assert cloudwatch.attempts > 10

    cloudwatch.fault = None
    queue_aws.time.advance(INTERVAL_SECONDS)
    endpoint.submit(b"page")
    assert cloudwatch.values == [1]


def test_publishing_does_not_prolong_a_wait(queue_aws: FakeQueueAws, cloudwatch: FakeCloudWatch) -> None:
    """Who has hardly any time left does not spend it on CloudWatch: the polling function has to answer in time."""
    endpoint = counting(queue_aws, cloudwatch.client)
    job = endpoint.submit(b"page")
    queue_aws.time.advance(100)

    with pytest.raises(ResultTimeout):
        job.result(timeout=PUBLISHING_SECONDS - 0.1)
    assert cloudwatch.attempts == 1

    start = queue_aws.time.monotonic
    with pytest.raises(ResultTimeout):
        job.result(timeout=PUBLISHING_SECONDS)
    assert cloudwatch.attempts == 2
    assert queue_aws.time.monotonic - start == PUBLISHING_SECONDS


def test_a_slow_answer_of_cloudwatch_is_part_of_the_pause(queue_aws: FakeQueueAws, cloudwatch: FakeCloudWatch) -> None:
    """Sleeping is shorter by what publishing took."""
    job = counting(queue_aws, cloudwatch.client).submit(b"page")
    queue_aws.time.advance(100)
    start = queue_aws.time.monotonic
    cloudwatch.latency = 2.0
    queue_aws.succeed(job, after=4)

    job.result()

    assert queue_aws.time.monotonic - start == PollingPolicy().initial_seconds


def test_threads_publish_one_datapoint_together(queue_aws: FakeQueueAws, cloudwatch: FakeCloudWatch) -> None:
    """Many threads that wait alone are counted together, and one of them publishes."""
    in_flight = JobsInFlight(cloudwatch.client, endpoint_name=ENDPOINT, clock=queue_aws.time.clock)
    barrier = threading.Barrier(8)

    def alone() -> None:
        with in_flight.waiting_alone(2_000):
            barrier.wait(10)
            in_flight.publish()
            barrier.wait(10)

    threads = [threading.Thread(target=alone) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert cloudwatch.values == [8]
    queue_aws.time.advance(INTERVAL_SECONDS)
    in_flight.publish()
    assert cloudwatch.values == [8]


def test_a_watch_that_nobody_holds_is_not_counted(queue_aws: FakeQueueAws, cloudwatch: FakeCloudWatch) -> None:
    """Nor is one that was closed: only what somebody can still wait for."""
    endpoint: AsyncEndpoint = counting(queue_aws, cloudwatch.client)
    job = endpoint.submit(b"page")
    watches = [endpoint.watch() for _ in range(3)]
    for watch in watches:
        watch.add(job)
    del watch
    watches.pop()
    watches[0].close()
    queue_aws.time.advance(INTERVAL_SECONDS)

    watches[1].tick()

    assert cloudwatch.values == [1, 1]
