"""What happens to a request once an instance takes it."""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import pytest
from botocore.exceptions import ClientError

from local_cloud.assumptions import DEFAULTS, Assumptions, RepeatedFilename
from local_cloud.sagemaker import invocation
from local_cloud.sagemaker.endpoint_metrics import EndpointMetrics, queue_gauges
from local_cloud.sagemaker.invocation import Invoker, request_headers
from local_cloud.sagemaker.outcome import Outcome, no_response_outcome, response_outcome
from local_cloud.sagemaker.request_queue import RequestQueue
from local_cloud.sagemaker.resources import EndpointConfig
from local_cloud.scope import Scope

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from local_cloud.clock import SimulatedClock
    from local_cloud.sagemaker.async_request import AsyncRequest
    from local_cloud.sagemaker.container_process import ContainerProcess
    from local_cloud.sagemaker.payloads import Payloads
    from local_cloud.sagemaker.resources import AsyncInferenceSettings

SUCCESS = response_outcome(200, {"content-type": "text/plain", "content-length": "2"}, b"ok")
FAILURE = response_outcome(400, {"content-type": "text/plain", "content-length": "3"}, b"bad")


class Bucket:
    """S3 and SNS in memory; what is in ``forbidden`` is refused."""

    def __init__(self, *forbidden: str) -> None:
        self.objects: dict[str, bytes] = {"s3://bucket/input/x": b"from s3"}
        self.messages: list[tuple[str, dict[str, Any]]] = []
        self._forbidden = forbidden

    async def read(self, uri: str) -> bytes:
        """Return an object."""
        self._check(uri)
        return self.objects[uri]

    async def write(
        self, uri: str, content: bytes, _content_type: str, _kms_key_id: str | None, *, overwrite: bool
    ) -> None:
        """Keep an object."""
        self._check(uri)
        if uri in self.objects and not overwrite:
            raise ClientError({"Error": {"Code": "PreconditionFailed", "Message": uri}}, "PutObject")
        self.objects[uri] = content

    async def publish(self, topic_arn: str, message: dict[str, Any]) -> None:
        """Keep a message."""
        self._check(topic_arn)
        self.messages.append((topic_arn, message))

    def _check(self, name: str) -> None:
        if any(part in name for part in self._forbidden):
            raise ClientError({"Error": {"Code": "AccessDenied", "Message": name}}, "Any")


class Container:
    """Answers with one outcome and keeps what it was sent."""

    def __init__(self, outcome: Outcome) -> None:
        self._outcome = outcome
        self.received: list[tuple[bytes, float]] = []

    async def invoke(self, body: bytes, _headers: Mapping[str, str], timeout_seconds: float) -> Outcome:
        """Answer."""
        self.received.append((body, timeout_seconds))
        return self._outcome


class BrokenContainer(Container):
    """Raises what nobody expects."""

    async def invoke(self, _body: bytes, _headers: Mapping[str, str], timeout_seconds: float) -> Outcome:  # noqa: ARG002
        """Raise."""
        raise ValueError("odd")


@pytest.fixture
def counted() -> list[str]:
    """The names of the metrics that were published."""
    return []


@pytest.fixture
def samples() -> list[tuple[str, float]]:
    """The metrics that were published, with their values."""
    return []


def config_of(settings: AsyncInferenceSettings) -> EndpointConfig:
    """Return a configuration with these settings."""
    definition = {"ProductionVariants": [{"VariantName": "AllTraffic"}]}
    return EndpointConfig(name="c", arn="arn", created_at=0.0, definition=definition, asynchronous=settings)


