"""Submitting: what is sent, what is refused, what is sent again."""

from __future__ import annotations

import json
import traceback
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ConnectTimeoutError, EndpointConnectionError, NoCredentialsError, ReadTimeoutError

from async_inference import AsyncEndpoint, EndpointUnavailable, InvalidRequest, PermissionDenied, S3Location, remedies
from async_inference.configuration import InputLocation
from async_inference.submitting import submission
from tests.unit.async_inference.fake_aws import (
    BUCKET,
    CONFIGURATION,
    ENDPOINT,
    FAILURE,
    OUTPUT,
    FakeAws,
    s3_error,
    service_error,
)

if TYPE_CHECKING:
    from pathlib import Path

    from async_inference.submitting.payloads import Payload

URL = "https://runtime.sagemaker.eu-west-1.amazonaws.com"
PREFIX = "x-amzn-sagemaker-"


@pytest.mark.parametrize(
    ("payload", "body", "content_type"),
    [
        (b"\x00\x01", b"\x00\x01", "application/octet-stream"),
        (bytearray(b"\x00\x01"), b"\x00\x01", "application/octet-stream"),
        (memoryview(b"\x00\x01\x02")[:2], b"\x00\x01", "application/octet-stream"),
        ("Grüße", "Grüße".encode(), "text/plain; charset=utf-8"),
        ({"a": ["é", 1.5]}, '{"a": ["é", 1.5]}'.encode(), "application/json"),
        ([], b"[]", "application/json"),
        (False, b"false", "application/json"),
        (0, b"0", "application/json"),
    ],
)
def test_a_small_payload_travels_in_the_request(aws: FakeAws, payload: Payload, body: bytes, content_type: str) -> None:
    """One request, with the payload encoded and its content type set."""
    aws.endpoint().submit(payload)

    assert aws.operations() == ["InvokeEndpointAsync"]
    assert (body, content_type) == (aws.requests[0].body, aws.requests[0].headers[PREFIX + "content-type"])


def test_every_field_is_sent_under_its_header(aws: FakeAws) -> None:
    """What the caller names reaches SageMaker as he named it."""
    aws.endpoint().submit(
        b"x",
        content_type="image/png",
        accept="application/json",
        custom_attributes="tenant=7",
        inference_id="batch-1",
        invocation_timeout_seconds=1_800,
        request_ttl_seconds=60,
    )

    headers = aws.requests[0].headers
    expected = {
        "content-type": "image/png",
        "accept": "application/json",
        "custom-attributes": "tenant=7",
        "inference-id": "batch-1",
        "invocationtimeoutseconds": "1800",
        "requestttlseconds": "60",
    }
    assert expected == {name: headers[PREFIX + name] for name in expected}
    assert f"/endpoints/{ENDPOINT}/async-invocations" == aws.requests[0].location


def test_bounds_default_to_the_endpoints_own(aws: FakeAws) -> None:
    """Both bounds are always sent, so that the deadline is known and the endpoint's promise holds."""
    job = aws.endpoint().submit(b"x")

    headers = aws.requests[0].headers
    assert (headers[PREFIX + "invocationtimeoutseconds"], headers[PREFIX + "requestttlseconds"]) == ("1800", "7200")
    assert (job.invocation_timeout_seconds, job.request_ttl_seconds) == (1_800, 7_200)


def test_a_job_knows_what_the_service_returned(aws: FakeAws) -> None:
    """Locations are the service's; the inference id is a new one for each submission."""
    first, second = aws.endpoint().submit(b"x"), aws.endpoint().submit(b"x")

    assert (str(first.output_location), str(first.failure_location)) == (OUTPUT, FAILURE)
    assert aws.requests[0].headers[PREFIX + "inference-id"] == first.inference_id
    assert first.inference_id != second.inference_id
    assert aws.time.now == first.submitted_at.timestamp()


def test_an_endpoint_without_failure_path_gives_a_job_without_failure_location(aws: FakeAws) -> None:
    """SageMaker leaves the header out where the endpoint has no failure path."""
    aws.failure_location = None

    assert aws.endpoint().submit(b"x").failure_location is None


