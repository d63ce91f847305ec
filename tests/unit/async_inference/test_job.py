"""Waiting for a job: its result, its failure, the ends of patience, and what S3's errors mean."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from botocore.exceptions import ConnectTimeoutError
from hypothesis import given, settings
from hypothesis import strategies as st

from async_inference import (
    EndpointUnavailable,
    InvalidRequest,
    Job,
    ModelError,
    PermissionDenied,
    RequestExpired,
    ResultCorrupt,
    ResultTimeout,
    RetryPolicy,
    S3Location,
)
from async_inference.results import excerpt
from tests.unit.async_inference.fake_aws import BUCKET, FAILURE, OUTPUT, FakeAws, broken_off, s3_error

FORBIDDEN = s3_error(403, "AccessDenied", "Access Denied")


@pytest.fixture
def job(aws: FakeAws) -> Job:
    """A job that was just submitted."""
    job = aws.endpoint().submit(b"x", inference_id="id-1")
    aws.requests.clear()
    return job


def test_a_result_that_is_ready_costs_one_request(aws: FakeAws, job: Job) -> None:
    """With its bytes, its type and where it lies."""
    aws.put(OUTPUT, b'{"text": "x"}')

    result = job.result()

    assert (result.content, result.content_type) == (b'{"text": "x"}', "application/json")
    assert (job, job.output_location, {"text": "x"}) == (result.job, result.location, result.json())
    assert (aws.operations(), aws.time.slept) == (["GetObject"], [])


def test_each_round_asks_for_the_output_then_for_the_failure(aws: FakeAws, job: Job) -> None:
    """Two requests while there is nothing, at growing intervals."""
    aws.put(OUTPUT, b"1", after=20)

    job.result()

    assert aws.time.slept == [5.0, 7.5, 11.25]
    assert [request.location for request in aws.requests] == [OUTPUT, FAILURE] * 3 + [OUTPUT]


def test_without_failure_location_only_the_output_is_asked_for(aws: FakeAws) -> None:
    """There is nothing else to ask for."""
    aws.failure_location = None
    job = aws.endpoint().submit(b"x")
    aws.requests.clear()

    with pytest.raises(ResultTimeout):
        job.result(timeout=0)

    assert [request.location for request in aws.requests] == [OUTPUT]


def test_a_failure_is_raised_with_the_models_words(aws: FakeAws, job: Job) -> None:
    """In one line; all of its bytes are kept."""
    body = b'{"error":\n "no image"}'
    aws.put(FAILURE, body, after=6)

    with pytest.raises(ModelError) as caught:
        job.result()

    assert str(caught.value) == 'the model failed on inference id id-1: {"error": "no image"}'
    assert (body, job) == (caught.value.body, caught.value.job)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "no explanation"),
        (b" \n\t", "no explanation"),
        (b"Traceback\n  File", "Traceback File"),
        (b"a\x00b\x1b[31m", "a b [31m"),
        ("é".encode("latin-1"), "�"),
        (bytes(range(128, 256)) * 20, "2,560 bytes that are not text"),
        (b"x" * 301, "x" * 300 + "…"),
    ],
)
def test_what_a_model_said_becomes_one_readable_line(body: bytes, words: str) -> None:
    """Whatever bytes it is."""
    assert words == excerpt(body)


@given(st.binary(max_size=2_000))
def test_an_excerpt_is_always_short_and_printable(body: bytes) -> None:
    """No failure object can break a log line or a terminal."""
    words = excerpt(body)

    assert 0 < len(words) <= 301
    assert words.isprintable()


def test_patience_that_ends_first_leaves_the_job_going(aws: FakeAws, job: Job) -> None:
    """The error is a TimeoutError, and the same job can be waited for again."""
    aws.put(OUTPUT, b"1", after=50)

    with pytest.raises(TimeoutError, match=r"no outcome of inference id id-1 within 12\.5 s") as caught:
        job.result(timeout=12.5)

    assert isinstance(caught.value, ResultTimeout)
    assert (job, 12.5) == (caught.value.job, sum(aws.time.slept))
    assert job.result().content == b"1"


def test_the_output_is_asked_for_once_more_when_patience_ends(aws: FakeAws, job: Job) -> None:
    """A result of the last interval is not missed."""
    aws.put(OUTPUT, b"1", after=11)

    assert job.result(timeout=11).content == b"1"


@pytest.mark.parametrize("timeout", [0, -5, float("-inf")])
def test_no_patience_asks_once(aws: FakeAws, job: Job, timeout: float) -> None:
    """A time that has already passed counts as none."""
    with pytest.raises(ResultTimeout):
        job.result(timeout=timeout)

    assert ([request.location for request in aws.requests], aws.time.slept) == ([OUTPUT, FAILURE], [])


def test_a_timeout_that_is_no_number_is_refused(aws: FakeAws, job: Job) -> None:
    """It would never end."""
    with pytest.raises(InvalidRequest, match=r"^timeout: got nan"):
        job.result(timeout=float("nan"))
    with pytest.raises(InvalidRequest, match=r"^timeout: got str, expected seconds, or None for no bound"):
        job.result(timeout="5")  # type: ignore[call-overload]

    assert aws.requests == []


@pytest.mark.parametrize("timeout", [None, 1e9, float("inf")])
def test_a_wait_ends_when_no_outcome_can_come_any_more(aws: FakeAws, job: Job, timeout: float | None) -> None:
    """TTL, invocation timeout and slack after the submission, whatever the caller's patience."""
    with pytest.raises(RequestExpired, match=r"\(2:30:00 in all\) have passed: it expired in the queue, or") as caught:
        job.result(timeout=timeout)

    assert job.deadline.timestamp() == aws.time.now
    assert timedelta(seconds=7_200 + 1_800 + 300) == job.deadline - job.submitted_at
    assert job is caught.value.job


