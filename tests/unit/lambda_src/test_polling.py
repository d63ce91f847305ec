"""One invocation of the polling function: what it answers, what it never loses, what it logs."""

from __future__ import annotations

import functools
import json
import logging
from contextlib import closing, suppress
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from async_inference import EndpointUnavailable, ModelError, PermissionDenied, RequestExpired, ResultCorrupt
from async_inference.clients import CONNECT_TIMEOUT_SECONDS, S3_READ_TIMEOUT_SECONDS, SUBMIT_READ_TIMEOUT_SECONDS
from async_inference.watching.in_flight import PUBLISHING_SECONDS
from lambda_src.polling import polling
from lambda_src.polling.polling import MARGIN_SECONDS, RESPONSE_SECONDS, SUBMISSION_SECONDS
from tests.unit.async_inference.fake_aws import BUCKET, FAILURE, OUTPUT, FakeAws, s3_error, service_error
from tests.unit.async_inference.fake_metrics import FakeCloudWatch, counting

if TYPE_CHECKING:
    from collections.abc import Callable

EVENT = {"payload": {"secret": "payload"}, "inference_id": "id-1"}
FORBIDDEN = s3_error(403, "AccessDenied")


def invoke_on(aws: FakeAws, event: object, seconds: float = 900.0) -> dict[str, Any]:
    """Invoke the function, with 900 seconds unless told otherwise, and return its answer as it arrives."""
    end = aws.time.monotonic + seconds
    response = polling.answer(event, endpoint=aws.endpoint(), seconds_left=lambda: end - aws.time.monotonic)
    # As Lambda's runtime does it, outside of any handler of errors.
    arrived: dict[str, Any] = json.loads(json.dumps(response, allow_nan=False, ensure_ascii=False).encode())
    return arrived


@pytest.fixture
def invoke(aws: FakeAws) -> Callable[..., dict[str, Any]]:
    """The function on this AWS."""
    return functools.partial(invoke_on, aws)


def test_a_result_is_returned_with_its_job(aws: FakeAws, invoke: Callable[..., dict[str, Any]]) -> None:
    """JSON is decoded; where it lies and what it is are told too."""
    aws.put(OUTPUT, b'{"text": "x"}', after=60)

    response = invoke(EVENT)

    assert sorted(response) == ["job", "result", "status"]
    assert (response["status"], response["job"]["inference_id"]) == ("SUCCEEDED", "id-1")
    assert response["result"] == {
        "location": OUTPUT,
        "bytes": 13,
        "content_type": "application/json",
        "json": {"text": "x"},
    }


def test_jobs_in_flight_are_published_while_the_function_waits(aws: FakeAws) -> None:
    """In each minute from the submission on, and never at the cost of answering in time."""
    with closing(FakeCloudWatch(aws.time)) as cloudwatch:
        start = aws.time.monotonic
        cloudwatch.latency = float(PUBLISHING_SECONDS)

        response = polling.answer(
            EVENT, endpoint=counting(aws, cloudwatch.client), seconds_left=lambda: start + 900 - aws.time.monotonic
        )

        assert response["status"] == "IN_PROGRESS"
        assert aws.time.monotonic <= start + 900 - MARGIN_SECONDS
        assert cloudwatch.longest_gap(start, aws.time.monotonic) < 60


def test_the_payload_and_its_fields_are_submitted(aws: FakeAws, invoke: Callable[..., dict[str, Any]]) -> None:
    """Once."""
    aws.put(OUTPUT, b"1")

    invoke(EVENT | {"request_ttl_seconds": 60})

    (request,) = aws.sent("InvokeEndpointAsync")
    assert request.body == b'{"secret": "payload"}'
    assert request.headers["x-amzn-sagemaker-requestttlseconds"] == "60"


def test_an_input_location_is_submitted_by_name(aws: FakeAws, invoke: Callable[..., dict[str, Any]]) -> None:
    """With the content type that the caller gives it."""
    aws.put(OUTPUT, b"1")

    invoke({"input_location": f"s3://{BUCKET}/input/page.png", "content_type": "image/png"})

    (request,) = aws.sent("InvokeEndpointAsync")
    assert request.headers["x-amzn-sagemaker-inputlocation"] == f"s3://{BUCKET}/input/page.png"
    assert request.headers["x-amzn-sagemaker-content-type"] == "image/png"


def test_the_job_is_handed_back_before_time_runs_out(aws: FakeAws, invoke: Callable[..., dict[str, Any]]) -> None:
    """And goes on where it was, through as many invocations as it takes, with one submission."""
    start = aws.time.now
    aws.put(OUTPUT, b"1", after=2_000)

    first = invoke(EVENT)
    assert aws.time.now - start == pytest.approx(900 - MARGIN_SECONDS)
    second = invoke({"job": first["job"]})
    third = invoke({"job": second["job"]})

    assert [answer["status"] for answer in (first, second, third)] == ["IN_PROGRESS", "IN_PROGRESS", "SUCCEEDED"]
    assert sorted(first) == ["job", "status"]
    assert first["job"] == second["job"] == third["job"]
    assert len(aws.sent("InvokeEndpointAsync")) == 1