def test_128000_bytes_are_inline_and_one_more_is_uploaded(aws: FakeAws) -> None:
    """The bound is of bytes after encoding."""
    endpoint = aws.endpoint()
    endpoint.submit("é" * 64_000)
    endpoint.submit("é" * 64_000 + "x")

    assert aws.operations() == ["InvokeEndpointAsync", "PutObject", "InvokeEndpointAsync"]
    upload, invocation = aws.requests[1:]
    assert upload.location == invocation.headers[PREFIX + "inputlocation"]
    assert upload.location.startswith(f"s3://{BUCKET}/input/")
    assert (len(upload.body), invocation.body) == (128_001, b"")
    assert upload.headers["content-type"] == "text/plain; charset=utf-8"


def test_uploads_have_keys_of_their_own(aws: FakeAws) -> None:
    """Two uploads never overwrite each other."""
    endpoint = aws.endpoint()
    endpoint.submit(b"x" * 128_001)
    endpoint.submit(b"x" * 128_001)

    assert len({request.location for request in aws.sent("PutObject")}) == 2


def test_a_small_file_travels_in_the_request(aws: FakeAws, tmp_path: Path) -> None:
    """Its content type follows from its name, by Python's own table."""
    page = tmp_path / "page.png"
    page.write_bytes(b"png")

    aws.endpoint().submit(page)

    assert (aws.requests[0].body, aws.requests[0].headers[PREFIX + "content-type"]) == (b"png", "image/png")


def test_a_large_file_is_uploaded_in_parts(aws: FakeAws, tmp_path: Path) -> None:
    """The parts together are the file."""
    content = bytes(range(256)) * 40_000
    scan = tmp_path / "scan.unknown"
    scan.write_bytes(content)

    aws.endpoint().submit(scan)

    assert {"CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload", "InvokeEndpointAsync"} == set(
        aws.operations()
    )
    assert len(aws.parts) == 2
    assert content in {b"".join(aws.parts), b"".join(reversed(aws.parts))}  # parts travel at the same time
    assert aws.sent("CreateMultipartUpload")[0].headers["content-type"] == "application/octet-stream"


def test_a_part_that_fails_is_uploaded_again(aws: FakeAws, monkeypatch: pytest.MonkeyPatch) -> None:
    """Uploads keep botocore's retries: a part is idempotent."""
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda _: None)
    aws.fail("PutObject", s3_error(503, "SlowDown"))

    aws.endpoint().submit(b"x" * 128_001)

    assert aws.operations() == ["PutObject", "PutObject", "InvokeEndpointAsync"]


@pytest.mark.parametrize("from_file", [True, False])
def test_a_refused_upload_names_action_and_location(aws: FakeAws, tmp_path: Path, *, from_file: bool) -> None:
    """The caller learns which permission is missing; nothing is submitted."""
    (tmp_path / "page").write_bytes(b"x" * 128_001)
    aws.fail("PutObject", s3_error(403, "AccessDenied", "Access Denied"))

    with pytest.raises(PermissionDenied, match=rf"s3:PutObject on s3://{BUCKET}/input/\S+ \(AccessDenied\)") as caught:
        aws.endpoint().submit(tmp_path / "page" if from_file else b"x" * 128_001)

    assert caught.value.action == "s3:PutObject"
    assert aws.operations() == ["PutObject"]


@pytest.mark.parametrize("payload", [S3Location(BUCKET, "input/page.png"), f"s3://{BUCKET}/input/page.png"])
def test_an_object_of_the_endpoints_bucket_is_passed_by_name(aws: FakeAws, payload: Payload) -> None:
    """No content type is invented for it."""
    aws.endpoint().submit(payload)

    headers = aws.requests[0].headers
    assert f"s3://{BUCKET}/input/page.png" == headers[PREFIX + "inputlocation"]
    assert PREFIX + "content-type" not in headers


def test_an_sdk_without_inline_body_goes_by_way_of_s3(aws: FakeAws, monkeypatch: pytest.MonkeyPatch) -> None:
    """The service model that is loaded decides, not the version."""
    shape = aws.clients.sagemaker_runtime.meta.service_model.operation_model("InvokeEndpointAsync").input_shape
    assert shape is not None
    monkeypatch.delitem(shape.members, "Body")
    monkeypatch.delitem(shape.serialization, "payload")

    aws.endpoint().submit(b"x")

    assert aws.operations() == ["PutObject", "InvokeEndpointAsync"]