@pytest.mark.parametrize("step", [-3_600.0, 60.0])
def test_patience_does_not_depend_on_the_wall_clock(aws: FakeAws, job: Job, step: float) -> None:
    """Which somebody may set back or forward."""
    aws.time.step = step

    with pytest.raises(ResultTimeout):
        job.result(timeout=40)

    assert sum(aws.time.slept) == 40


def test_the_deadline_passes_while_the_machine_sleeps(aws: FakeAws, job: Job) -> None:
    """It is a moment of wall time, the same for every process."""
    aws.time.step = 10_000

    with pytest.raises(RequestExpired):
        job.result()

    assert aws.time.slept == [5.0]


def test_an_outcome_of_the_last_moment_is_found(aws: FakeAws, job: Job) -> None:
    """No question that was asked before the deadline proves that there is none."""
    aws.latency["GetObject"] = 10
    aws.time.advance(job.deadline.timestamp() - aws.time.now - 15)
    aws.put(OUTPUT, b"1", after=14)

    assert job.result().content == b"1"


def test_slow_questions_do_not_prolong_patience_by_more_than_a_round(aws: FakeAws, job: Job) -> None:
    """A round that ended when patience had is the last."""
    aws.latency["GetObject"] = 10
    start = aws.time.monotonic

    with pytest.raises(ResultTimeout):
        job.result(timeout=1)

    assert (aws.time.monotonic - start, len(aws.requests)) == (20, 2)


def test_an_outcome_is_found_even_after_the_deadline(aws: FakeAws, job: Job) -> None:
    """Results outlive the process that waited for them."""
    aws.put(OUTPUT, b"1")
    aws.time.advance(1e6)

    assert job.result().content == b"1"


def test_an_old_jobs_result_is_asked_for_with_retries(aws: FakeAws, job: Job) -> None:
    """That no outcome can come any more does not make S3 answer at once."""
    aws.put(OUTPUT, b"1")
    aws.time.advance(1e6)
    aws.fail("GetObject", s3_error(503, "SlowDown"))

    assert job.result().content == b"1"