@pytest.fixture
def invoke(
    clock: SimulatedClock,
    settings: AsyncInferenceSettings,
    finish: Callable[..., Any],
    counted: list[str],
    samples: list[tuple[str, float]],
) -> Callable[..., Bucket]:
    """Works on a request and returns what became of the bucket."""

    def put(name: str, _dimensions: Mapping[str, str], value: float, *_: object) -> None:
        counted.append(name)
        samples.append((name, value))

    def work(
        request: AsyncRequest,
        container: Container | None,
        bucket: Bucket | None = None,
        assumptions: Assumptions = DEFAULTS,
    ) -> Bucket:
        bucket = bucket or Bucket()
        metrics = EndpointMetrics("ocr", clock, put)
        config = config_of(settings)
        scope, payloads = Scope("000000000000", "us-east-1"), cast("Payloads", bucket)
        invoker = Invoker(scope, "ocr", clock, payloads, metrics, assumptions=assumptions)
        if container is None:
            finish(invoker.expire(request, config))
            return bucket
        finish(invoker.invoke(request, cast("ContainerProcess", container), config))
        return bucket

    return work


def test_a_success_is_stored_and_notified(
    invoke: Callable[..., Bucket], make_request: Callable[..., AsyncRequest], counted: list[str]
) -> None:
    """The output lies where the response of the submit said."""
    bucket = invoke(make_request(), Container(SUCCESS))
    [(topic, message)] = bucket.messages
    assert bucket.objects["s3://bucket/output/u.out"] == b"ok"
    assert (topic.rpartition(":")[2], message["invocationStatus"]) == ("success", "Completed")
    assert {"TimeInBacklog", "ModelLatency", "TotalProcessingTime", "InvocationsProcessed"} <= set(counted)
    assert "InvocationFailures" not in counted


def test_a_failure_is_stored_raw_and_notified(
    invoke: Callable[..., Bucket], make_request: Callable[..., AsyncRequest], counted: list[str]
) -> None:
    """The error topic is told, and the output location stays empty."""
    bucket = invoke(make_request(), Container(FAILURE))
    [(topic, message)] = bucket.messages
    assert bucket.objects["s3://bucket/failure/u-error.out"] == b"bad"
    assert "s3://bucket/output/u.out" not in bucket.objects
    assert (topic.rpartition(":")[2], message["invocationStatus"]) == ("error", "Failed")
    assert "InvocationFailures" in counted


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [
        (SUCCESS, [0.0, 0.0]),
        (FAILURE, [1.0, 0.0]),
        (response_outcome(503, {"content-length": "0"}, b""), [0.0, 1.0]),
        (response_outcome(302, {"content-length": "0"}, b""), [0.0, 0.0]),
        (no_response_outcome(), []),
    ],
)
def test_every_response_counts_as_an_error_or_as_none(
    invoke: Callable[..., Bucket],
    make_request: Callable[..., AsyncRequest],
    samples: list[tuple[str, float]],
    outcome: Outcome,
    expected: list[float],
) -> None:
    """Their average is the share of errors; without a response there is nothing to count."""
    invoke(make_request(), Container(outcome))
    assert expected == [value for name, value in samples if name in ("Invocation4XXErrors", "Invocation5XXErrors")]


def test_a_failure_without_a_failure_path_leaves_no_object(
    invoke: Callable[..., Bucket], make_request: Callable[..., AsyncRequest]
) -> None:
    """The topic is the only one to know."""
    bucket = invoke(make_request(failure_location=None), Container(FAILURE))
    assert set(bucket.objects) == {"s3://bucket/input/x"}
    assert len(bucket.messages) == 1


def test_the_timeout_takes_less_real_time(
    invoke: Callable[..., Bucket], make_request: Callable[..., AsyncRequest]
) -> None:
    """900 simulated seconds are 90 real ones at scale ten."""
    container = Container(SUCCESS)
    invoke(make_request(), container)
    assert container.received == [(b"input", 90.0)]


def test_an_input_in_s3_is_read_when_the_job_starts(
    invoke: Callable[..., Bucket], make_request: Callable[..., AsyncRequest]
) -> None:
    """The container gets its content."""
    container = Container(SUCCESS)
    invoke(make_request(body=None, input_location="s3://bucket/input/x"), container)
    assert [body for body, _ in container.received] == [b"from s3"]