def test_a_region_without_inline_body_goes_by_way_of_s3(aws: FakeAws) -> None:
    """A refusal that asks for the input location is answered with one."""
    aws.fail(
        "InvokeEndpointAsync",
        service_error(400, "ValidationError", "Value null at 'inputLocation' failed to satisfy constraint"),
    )

    aws.endpoint().submit(b"x")

    assert aws.operations() == ["InvokeEndpointAsync", "PutObject", "InvokeEndpointAsync"]


class Unwritable:
    """A value that JSON does not have."""


@pytest.mark.parametrize(
    ("payload", "message"),
    [
        (b"", "payload: is empty, expected at least 1 byte"),
        ("", "payload: is empty, expected at least 1 byte"),
        (
            None,
            "payload: is None, expected bytes, text, a JSON-able object, a Path, a binary file object or an S3Location",
        ),
        (Unwritable(), "payload: a Unwritable that cannot be written as JSON"),
        ({"secret": Unwritable()}, "payload: a dict that cannot be written as JSON"),
        ({"secret": float("nan")}, "payload: a dict that cannot be written as JSON"),
        ("\ud800secret", "payload: a text that is not valid Unicode at position 0"),
        ("s3://secret", "payload: a text that starts with s3:// but is not s3://bucket/key: correct it for the object"),
        ("s3://other/input/x", f"input_location: 's3://other/input/x' is not an object below s3://{BUCKET}/input/"),
        (f"s3://{BUCKET}/output/x", f"input_location: 's3://{BUCKET}/output/x' is not an object below s3://{BUCKET}/"),
        (
            S3Location("other", "input/x"),
            f"input_location: 's3://other/input/x' is not an object below s3://{BUCKET}/input/, where this",
        ),
        (S3Location(BUCKET, "input/é"), "input_location: has characters other than printable ASCII"),
        (S3Location(BUCKET, "input/" + "x" * 1_018), "input_location: has 1045 characters, 1 to 1024 are allowed"),
    ],
)
def test_a_payload_that_cannot_be_sent_is_refused(aws: FakeAws, payload: Any, message: str) -> None:  # noqa: ANN401 - wrong on purpose
    """In one line that names it and does not repeat it, nor does an error behind it; nothing is sent."""
    with pytest.raises(InvalidRequest) as caught:
        aws.endpoint().submit(payload)

    assert str(caught.value).startswith(message)
    assert "secret" not in str(caught.value)
    assert "".join(traceback.format_exception(caught.value)).count("Traceback") == 1
    assert aws.requests == []


READS_ELSEWHERE = replace(
    CONFIGURATION, input_locations=(InputLocation(bucket="scans", prefix="inbox/"), InputLocation(bucket="archive"))
)


@pytest.mark.parametrize("uri", ["s3://scans/inbox/page", "s3://archive/page", f"s3://{BUCKET}/input/page"])
def test_an_input_may_lie_where_the_endpoint_reads_it(aws: FakeAws, uri: str) -> None:
    """Below the input prefix, or in a bucket that the configuration names; nothing is uploaded."""
    AsyncEndpoint(READS_ELSEWHERE, clients=aws.clients).submit(S3Location.parse(uri))

    assert aws.operations() == ["InvokeEndpointAsync"]


@pytest.mark.parametrize("uri", ["s3://scans/outbox/page", "s3://scans/inbox/../page", "s3://other/page"])
def test_an_input_elsewhere_is_refused_all_the_same(aws: FakeAws, uri: str) -> None:
    """The role could not read it, and the request would fail when its turn comes."""
    with pytest.raises(InvalidRequest, match=r"^input_location: .* is not an object below s3://"):
        AsyncEndpoint(READS_ELSEWHERE, clients=aws.clients).submit(S3Location.parse(uri))

    assert aws.requests == []