def test_done_asks_once_and_reads_nothing(aws: FakeAws, job: Job) -> None:
    """False while there is neither object, true when there is one, true when none can come."""
    assert not job.done()
    assert [request.location for request in aws.requests] == [OUTPUT, FAILURE]
    aws.put(OUTPUT, b"1", after=10)
    assert not job.done()
    aws.time.advance(10)
    assert job.done()


def test_a_failed_job_is_done(aws: FakeAws, job: Job) -> None:
    """Done is not the same as succeeded."""
    aws.put(FAILURE, b"x")

    assert job.done()


def test_an_expired_job_is_done(aws: FakeAws, job: Job) -> None:
    """Without asking."""
    aws.time.now = job.deadline.timestamp()

    assert job.done()
    assert aws.requests == []


def test_exception_returns_what_result_would_raise(aws: FakeAws, job: Job) -> None:
    """None for a result, the error for an outcome that is one."""
    aws.put(FAILURE, b"bad")
    assert isinstance(job.exception(), ModelError)
    aws.put(OUTPUT, b"")
    assert isinstance(job.exception(), ResultCorrupt)
    aws.put(OUTPUT, b"1")
    assert job.exception() is None
    aws.objects.clear()
    aws.time.advance(1e6)
    assert isinstance(job.exception(), RequestExpired)


def test_exception_raises_what_is_no_outcome(job: Job) -> None:
    """As concurrent.futures does."""
    with pytest.raises(ResultTimeout):
        job.exception(timeout=1)


def test_locate_knows_size_and_type_without_the_content(aws: FakeAws, job: Job) -> None:
    """One request, of which the body is left unread."""
    aws.put(OUTPUT, b"x" * 1_000, "application/zip")

    stored = job.locate()

    assert (str(stored.location), stored.size, stored.content_type) == (OUTPUT, 1_000, "application/zip")
    assert aws.operations() == ["GetObject"]


@pytest.mark.parametrize("way", [Job.result, Job.locate])
def test_an_empty_output_is_corrupt(aws: FakeAws, job: Job, way: Any) -> None:  # noqa: ANN401 - two signatures
    """No model means to answer nothing."""
    aws.put(OUTPUT, b"")

    with pytest.raises(ResultCorrupt, match=rf"^the output {OUTPUT} is empty") as caught:
        way(job)

    assert (b"", job) == (caught.value.content, caught.value.job)


@pytest.mark.parametrize("content", [b"<html>", b"\xff\xfe\xfa", b"{" * 100_000, b"[" * 100_000])
def test_an_output_that_is_not_json_keeps_its_bytes(aws: FakeAws, job: Job, content: bytes) -> None:
    """The caller may still read it otherwise."""
    aws.put(OUTPUT, content)
    result = job.result()

    with pytest.raises(ResultCorrupt, match=rf"^the output {OUTPUT} is not JSON: ") as caught:
        result.json()

    assert (content, job) == (caught.value.content, caught.value.job)


def test_a_missing_permission_is_told_after_the_second_refusal(aws: FakeAws, job: Job) -> None:
    """One round later: a new role's permissions take seconds to spread."""
    aws.fail("GetObject", FORBIDDEN, FORBIDDEN)

    with pytest.raises(PermissionDenied) as caught:
        job.result()

    error = caught.value
    assert f"AWS does not allow s3:GetObject or s3:ListBucket on bucket {BUCKET} (AccessDenied)" == str(error)
    assert ("s3:GetObject or s3:ListBucket", f"bucket {BUCKET}", job) == (error.action, error.resource, error.job)
    assert aws.time.slept == [5.0]


def test_a_permission_that_aws_names_is_named(aws: FakeAws, job: Job) -> None:
    """AWS's words say more than ours can."""
    words = f'User: u is not authorized to perform: s3:ListBucket on resource: "arn:aws:s3:::{BUCKET}" because no'
    aws.fail("GetObject", s3_error(403, "AccessDenied", words))

    with pytest.raises(PermissionDenied) as caught:
        job.result(timeout=0)

    assert ("s3:ListBucket", f"arn:aws:s3:::{BUCKET}") == (caught.value.action, caught.value.resource)


