"""One invocation of the polling function: what it answers, what it never loses, what it logs."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any

import pytest

from async_inference import EndpointUnavailable, ModelError, PermissionDenied, RequestExpired, ResultCorrupt
from lambda_src.polling import polling
from lambda_src.polling.polling import MARGIN_SECONDS
from tests.unit.async_inference.fake_aws import BUCKET, FAILURE, OUTPUT, FakeAws, s3_error, service_error

if TYPE_CHECKING:
    from collections.abc import Callable

EVENT = {"payload": {"secret": "payload"}, "inference_id": "id-1"}
FORBIDDEN = s3_error(403, "AccessDenied")


@pytest.fixture
def invoke(aws: FakeAws) -> Callable[..., dict[str, Any]]:
    """Invoke the function, with 900 seconds unless told otherwise, and return its answer as it arrives."""

    def invoke(event: object, seconds: float = 900.0) -> dict[str, Any]:
        end = aws.time.now + seconds
        response = polling.answer(event, endpoint=aws.endpoint(), seconds_left=lambda: end - aws.time.now)
        arrived: dict[str, Any] = json.loads(json.dumps(response, allow_nan=False))
        return arrived

    return invoke


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


def test_an_invocation_that_has_no_time_asks_once(aws: FakeAws, invoke: Callable[..., dict[str, Any]]) -> None:
    """Rather than being stopped with the job in its hands."""
    assert invoke(EVENT, seconds=MARGIN_SECONDS / 2)["status"] == "IN_PROGRESS"
    assert aws.operations() == ["InvokeEndpointAsync", "GetObject", "GetObject"]
    assert aws.time.slept == []


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
    aws.time.now += 1e6

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

    lines = [json.loads(record.getMessage()) for record in caplog.records if record.name == polling.__name__]
    assert lines == [
        {"inference_id": "id-1", "status": status}
        for status in (
            *("SUBMITTED", "IN_PROGRESS"),
            *("SUBMITTED", "SUCCEEDED"),
            *("SUBMITTED", "ModelError"),
            *("SUBMITTED", "PermissionDenied", "IN_PROGRESS"),
        )
    ]
    assert "secret" not in caplog.text