def test_an_input_that_cannot_be_read_fails_the_job_without_asking_the_container(
    invoke: Callable[..., Bucket], make_request: Callable[..., AsyncRequest], counted: list[str]
) -> None:
    """The reason stands in the failure object."""
    container = Container(SUCCESS)
    request = make_request(body=None, input_location="s3://bucket/input/x")
    bucket = invoke(request, container, Bucket("input"))
    assert container.received == []
    assert b"Could not download the input" in bucket.objects["s3://bucket/failure/u-error.out"]
    assert "RequestDownloadFailures" in counted


@pytest.mark.parametrize(("size", "works"), [(9, True), (10, False)])
def test_an_input_beyond_what_sagemaker_takes_is_a_failed_job(
    invoke: Callable[..., Bucket],
    make_request: Callable[..., AsyncRequest],
    monkeypatch: pytest.MonkeyPatch,
    *,
    size: int,
    works: bool,
) -> None:
    """A gigabyte; here nine bytes are allowed."""
    monkeypatch.setattr(invocation, "MAX_PAYLOAD_BYTES", 9)
    bucket = Bucket()
    bucket.objects["s3://bucket/input/x"] = b"x" * size
    container = Container(SUCCESS)
    invoke(make_request(body=None, input_location="s3://bucket/input/x"), container, bucket)
    assert (len(container.received) == 1) == works
    failure = bucket.objects.get("s3://bucket/failure/u-error.out", b"")
    assert failure == (b"" if works else b"ClientError: The input has 10 bytes, 9 are allowed.")


def test_an_output_that_cannot_be_stored_is_a_failed_job(
    invoke: Callable[..., Bucket], make_request: Callable[..., AsyncRequest], counted: list[str]
) -> None:
    """Nobody is told of a success that nobody can read."""
    bucket = invoke(make_request(), Container(SUCCESS), Bucket("output"))
    [(_, message)] = bucket.messages
    assert message["failureReason"].startswith("ClientError: Could not upload to s3://bucket/output/u.out")
    assert {"ResponseUploadFailures", "InvocationFailures"} <= set(counted)


def test_a_topic_that_refuses_is_counted_and_changes_nothing(
    invoke: Callable[..., Bucket], make_request: Callable[..., AsyncRequest], counted: list[str]
) -> None:
    """The output is there all the same."""
    bucket = invoke(make_request(), Container(SUCCESS), Bucket("arn:aws:sns"))
    assert bucket.objects["s3://bucket/output/u.out"] == b"ok"
    assert "NotificationFailures" in counted


def test_headers_that_the_caller_did_not_send_are_not_made_up(make_request: Callable[..., AsyncRequest]) -> None:
    """The container sees the inference id and what there is."""
    expected = {"X-Amzn-SageMaker-Inference-Id": "id", "Content-Type": "image/png"}
    assert request_headers(replace(make_request(), content_type="image/png")) == expected


def test_an_unexpected_error_is_the_jobs_failure(
    invoke: Callable[..., Bucket], make_request: Callable[..., AsyncRequest], caplog: pytest.LogCaptureFixture
) -> None:
    """The caller hears of it as of any failure, and the log has where it came from."""
    request = make_request()
    bucket = invoke(request, BrokenContainer(SUCCESS))
    reason = "ClientError: The local cloud failed: ValueError: odd"
    assert bucket.objects[str(request.failure_location)] == reason.encode()
    [(topic, message)] = bucket.messages
    assert (topic.rpartition(":")[2], message["failureReason"]) == ("error", reason)
    assert "unexpected error in request id" in caplog.text