def test_a_refusal_that_passes_is_no_error(aws: FakeAws, job: Job) -> None:
    """Refusals count only in a row."""
    missing = s3_error(404, "NoSuchKey")
    aws.fail("GetObject", FORBIDDEN, missing, missing, FORBIDDEN)
    aws.put(OUTPUT, b"1", after=25)

    assert job.result().content == b"1"


def test_expired_credentials_are_told_as_such(aws: FakeAws, job: Job) -> None:
    """Waiting for hours outlives many a session."""
    aws.fail("GetObject", s3_error(400, "ExpiredToken", "The provided token has expired."))

    with pytest.raises(PermissionDenied, match="were refused with ExpiredToken: The provided token has") as caught:
        job.result(timeout=0)

    assert caught.value.remedy.startswith("renew the credentials")


def test_a_missing_bucket_is_not_a_missing_object(aws: FakeAws, job: Job) -> None:
    """Both are 404; only one is worth waiting for."""
    aws.fail("GetObject", s3_error(404, "NoSuchBucket", "The specified bucket does not exist"))

    with pytest.raises(EndpointUnavailable, match=rf"bucket {BUCKET} failed with NoSuchBucket"):
        job.result()

    assert aws.operations() == ["GetObject"]


@pytest.mark.parametrize(
    "fault",
    [
        s3_error(503, "SlowDown"),
        s3_error(500, "InternalError"),
        ConnectTimeoutError(endpoint_url="https://s3"),
        broken_off(b"cut", size=9),
    ],
)
def test_a_question_that_fails_is_asked_again(aws: FakeAws, job: Job, fault: Any) -> None:  # noqa: ANN401 - either kind
    """At the retry policy's pace, not the polling policy's; botocore adds no retries of its own."""
    aws.put(OUTPUT, b"whole")
    aws.fail("GetObject", fault, fault)

    assert job.result().content == b"whole"
    assert (aws.time.slept, len(aws.requests)) == ([0.5, 1.0], 3)


def test_an_outage_beyond_the_budget_is_told(aws: FakeAws, job: Job) -> None:
    """It says nothing of the job, which can be asked again."""
    aws.fail("GetObject", *[s3_error(503, "ServiceUnavailable")] * 100)

    with pytest.raises(EndpointUnavailable, match="failed with ServiceUnavailable") as caught:
        job.result()

    assert job is caught.value.job
    assert sum(aws.time.slept) <= RetryPolicy().budget_seconds


def test_retrying_respects_the_callers_patience(aws: FakeAws, job: Job) -> None:
    """What was the matter is told rather than that time ran out."""
    aws.fail("GetObject", *[s3_error(503, "ServiceUnavailable")] * 100)

    with pytest.raises(EndpointUnavailable):
        job.result(timeout=3)

    assert sum(aws.time.slept) <= 3