def test_an_invocation_without_time_for_a_question_hands_the_job_back(
    aws: FakeAws, invoke: Callable[..., dict[str, Any]]
) -> None:
    """Rather than being stopped with the job in its hands; who has the job already may ask once."""
    first = invoke(EVENT, seconds=MARGIN_SECONDS - 0.1)
    assert (first["status"], aws.operations()) == ("IN_PROGRESS", ["InvokeEndpointAsync"])

    assert invoke({"job": first["job"]}, seconds=MARGIN_SECONDS - 0.1)["status"] == "IN_PROGRESS"
    assert (aws.operations()[1:], aws.time.slept) == (["GetObject", "GetObject"], [])


def test_an_invocation_without_time_for_a_submission_submits_nothing(
    aws: FakeAws, invoke: Callable[..., dict[str, Any]]
) -> None:
    """The caller is told, and may safely send the event again."""
    with pytest.raises(EndpointUnavailable, match=r"^inference id id-1 was not submitted to endpoint ocr-endpoint: "):
        invoke(EVENT, seconds=SUBMISSION_SECONDS)

    assert aws.requests == []


EXAMPLES = 40
SILENCE = st.floats(0, CONNECT_TIMEOUT_SECONDS + S3_READ_TIMEOUT_SECONDS)


@settings(max_examples=EXAMPLES)
@given(
    seconds=st.floats(SUBMISSION_SECONDS + 0.1, 200),
    submission=st.floats(0, CONNECT_TIMEOUT_SECONDS + SUBMIT_READ_TIMEOUT_SECONDS),
    question=SILENCE,
    appears_after=st.floats(0, 250),
    throttled=st.integers(0, 4),
    luck=st.floats(0, 1),
)
def test_an_invocation_answers_before_it_ends(
    *, seconds: float, submission: float, question: float, appears_after: float, throttled: int, luck: float
) -> None:
    """However slow SageMaker and S3 are within the clients' timeouts; what was accepted is never lost."""
    with closing(FakeAws()) as aws:
        aws.time.luck = luck
        aws.latency = {"InvokeEndpointAsync": submission, "GetObject": question}
        aws.fail("InvokeEndpointAsync", *[service_error(429, "ThrottlingException")] * throttled)
        aws.put(OUTPUT, b"1", after=appears_after)
        end = aws.time.monotonic + seconds

        status = "not submitted"
        with suppress(EndpointUnavailable):
            status = invoke_on(aws, EVENT, seconds)["status"]

        accepted = len(aws.sent("InvokeEndpointAsync")) > throttled
        assert accepted == (status in {"IN_PROGRESS", "SUCCEEDED"})
        assert aws.time.monotonic <= end - RESPONSE_SECONDS + 1e-6


@settings(max_examples=EXAMPLES)
@given(seconds=st.floats(MARGIN_SECONDS, 200), question=SILENCE, appears_after=st.floats(0, 250))
def test_a_continuation_answers_before_it_ends(seconds: float, question: float, appears_after: float) -> None:
    """With at least one round of questions."""
    with closing(FakeAws()) as aws:
        job = aws.endpoint().submit(b"x").to_dict()
        aws.latency["GetObject"] = question
        aws.put(OUTPUT, b"1", after=appears_after)
        end = aws.time.monotonic + seconds

        assert invoke_on(aws, {"job": job}, seconds)["status"] in {"IN_PROGRESS", "SUCCEEDED"}

        assert len(aws.sent("GetObject")) >= 2
        assert aws.time.monotonic <= end - RESPONSE_SECONDS + 1e-6


def test_a_models_failure_is_raised(aws: FakeAws, invoke: Callable[..., dict[str, Any]]) -> None:
    """Its type and message name the cause."""
    aws.put(FAILURE, b'{"error": "no image"}')

    with pytest.raises(ModelError, match=r'the model failed on inference id id-1: {"error": "no image"}'):
        invoke(EVENT)


def test_an_empty_output_is_raised(aws: FakeAws, invoke: Callable[..., dict[str, Any]]) -> None:
    """It is an outcome, and a wrong one."""
    aws.put(OUTPUT, b"")

    with pytest.raises(ResultCorrupt):
        invoke(EVENT)


def test_an_expired_request_is_raised(aws: FakeAws, invoke: Callable[..., dict[str, Any]]) -> None:
    """A caller who keeps handing back the job is told when to stop."""
    job = invoke(EVENT)["job"]
    aws.time.advance(1e6)

    with pytest.raises(RequestExpired):
        invoke({"job": job})