def test_a_file_that_cannot_be_read_is_refused(aws: FakeAws, tmp_path: Path) -> None:
    """Missing files, folders and empty files are told before anything is sent."""
    (tmp_path / "empty").touch()
    for path, reason in (
        (tmp_path / "missing", "No such file or directory"),
        (tmp_path, "Is a directory"),
        (tmp_path / "empty", "is empty"),
    ):
        with pytest.raises(InvalidRequest, match=rf"^payload: .*{reason}"):
            aws.endpoint().submit(path)

    assert aws.requests == []


def test_a_payload_beyond_one_gigabyte_is_refused(aws: FakeAws, tmp_path: Path) -> None:
    """The size is known before the upload."""
    huge = tmp_path / "huge"
    with huge.open("wb") as file:
        file.truncate(1_000_000_001)

    with pytest.raises(InvalidRequest, match=r"^payload: has 1,000,000,001 bytes, at most 1,000,000,000 are allowed"):
        aws.endpoint().submit(huge)

    assert aws.requests == []


@pytest.mark.parametrize(
    ("field", "value", "problem"),
    [
        ("content_type", "", "has 0 characters, 1 to 1024 are allowed"),
        ("content_type", 7, "got int, expected a string"),
        ("accept", "x" * 1_025, "has 1025 characters, 1 to 1024 are allowed"),
        ("custom_attributes", "tenant=ü", "has characters other than printable ASCII, or starts with a space"),
        ("custom_attributes", "a\nb", "has characters other than printable ASCII, or starts with a space"),
        ("inference_id", "x" * 65, "has 65 characters, 1 to 64 are allowed"),
        ("inference_id", " x", "has characters other than printable ASCII, or starts with a space"),
        ("invocation_timeout_seconds", 0, "got 0, expected 1 to 1800 seconds as a whole number"),
        ("invocation_timeout_seconds", 1_801, "got 1801, expected 1 to 1800 seconds as a whole number"),
        ("invocation_timeout_seconds", True, "got True, expected 1 to 1800 seconds as a whole number"),
        ("request_ttl_seconds", 59, "got 59, expected 60 to 21600 seconds as a whole number"),
        ("request_ttl_seconds", 21_601, "got 21601, expected 60 to 21600 seconds as a whole number"),
        ("request_ttl_seconds", 60.5, "got 60.5, expected 60 to 21600 seconds as a whole number"),
        ("request_ttl_seconds", "60", "got str, expected 60 to 21600 seconds as a whole number"),
    ],
)
def test_a_field_out_of_bounds_is_refused(aws: FakeAws, field: str, value: Any, problem: str) -> None:  # noqa: ANN401 - wrong on purpose
    """In one line that names the field, before a large payload would be uploaded."""
    with pytest.raises(InvalidRequest) as caught:
        aws.endpoint().submit(b"x" * 128_001, **{field: value})

    assert f"{field}: {problem}" == str(caught.value)
    assert aws.requests == []


@pytest.mark.parametrize(
    "fault",
    [
        service_error(429, "ThrottlingException", "slow down"),
        service_error(400, "ThrottlingException", "slow down"),
        EndpointConnectionError(endpoint_url=URL),
        ConnectTimeoutError(endpoint_url=URL),
    ],
)
def test_what_was_certainly_not_accepted_is_sent_again(aws: FakeAws, fault: Any) -> None:  # noqa: ANN401 - either kind
    """With exponential back-off, under the same inference id."""
    aws.fail("InvokeEndpointAsync", fault, fault)

    aws.endpoint().submit(b"x")

    assert aws.time.slept == [0.5, 1.0]
    assert len(aws.sent("InvokeEndpointAsync")) == 3
    assert len({request.headers[PREFIX + "inference-id"] for request in aws.requests}) == 1


def test_throttling_that_does_not_end_exhausts_the_budget(aws: FakeAws) -> None:
    """The caller gets the service's words; nothing is unknown about the submission."""
    aws.fail("InvokeEndpointAsync", *[service_error(429, "ThrottlingException", "slow down")] * 100)

    with pytest.raises(EndpointUnavailable, match="failed with ThrottlingException: slow down") as caught:
        aws.endpoint().submit(b"x")

    assert not caught.value.submission_unknown
    assert 100 < sum(aws.time.slept) <= 120