READER: Any = None
JOBS = st.builds(
    Job,
    endpoint_name=st.from_regex(r"[a-z0-9](-*[a-z0-9]){0,30}", fullmatch=True).filter(lambda name: len(name) <= 63),
    inference_id=st.from_regex(r"[!-~][ -~]{0,63}", fullmatch=True),
    output_location=st.builds(S3Location, st.just(BUCKET), st.text(min_size=1, max_size=200).filter(str.isprintable)),
    failure_location=st.none() | st.just(S3Location(BUCKET, "failure/x")),
    submitted_at=st.datetimes(datetime(2020, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - hypothesis adds the zone
    request_ttl_seconds=st.integers(60, 21_600),
    invocation_timeout_seconds=st.integers(1, 3_600),
    results=st.just(READER),
)


@settings(max_examples=30)
@given(JOBS)
def test_a_job_survives_json(job: Job) -> None:
    """Every job that can be is read back as it was written."""
    assert job == Job.from_dict(json.loads(json.dumps(job.to_dict())), READER)


DOCUMENT: dict[str, Any] = {
    "schema": 1,
    "endpoint_name": "ocr",
    "inference_id": "id",
    "output_location": OUTPUT,
    "failure_location": None,
    "submitted_at": "2026-01-31T12:00:00+01:00",
    "request_ttl_seconds": 60,
    "invocation_timeout_seconds": 1,
}


def test_a_moment_of_another_zone_is_the_same_moment() -> None:
    """Jobs are written in UTC and read in any zone."""
    job = Job.from_dict(DOCUMENT, READER)

    assert datetime(2026, 1, 31, 12, tzinfo=timezone(timedelta(hours=1))) == job.submitted_at
    assert job.to_dict()["submitted_at"] == "2026-01-31T11:00:00+00:00"


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ("text", "job: got str, expected the object that to_dict() returned"),
        ([], "job: got list, expected the object that to_dict() returned"),
        ({}, "job.schema: got 'None', this version of async_inference reads 1"),
        (DOCUMENT | {"schema": 2}, "job.schema: got '2', this version of async_inference reads 1"),
        (DOCUMENT | {"schema": True}, "job.schema: got 'True', this version of async_inference reads 1"),
        (DOCUMENT | {"schema": 1.0}, "job.schema: got '1.0', this version of async_inference reads 1"),
        (DOCUMENT | {"extra\n": 1}, "job: the member 'extra\\n' is unknown"),
        ({k: v for k, v in DOCUMENT.items() if k != "inference_id"}, "job: the member 'inference_id' is missing"),
        (DOCUMENT | {"endpoint_name": None}, "job.endpoint_name: got NoneType, expected a string"),
        (DOCUMENT | {"inference_id": "x" * 65}, "job.inference_id: has 65 characters, 1 to 64 are allowed"),
        (DOCUMENT | {"output_location": None}, "job.output_location: got NoneType, expected a string like s3://"),
        (DOCUMENT | {"output_location": "https://x/y"}, "job.output_location: got 'https://x/y', expected a string"),
        (DOCUMENT | {"output_location": "s3://bucket/"}, "job.output_location: got 's3://bucket/', expected"),
        (DOCUMENT | {"failure_location": "x"}, "job.failure_location: got 'x', expected a string like s3://"),
        (DOCUMENT | {"submitted_at": 7}, "job.submitted_at: expected a moment like 2026-01-31T12:00:00+00:00"),
        (DOCUMENT | {"submitted_at": "soon"}, "job.submitted_at: expected a moment like"),
        (DOCUMENT | {"submitted_at": "2026-01-31T12:00:00"}, "job.submitted_at: expected a moment like"),
        (DOCUMENT | {"submitted_at": "9999-12-31T23:59:59+00:00"}, "job.submitted_at: expected a moment like"),
        (DOCUMENT | {"submitted_at": "0001-01-01T00:00:00+23:00"}, "job.submitted_at: expected a moment like"),
        (DOCUMENT | {"request_ttl_seconds": 59}, "job.request_ttl_seconds: got 59, expected 60 to 21600 seconds"),
        (DOCUMENT | {"invocation_timeout_seconds": "1"}, "job.invocation_timeout_seconds: got str, expected 1 to"),
    ],
)
def test_a_malformed_job_is_refused_by_the_name_of_its_member(document: Any, message: str) -> None:  # noqa: ANN401 - wrong on purpose
    """In one line."""
    with pytest.raises(InvalidRequest) as caught:
        Job.from_dict(document, READER)

    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


def test_a_job_shows_no_machinery(aws: FakeAws, job: Job) -> None:
    """What is printed is what is stored."""
    assert "results" not in repr(job)
    assert [name for name in vars(type(job)) if "results" in name] == ["_results"]
    assert aws.requests == []
