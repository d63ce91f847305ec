"""Malformed events: one line that names the field, and nothing is sent."""

from __future__ import annotations

from typing import Any

import pytest

from async_inference import InvalidRequest, S3Location
from lambda_src.polling.events import Continuation, Submission, parse
from lambda_src.polling.polling import answer
from tests.unit.async_inference.fake_aws import BUCKET, ENDPOINT, FAILURE, OUTPUT, FakeAws

JOB = {
    "schema": 1,
    "endpoint_name": ENDPOINT,
    "inference_id": "id-1",
    "output_location": OUTPUT,
    "failure_location": FAILURE,
    "submitted_at": "2027-01-15T08:00:00+00:00",
    "request_ttl_seconds": 7_200,
    "invocation_timeout_seconds": 1_800,
}
SOURCES = "expected exactly one of payload, input_location, job"


@pytest.mark.parametrize(
    ("event", "message"),
    [
        # the event as a whole
        (None, "event: got NoneType, expected an object with one of payload, input_location, job"),
        ([], "event: got list, expected an object with one of payload, input_location, job"),
        ("payload", "event: got str, expected an object with one of payload, input_location, job"),
        ({}, f"event: got nothing, {SOURCES}"),
        ({"paylod": 1}, f"event: got 'paylod', {SOURCES}"),
        ({"payload": 1, "job": JOB}, f"event: got payload and job, {SOURCES}"),
        ({"payload": 1, "input_location": "s3://bucket/x"}, f"event: got payload and input_location, {SOURCES}"),
        (
            {"payload": 1, "ttl": 60},
            "'ttl': unknown beside payload, allowed are content_type, accept, custom_attributes,",
        ),
        ({"payload": 1, "evil\nline": 1}, "'evil\\nline': unknown beside payload, allowed are content_type, accept"),
        ({"job": JOB, "accept": "text/plain"}, "'accept': unknown beside job, allowed are none"),
        # payload
        ({"payload": None}, "payload: is None, expected "),
        ({"payload": ""}, "payload: is empty, expected at least 1 byte"),
        ({"payload": "s3://bucket/x"}, "payload: a text that starts with s3:// is ambiguous: name an object as input_"),
        # input location
        ({"input_location": None}, "input_location: got NoneType, expected a string like s3://bucket/key"),
        ({"input_location": "input/x"}, "input_location: got 'input/x', expected a string like s3://bucket/key"),
        ({"input_location": "s3://other/input/x"}, "input_location: 's3://other/input/x' is not an object below s3://"),
        ({"input_location": f"s3://{BUCKET}/output/x"}, "input_location: "),
        ({"input_location": f"s3://{BUCKET}/inputs/x"}, "input_location: "),
        ({"input_location": f"s3://{BUCKET}/input/../output/x"}, "input_location: "),
        # fields
        ({"payload": 1, "content_type": 7}, "content_type: got int, expected a string"),
        ({"payload": 1, "accept": ""}, "accept: has 0 characters, 1 to 1024 are allowed"),
        ({"payload": 1, "custom_attributes": "ü"}, "custom_attributes: has characters other than printable ASCII"),
        ({"payload": 1, "inference_id": "x" * 65}, "inference_id: has 65 characters, 1 to 64 are allowed"),
        (
            {"payload": 1, "invocation_timeout_seconds": 1_801},
            "invocation_timeout_seconds: got 1801, expected 1 to 1800",
        ),
        ({"payload": 1, "invocation_timeout_seconds": "9"}, "invocation_timeout_seconds: got str, expected 1 to 1800"),
        ({"payload": 1, "request_ttl_seconds": 59}, "request_ttl_seconds: got 59, expected 60 to 21600 seconds"),
        ({"payload": 1, "request_ttl_seconds": True}, "request_ttl_seconds: got True, expected 60 to 21600 seconds"),
        # job
        ({"job": "id-1"}, "job: got str, expected the object that to_dict() returned"),
        ({"job": None}, "job: got NoneType, expected the object that to_dict() returned"),
        ({"job": JOB | {"schema": 2}}, "job.schema: got '2', this version of async_inference reads 1"),
        ({"job": JOB | {"more": 1}}, "job: the member 'more' is unknown"),
        ({"job": {"schema": 1}}, "job: the member 'endpoint_name' is missing"),
        ({"job": JOB | {"endpoint_name": "other"}}, "job.endpoint_name: got 'other', this endpoint is ocr-endpoint"),
        (
            {"job": JOB | {"output_location": "s3://other/output/x"}},
            "job.output_location: 's3://other/output/x' is not",
        ),
        ({"job": JOB | {"output_location": f"s3://{BUCKET}/input/x"}}, "job.output_location: "),
        ({"job": JOB | {"output_location": f"s3://{BUCKET}/output-2/x"}}, "job.output_location: "),
        ({"job": JOB | {"output_location": f"s3://{BUCKET}/output/../x"}}, "job.output_location: "),
        ({"job": JOB | {"failure_location": OUTPUT}}, "job.failure_location: "),
        ({"job": JOB | {"failure_location": f"s3://{BUCKET}.evil/failure/x"}}, "job.failure_location: "),
        ({"job": JOB | {"submitted_at": "yesterday"}}, "job.submitted_at: expected a moment like"),
    ],
)
def test_a_malformed_event_is_refused(aws: FakeAws, event: Any, message: str) -> None:  # noqa: ANN401 - wrong on purpose
    """Whoever sent it reads one line; AWS hears nothing."""
    with pytest.raises(InvalidRequest) as caught:
        answer(event, endpoint=aws.endpoint(), seconds_left=lambda: 900.0)

    assert str(caught.value).startswith(message)
    assert str(caught.value).isprintable()
    assert aws.requests == []


@pytest.mark.parametrize("payload", [{"a": 1}, [], "text", 0, False, 1.5])
def test_any_json_value_is_a_payload(payload: Any) -> None:  # noqa: ANN401 - any JSON
    """As it is, with the fields beside it."""
    assert parse({"payload": payload, "accept": "x"}) == Submission(payload, {"accept": "x"})


def test_an_input_location_becomes_a_location() -> None:
    """So that it is never taken for a text."""
    event = {"input_location": f"s3://{BUCKET}/input/page.png", "content_type": "image/png"}

    assert parse(event) == Submission(S3Location(BUCKET, "input/page.png"), {"content_type": "image/png"})


def test_a_job_is_a_continuation() -> None:
    """Its members are for the endpoint to check."""
    assert parse({"job": JOB}) == Continuation(JOB)