def test_no_attempt_starts_after_the_callers_timeout(aws: FakeAws) -> None:
    """Who has little time is not kept by the retries' budget."""
    aws.latency["InvokeEndpointAsync"] = 2
    aws.fail("InvokeEndpointAsync", *[service_error(429, "ThrottlingException", "slow down")] * 100)
    start = aws.time.monotonic

    with pytest.raises(EndpointUnavailable, match="failed with ThrottlingException: slow down"):
        aws.endpoint().submit(b"x", timeout=10)

    assert aws.time.monotonic - start < 10 + 2


@pytest.mark.parametrize(("payload", "operations"), [(b"x", []), (b"x" * 128_001, ["PutObject"])])
def test_a_request_whose_time_is_over_is_not_sent(aws: FakeAws, payload: bytes, operations: list[str]) -> None:
    """Whether it was over at once or with the upload."""
    aws.latency["PutObject"] = 3

    with pytest.raises(EndpointUnavailable, match=r"^inference id mine-1 was not submitted to endpoint") as caught:
        aws.endpoint().submit(payload, inference_id="mine-1", timeout=3 * len(operations))

    assert caught.value.remedy == remedies.OUT_OF_TIME
    assert (caught.value.submission_unknown, caught.value.inference_id) == (False, None)
    assert operations == aws.operations()


def test_a_timeout_of_a_submission_that_is_no_number_is_refused(aws: FakeAws) -> None:
    """As for a result."""
    with pytest.raises(InvalidRequest, match=r"^timeout: got nan"):
        aws.endpoint().submit(b"x", timeout=float("nan"))

    assert aws.requests == []


@pytest.mark.parametrize(
    "fault",
    [
        service_error(500, "InternalFailure", "oh"),
        service_error(503, "ServiceUnavailable", "oh"),
        ReadTimeoutError(endpoint_url=URL),
    ],
)
def test_what_may_have_been_accepted_is_not_sent_again(aws: FakeAws, fault: Any) -> None:  # noqa: ANN401 - either kind
    """The error says that it is unknown, and under which inference id."""
    aws.fail("InvokeEndpointAsync", fault)

    with pytest.raises(EndpointUnavailable, match=r"^it is not known whether endpoint ocr-endpoint accepted") as caught:
        aws.endpoint().submit(b"x", inference_id="mine-1")

    assert (caught.value.submission_unknown, caught.value.inference_id) == (True, "mine-1")
    assert caught.value.remedy == remedies.SUBMISSION_UNKNOWN
    assert (aws.operations(), aws.time.slept) == (["InvokeEndpointAsync"], [])


@pytest.mark.parametrize(
    ("fault", "error", "message"),
    [
        (
            service_error(400, "ValidationError", "Endpoint ocr-endpoint of account 1 not found."),
            EndpointUnavailable,
            "endpoint ocr-endpoint cannot be invoked: Endpoint ocr-endpoint of account 1 not found.",
        ),
        (
            service_error(400, "ValidationError", "Accept is\nstrange"),
            InvalidRequest,
            "endpoint ocr-endpoint refused the request: Accept is strange",
        ),
        (
            service_error(
                403,
                "AccessDeniedException",
                "User: arn:aws:iam::1:user/u is not authorized to perform: sagemaker:InvokeEndpointAsync "
                "on resource: arn:aws:sagemaker:eu-west-1:1:endpoint/ocr-endpoint because no policy allows it",
            ),
            PermissionDenied,
            "AWS does not allow sagemaker:InvokeEndpointAsync on arn:aws:sagemaker:eu-west-1:1:endpoint/ocr-endpoint (",
        ),
        (
            service_error(403, "ExpiredTokenException", "The security token included in the request is expired"),
            PermissionDenied,
            "the credentials for sagemaker:InvokeEndpointAsync on endpoint ocr-endpoint were refused",
        ),
    ],
)
def test_a_refusal_is_told_in_one_line(aws: FakeAws, fault: Any, error: type[Exception], message: str) -> None:  # noqa: ANN401 - either kind
    """It is not sent again."""
    aws.fail("InvokeEndpointAsync", fault)

    with pytest.raises(error) as caught:
        aws.endpoint().submit(b"x")

    assert str(caught.value).startswith(message)
    assert str(caught.value).isprintable()
    assert aws.operations() == ["InvokeEndpointAsync"]