@pytest.mark.parametrize(
    ("repeated", "expected"), [(RepeatedFilename.OVERWRITES, b"ok"), (RepeatedFilename.FAILS, b"older")]
)
def test_a_repeated_name_overwrites_or_fails_as_assumed(
    invoke: Callable[..., Bucket],
    make_request: Callable[..., AsyncRequest],
    counted: list[str],
    repeated: RepeatedFilename,
    expected: bytes,
) -> None:
    """AWS does not say which; where it fails, the job is a failed upload."""
    bucket = Bucket()
    bucket.objects["s3://bucket/output/u.out"] = b"older"
    invoke(make_request(), Container(SUCCESS), bucket, Assumptions(repeated_filename=repeated))
    assert bucket.objects["s3://bucket/output/u.out"] == expected
    assert ("ResponseUploadFailures" in counted) == (repeated is RepeatedFilename.FAILS)


@pytest.mark.parametrize("failure", [False, True])
def test_an_expired_request_leaves_what_is_assumed(
    invoke: Callable[..., Bucket], make_request: Callable[..., AsyncRequest], counted: list[str], *, failure: bool
) -> None:
    """Nothing but a metric, or a failure object and an error notification as well."""
    bucket = invoke(make_request(), None, assumptions=Assumptions(expiry_is_a_failure=failure))
    assert counted[0] == "ExpiredRequests"
    assert ("s3://bucket/failure/u-error.out" in bucket.objects) == failure
    assert [message["invocationStatus"] for _, message in bucket.messages] == ["Failed"] * failure


@pytest.mark.parametrize("forbidden", [(), ("success",), ("success", "error")])
def test_a_test_notification_that_is_refused_counts_as_a_failed_notification(
    clock: SimulatedClock, settings: AsyncInferenceSettings, finish: Callable[..., Any], forbidden: tuple[str, ...]
) -> None:
    """The other topic is told all the same."""
    bucket, counted = Bucket(*forbidden), []
    metrics = EndpointMetrics("ocr", clock, lambda name, *_: counted.append(name))
    invoker = Invoker(Scope("000000000000", "us-east-1"), "ocr", clock, cast("Payloads", bucket), metrics)
    finish(invoker.send_test_notifications(config_of(settings)))
    assert counted == ["NotificationFailures"] * len(forbidden)
    told = {topic.rpartition(":")[2]: message["eventName"] for topic, message in bucket.messages}
    assert told == {name: "TestNotification" for name in ("success", "error") if name not in forbidden}


def test_an_endpoint_without_topics_tells_nobody(
    clock: SimulatedClock, settings: AsyncInferenceSettings, finish: Callable[..., Any]
) -> None:
    """And nothing counts as failed."""
    bucket, counted = Bucket(), []
    metrics = EndpointMetrics("ocr", clock, lambda name, *_: counted.append(name))
    invoker = Invoker(Scope("000000000000", "us-east-1"), "ocr", clock, cast("Payloads", bucket), metrics)
    finish(invoker.send_test_notifications(config_of(replace(settings, success_topic=None, error_topic=None))))
    assert (bucket.messages, counted) == ([], [])


@pytest.mark.parametrize("included", [set(), {"SUCCESS"}, {"ERROR"}, {"SUCCESS", "ERROR"}])
@pytest.mark.parametrize(("kind", "outcome"), [("SUCCESS", SUCCESS), ("ERROR", FAILURE)])
def test_the_response_is_included_for_the_topics_that_are_configured(
    clock: SimulatedClock,
    settings: AsyncInferenceSettings,
    finish: Callable[..., Any],
    make_request: Callable[..., AsyncRequest],
    *,
    included: set[str],
    kind: str,
    outcome: Outcome,
) -> None:
    """Each of the two by itself."""
    topics = frozenset(f"{one}_NOTIFICATION_TOPIC" for one in included)
    bucket = Bucket()
    metrics = EndpointMetrics("ocr", clock, lambda *_: None)
    invoker = Invoker(Scope("000000000000", "us-east-1"), "ocr", clock, cast("Payloads", bucket), metrics)
    config = config_of(replace(settings, topics_with_response=topics))
    finish(invoker.invoke(make_request(), cast("ContainerProcess", Container(outcome)), config))
    [(_, message)] = bucket.messages
    assert ("responseBody" in message) == (kind in included)
    if kind in included:
        assert base64.b64decode(message["responseBody"]["content"]) == outcome.content