@pytest.mark.parametrize(
    ("fault", "error"), [(FORBIDDEN, PermissionDenied), (s3_error(404, "NoSuchBucket"), EndpointUnavailable)]
)
def test_a_job_that_cannot_be_polled_is_not_lost(
    aws: FakeAws,
    invoke: Callable[..., dict[str, Any]],
    fault: tuple[int, dict[str, str], bytes],
    error: type[Exception],
) -> None:
    """The invocation that submitted hands it back; the next one, whose caller has it, raises what is wrong."""
    aws.fail("GetObject", *[fault] * 4)

    first = invoke(EVENT)
    assert first["status"] == "IN_PROGRESS"
    with pytest.raises(error):
        invoke({"job": first["job"]}, seconds=MARGIN_SECONDS)


def test_a_submission_that_fails_is_raised(aws: FakeAws, invoke: Callable[..., dict[str, Any]]) -> None:
    """There is no job to hand back."""
    aws.fail("InvokeEndpointAsync", service_error(500, "InternalFailure"))

    with pytest.raises(EndpointUnavailable, match=r"^it is not known whether"):
        invoke(EVENT)


@pytest.mark.parametrize(
    ("content", "content_type", "inlined"),
    [
        (b"[1, 2.5, null]", "application/json", {"json": [1, 2.5, None]}),
        (b"null", "application/json", {"json": None}),
        (b"[1]", "application/octet-stream", {"json": [1]}),
        (b"[1]", "text/csv", {"text": "[1]"}),
        ("Grüße".encode(), "text/plain", {"text": "Grüße"}),
        (b'{"score": NaN}', "application/json", {"text": '{"score": NaN}'}),
        (b"1e999", "application/json", {"text": "1e999"}),
        (b'"\\ud800"', "application/json", {"text": '"\\ud800"'}),
        (b'{"\\udfff": 1}', "application/json", {"text": '{"\\udfff": 1}'}),
        (b'"\\ud83d\\ude00"', "application/json", {"json": "\U0001f600"}),
        (b"<html>", "application/json", {"text": "<html>"}),
        (b"[" * 100_000, "application/json", {"text": "[" * 100_000}),
        (b"\x89PNG\xff", "image/png", {}),
        (b"\xff", "text/plain", {}),
    ],
)
def test_an_output_is_inlined_as_what_it_is(
    aws: FakeAws, invoke: Callable[..., dict[str, Any]], content: bytes, content_type: str, inlined: dict[str, Any]
) -> None:
    """As JSON or as text, without loss; anything else by reference."""
    aws.put(OUTPUT, content, content_type)

    result = invoke(EVENT)["result"]

    assert result == {"location": OUTPUT, "bytes": len(content), "content_type": content_type} | inlined


def test_an_output_beyond_the_response_limit_is_not_even_loaded(
    aws: FakeAws, invoke: Callable[..., dict[str, Any]]
) -> None:
    """It is looked up, and named."""
    aws.put(OUTPUT, b"x" * 6_000_001, "text/plain")

    result = invoke(EVENT)["result"]

    assert result == {"location": OUTPUT, "bytes": 6_000_001, "content_type": "text/plain"}
    assert len(aws.sent("GetObject")) == 1


def test_an_output_that_grows_beyond_the_limit_in_json_is_named(
    aws: FakeAws, invoke: Callable[..., dict[str, Any]]
) -> None:
    """What counts is the response as Lambda returns it."""
    content = "é".encode() * 1_500_000
    aws.put(OUTPUT, content, "text/plain")

    assert invoke(EVENT)["result"] == {"location": OUTPUT, "bytes": 3_000_000, "content_type": "text/plain"}


def test_the_log_has_ids_and_statuses_and_nothing_else(
    aws: FakeAws, invoke: Callable[..., dict[str, Any]], caplog: pytest.LogCaptureFixture
) -> None:
    """Neither payload nor result nor the model's words."""
    caplog.set_level(logging.INFO)
    invoke(EVENT, seconds=60)
    aws.put(OUTPUT, b'{"secret": "result"}')
    invoke(EVENT)
    aws.objects.clear()
    aws.put(FAILURE, b"secret words")
    with pytest.raises(ModelError):
        invoke(EVENT)
    aws.objects.clear()
    aws.fail("GetObject", FORBIDDEN, FORBIDDEN)
    invoke(EVENT)

    documents = [json.loads(record.getMessage()).get("document") for record in caplog.records]
    assert documents[0]["output_location"] == OUTPUT
    assert aws.endpoint().job(documents[0]).inference_id == "id-1"
    lines = [json.loads(record.getMessage()) for record in caplog.records if record.name == polling.__name__]
    assert all(line.keys() - {"document"} == {"inference_id", "status"} for line in lines)
    assert [line["status"] for line in lines if line["inference_id"] == "id-1"] == [
        *("SUBMITTED", "IN_PROGRESS"),
        *("SUBMITTED", "SUCCEEDED"),
        *("SUBMITTED", "ModelError"),
        *("SUBMITTED", "PermissionDenied", "IN_PROGRESS"),
    ]
    assert "secret" not in caplog.text