def test_an_error_of_the_callers_own_set_up_passes_through(aws: FakeAws) -> None:
    """Boto3's own words about missing credentials are the clearest."""
    aws.fail("InvokeEndpointAsync", NoCredentialsError())

    with pytest.raises(NoCredentialsError):
        aws.endpoint().submit(b"x")


@pytest.mark.parametrize(
    ("which", "location", "problem"),
    [
        ("output", None, "named no output location"),
        ("output", "/output/x.out", f"answers to '/output/x.out', outside s3://{BUCKET}/output/"),
        ("output", "s3://other/output/x.out", f"answers to 's3://other/output/x.out', outside s3://{BUCKET}/output/"),
        ("output", f"s3://{BUCKET}/x.out", f"answers to 's3://{BUCKET}/x.out', outside s3://{BUCKET}/output/"),
        ("failure", "nowhere", f"reports failures to 'nowhere', outside s3://{BUCKET}/failure/"),
        ("failure", f"s3://{BUCKET}/x", f"reports failures to 's3://{BUCKET}/x', outside s3://{BUCKET}/failure/"),
    ],
)
def test_a_response_whose_answer_cannot_be_waited_for_is_an_error(
    aws: FakeAws, which: str, location: str | None, problem: str
) -> None:
    """It says that the request was accepted, and advises against another."""
    setattr(aws, f"{which}_location", location)

    with pytest.raises(EndpointUnavailable) as caught:
        aws.endpoint().submit(b"x", inference_id="mine-1")

    assert f"endpoint {ENDPOINT} accepted inference id mine-1 but {problem}" == str(caught.value)
    assert (caught.value.submission_unknown, caught.value.inference_id) == (False, "mine-1")
    assert caught.value.remedy == remedies.ACCEPTED_ELSEWHERE
    assert len(aws.requests) == 1


def test_the_installed_sdk_has_the_inline_body(aws: FakeAws) -> None:
    """The lower bound of the requirements is high enough."""
    assert submission.has_inline_body(aws.clients.sagemaker_runtime)


def test_a_job_is_taken_up_without_a_second_submission(aws: FakeAws) -> None:
    """Through JSON, by another endpoint object, as in another process."""
    job = aws.endpoint().submit(b"x")
    document = json.loads(json.dumps(job.to_dict()))
    aws.put(OUTPUT, b"[1]")

    taken_up = aws.endpoint().job(document)

    assert job == taken_up
    assert taken_up.result().json() == [1]
    assert aws.operations() == ["InvokeEndpointAsync", "GetObject"]


@pytest.mark.parametrize(
    ("member", "value", "message"),
    [
        ("endpoint_name", "other", "job.endpoint_name: got 'other', this endpoint is ocr-endpoint"),
        (
            "output_location",
            "s3://other-bucket/output/x.out",
            "job.output_location: 's3://other-bucket/output/x.out' is",
        ),
        ("output_location", f"s3://{BUCKET}/input/x.out", "job.output_location: "),
        ("output_location", f"s3://{BUCKET}/output-of-others/x.out", "job.output_location: "),
        ("output_location", f"s3://{BUCKET}/output/", "job.output_location: "),
        ("output_location", f"s3://{BUCKET}/output/../input/x", "job.output_location: "),
        ("output_location", f"s3://{BUCKET}/output/./x", "job.output_location: "),
        ("failure_location", f"s3://{BUCKET}/output/x.out", "job.failure_location: "),
        ("failure_location", f"s3://{BUCKET}-2/failure/x.out", "job.failure_location: "),
    ],
)
def test_a_job_of_another_endpoint_is_refused(aws: FakeAws, member: str, value: str, message: str) -> None:
    """Locations must lie below the endpoint's own prefixes, to the letter."""
    document = aws.endpoint().submit(b"x").to_dict() | {member: value}
    aws.requests.clear()

    with pytest.raises(InvalidRequest) as caught:
        aws.endpoint().job(document)

    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)
    assert aws.requests == []


def test_the_configuration_is_the_endpoints_public_description(aws: FakeAws) -> None:
    """Callers can see which endpoint they have."""
    assert aws.endpoint().configuration == CONFIGURATION