OF_VARIANT = {"EndpointName", "VariantName"}
EXHAUSTIVE = {
    "ApproximateBacklogSize": ("Count", {"EndpointName"}),
    "ApproximateBacklogSizePerInstance": ("Count", {"EndpointName"}),
    "ApproximateAgeOfOldestRequest": ("Seconds", {"EndpointName"}),
    "HasBacklogWithoutCapacity": ("Count", {"EndpointName"}),
    "RequestDownloadFailures": ("Count", OF_VARIANT),
    "ResponseUploadFailures": ("Count", OF_VARIANT),
    "NotificationFailures": ("Count", OF_VARIANT),
    "ExpiredRequests": ("Count", OF_VARIANT),
    "InvocationFailures": ("Count", OF_VARIANT),
    "InvocationsProcessed": ("Count", OF_VARIANT),
    "RequestDownloadLatency": ("Microseconds", OF_VARIANT),
    "ResponseUploadLatency": ("Microseconds", OF_VARIANT),
    "TimeInBacklog": ("Milliseconds", OF_VARIANT),
    "TotalProcessingTime": ("Milliseconds", OF_VARIANT),
    "Invocation4XXErrors": ("None", OF_VARIANT),
    "Invocation5XXErrors": ("None", OF_VARIANT),
    "ModelLatency": ("Microseconds", OF_VARIANT),
    "CPUUtilization": ("Percent", OF_VARIANT),
}
"""Names, units and dimensions as *Monitor asynchronous endpoint* lists them, and the host metric of instances."""


@pytest.mark.parametrize(("members", "times"), [({}, 0), ({"body": None, "input_location": "s3://bucket/input/x"}, 1)])
def test_only_what_is_downloaded_takes_time_to_download(
    invoke: Callable[..., Bucket],
    make_request: Callable[..., AsyncRequest],
    counted: list[str],
    members: dict[str, Any],
    times: int,
) -> None:
    """An input that came with its request has no latency, not one of nothing."""
    invoke(make_request(**members), Container(SUCCESS))
    assert counted.count("RequestDownloadLatency") == times


def test_the_metrics_are_those_that_aws_lists(
    clock: SimulatedClock,
    settings: AsyncInferenceSettings,
    finish: Callable[..., Any],
    make_request: Callable[..., AsyncRequest],
) -> None:
    """After all that can happen there is each of them, under its unit and dimensions, and no other."""
    published: dict[str, set[tuple[str, frozenset[str]]]] = {}

    def put(name: str, dimensions: Mapping[str, str], _value: float, unit: str, _moment: float) -> None:
        published.setdefault(name, set()).add((unit, frozenset(dimensions)))

    metrics, config = EndpointMetrics("ocr", clock, put), config_of(settings)
    for forbidden in ((), ("output",), ("arn:aws:sns",), ("input",)):
        payloads = cast("Payloads", Bucket(*forbidden))
        invoker = Invoker(Scope("000000000000", "us-east-1"), "ocr", clock, payloads, metrics)
        request = make_request(body=None, input_location="s3://bucket/input/x")
        for outcome in (SUCCESS, FAILURE):
            finish(invoker.invoke(request, cast("ContainerProcess", Container(outcome)), config))
        finish(invoker.expire(request, config))
    metrics.publish_gauges(queue_gauges(RequestQueue(), 1, 1_000.0, DEFAULTS.scaling), 1_000.0)
    metrics.publish_utilization([True], config.variant_name, 1_000.0)
    assert {name: [(unit, frozenset(named))] for name, (unit, named) in EXHAUSTIVE.items()} == {
        name: sorted(found) for name, found in published.items()
    }
