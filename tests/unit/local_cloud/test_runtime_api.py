"""``InvokeEndpointAsync`` as a request on the wire."""

from __future__ import annotations

import json
import uuid
from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from local_cloud.assumptions import Assumptions
from local_cloud.sagemaker.runtime_api import RuntimeApi
from local_cloud.scope import Scope

if TYPE_CHECKING:
    from collections.abc import Callable

    from local_cloud.clock import SimulatedClock
    from local_cloud.json_api import Response
    from local_cloud.ministack_iam import Identities
    from local_cloud.sagemaker.endpoints import Endpoints as RealEndpoints
    from local_cloud.sagemaker.resources import AsyncInferenceSettings

SCOPE = Scope("000000000000", "us-east-1")
PREFIX = "x-amzn-sagemaker-"


class Endpoints:
    """One endpoint called ``ocr`` that keeps what it is sent."""

    def __init__(self, settings: AsyncInferenceSettings | None, status: str = "InService") -> None:
        self.submitted: list[Any] = []
        self.assumptions = Assumptions()
        self._endpoint = SimpleNamespace(
            name="ocr", status=status, config=SimpleNamespace(asynchronous=settings), submit=self.submitted.append
        )

    def in_scope(self, scope: Scope) -> list[Any]:
        """Return the endpoint in its own scope."""
        return [self._endpoint] if scope == SCOPE else []


@pytest.fixture
def invoke(clock: SimulatedClock, finish: Callable[..., Any], identities: Identities) -> Callable[..., Any]:
    """Sends a request to endpoints."""

    def send(
        endpoints: Endpoints, body: bytes = b"", path: str = "/endpoints/ocr/async-invocations", **headers: str
    ) -> Response:
        prefixed = {PREFIX + name.replace("_", "-").lower(): value for name, value in headers.items()}
        prefixed["authorization"] = "signed"
        api = RuntimeApi(clock, cast("RealEndpoints", endpoints), endpoints.assumptions, identities)
        response: Response = finish(api.respond(SCOPE, "POST", path, prefixed, body))
        return response

    return send


def test_an_inline_request_is_accepted(invoke: Callable[..., Any], settings: AsyncInferenceSettings) -> None:
    """The three fields of the answer are where AWS puts them, and no location contains the inference id."""
    endpoints = Endpoints(settings)
    status, headers, body = invoke(endpoints, b"page", Inference_Id="mine", Content_Type="image/png")
    [request] = endpoints.submitted
    assert (status, headers["Content-Type"]) == (202, "application/json")
    assert json.loads(body) == {"InferenceId": "mine"}
    assert headers["X-Amzn-SageMaker-OutputLocation"] == request.output_location
    assert headers["X-Amzn-SageMaker-FailureLocation"] == request.failure_location
    name = request.output_location.removeprefix("s3://bucket/output/").removesuffix(".out")
    assert uuid.UUID(name).version == 4
    assert request.failure_location == f"s3://bucket/failure/{name}-error.out"
    assert (request.body, request.content_type, request.received_at) == (b"page", "image/png", 1000.0)


def test_times_have_the_defaults_of_the_service(invoke: Callable[..., Any], settings: AsyncInferenceSettings) -> None:
    """Six hours in the queue and fifteen minutes of work."""
    endpoints = Endpoints(settings)
    invoke(endpoints, b"page")
    [request] = endpoints.submitted
    assert (request.ttl_seconds, request.timeout_seconds) == (21_600, 900)


def test_headers_become_members(invoke: Callable[..., Any], settings: AsyncInferenceSettings) -> None:
    """Every optional field arrives under its header."""
    endpoints = Endpoints(settings)
    invoke(
        endpoints,
        InputLocation="s3://bucket/input/x",
        Accept="text/plain",
        Custom_Attributes="a=b",
        RequestTTLSeconds="60",
        InvocationTimeoutSeconds="3600",
        S3OutputPathExtension="batch",
        Filename="0001",
    )
    [request] = endpoints.submitted
    assert (request.ttl_seconds, request.timeout_seconds, request.body) == (60, 3600, None)
    assert (request.accept, request.custom_attributes) == ("text/plain", "a=b")
    assert request.output_location == "s3://bucket/output/batch/0001"


def test_without_a_failure_path_the_answer_has_no_failure_location(
    invoke: Callable[..., Any], settings: AsyncInferenceSettings
) -> None:
    """A client that takes it for granted fails here as on AWS."""
    _, headers, _ = invoke(Endpoints(replace(settings, failure_path=None)), b"page")
    assert "X-Amzn-SageMaker-FailureLocation" not in headers


@pytest.mark.parametrize(
    ("body", "headers", "message"),
    [
        (b"", {}, "Exactly one of Body and InputLocation"),
        (b"x", {"InputLocation": "s3://b/k"}, "Exactly one of Body and InputLocation"),
        (b"x", {"RequestTTLSeconds": "soon"}, "RequestTTLSeconds is no integer: soon"),
        (b"x", {"RequestTTLSeconds": "1_000"}, "RequestTTLSeconds is no integer: 1_000"),
        (b"x", {"RequestTTLSeconds": "\u0661\u0660\u0660"}, "RequestTTLSeconds is no integer: \u0661\u0660\u0660"),
        (b"x", {"RequestTTLSeconds": "59"}, "greater than or equal to 60"),
        (b"x" * 128_001, {}, "length less than or equal to 128000"),
        (b"x", {"path": "/endpoints/other/async-invocations"}, "Endpoint other of account 000000000000 not found."),
        (b"x", {"path": "/endpoints/ocr/invocations"}, "InvokeEndpointAsync only"),
        (b"x", {"path": "/endpoints/ocr/invocations-response-stream"}, "InvokeEndpointAsync only"),
        (b"x", {"path": "/endpoints/other/invocations"}, "Endpoint other of account 000000000000 not found."),
        (b"x", {"path": "/endpoints/-/async-invocations"}, "satisfy regular expression pattern"),
        (b"x", {"path": f"/endpoints/{'n' * 64}/async-invocations"}, "length less than or equal to 63"),
        (b"x", {"RequestTTLSeconds": "21601"}, "less than or equal to 21600"),
        (b"x", {"InvocationTimeoutSeconds": "0"}, "greater than or equal to 1"),
        (b"x", {"InvocationTimeoutSeconds": "3601"}, "less than or equal to 3600"),
        (b"x", {"Inference_Id": "i" * 65}, "length less than or equal to 64"),
        (b"x", {"Inference_Id": " i"}, "satisfy regular expression pattern"),
        (b"x", {"Content_Type": "c" * 1025}, "length less than or equal to 1024"),
        (b"x", {"Accept": "\u00e9"}, "satisfy regular expression pattern"),
        (b"x", {"Custom_Attributes": "a" * 1025}, "length less than or equal to 1024"),
        (b"x", {"S3OutputPathExtension": "s3://b/k"}, "satisfy regular expression pattern"),
        (b"x", {"S3OutputPathExtension": "e" * 513}, "length less than or equal to 512"),
        (b"x", {"Filename": "a.tar.gz"}, "satisfy regular expression pattern"),
        (b"x", {"Filename": "f" * 33}, "length less than or equal to 32"),
        (b"", {"InputLocation": "b/k"}, "satisfy regular expression pattern"),
        (b"", {"InputLocation": "s3://b/" + "k" * 1018}, "length less than or equal to 1024"),
    ],
)
def test_bad_requests_are_refused_and_queue_nothing(
    invoke: Callable[..., Any], settings: AsyncInferenceSettings, body: bytes, headers: dict[str, str], message: str
) -> None:
    """The runtime's code for bad input is ``ValidationError``."""
    endpoints = Endpoints(settings)
    status, answer_headers, answer = invoke(endpoints, body, **headers)
    error = json.loads(answer)
    assert (status, error["__type"]) == (400, "ValidationError")
    assert answer_headers["Content-Type"] == "application/json"
    assert message in error["message"]
    assert endpoints.submitted == []


@pytest.mark.parametrize("state", ["Creating", "Failed", "Deleting"])
def test_an_endpoint_that_is_not_in_service_takes_no_requests(
    invoke: Callable[..., Any], settings: AsyncInferenceSettings, state: str
) -> None:
    """It has to have been in service."""
    _, _, answer = invoke(Endpoints(settings, status=state), b"x")
    assert "is not InService" in json.loads(answer)["message"]


def test_an_endpoint_that_is_being_updated_takes_requests(
    invoke: Callable[..., Any], settings: AsyncInferenceSettings
) -> None:
    """Scaling is an update, and a queue has no closing hours."""
    endpoints = Endpoints(settings, status="Updating")
    invoke(endpoints, b"x")
    assert len(endpoints.submitted) == 1


def test_failures_follow_the_extension_where_that_is_assumed(
    invoke: Callable[..., Any], settings: AsyncInferenceSettings
) -> None:
    """The service model does not say whether they do."""
    endpoints = Endpoints(settings)
    endpoints.assumptions = Assumptions(failures_follow_extension=True)
    invoke(endpoints, b"x", S3OutputPathExtension="batch")
    assert endpoints.submitted[0].failure_location.startswith("s3://bucket/failure/batch/")


def test_an_unexpected_error_is_an_internal_failure(
    invoke: Callable[..., Any], settings: AsyncInferenceSettings, caplog: pytest.LogCaptureFixture
) -> None:
    """The client reads an error that the service model declares, and the log says where it came from."""
    endpoints = Endpoints(settings)
    endpoints.assumptions = cast("Assumptions", None)
    status, _, answer = invoke(endpoints, b"x")
    assert (status, json.loads(answer)["__type"]) == (500, "InternalFailure")
    assert "unexpected error" in caplog.text


@pytest.mark.parametrize("throttled", [False, True])
def test_submissions_are_throttled_where_that_is_assumed(
    clock: SimulatedClock,
    finish: Callable[..., Any],
    identities: Identities,
    settings: AsyncInferenceSettings,
    *,
    throttled: bool,
) -> None:
    """What is refused is not queued, and clients read AWS's common error."""
    endpoints = Endpoints(settings)
    assumptions = Assumptions(submissions_are_throttled=throttled)
    api = RuntimeApi(clock, cast("RealEndpoints", endpoints), assumptions, identities)
    path, headers = "/endpoints/ocr/async-invocations", {"authorization": "signed"}
    answers = [finish(api.respond(SCOPE, "POST", path, headers, b"x")) for _ in range(100)]
    refused = [json.loads(body) for status, _, body in answers if status == 400]
    assert (len(refused) > 0) == throttled
    assert len(endpoints.submitted) == 100 - len(refused)
    assert [error["__type"] for error in refused] == ["ThrottlingException"] * len(refused)


@pytest.mark.parametrize(
    "headers",
    [
        {"RequestTTLSeconds": "60"},
        {"RequestTTLSeconds": "21600"},
        {"InvocationTimeoutSeconds": "1"},
        {"InvocationTimeoutSeconds": "3600"},
        {"Inference_Id": "i" * 64},
        {"Inference_Id": "two words"},
        {"Content_Type": "c" * 1024},
        {"Accept": "a" * 1024},
        {"Custom_Attributes": "a" * 1024},
        {"S3OutputPathExtension": "e" * 512},
        {"S3OutputPathExtension": "a!_.*'()/-9"},
        {"Filename": "f" * 32},
        {"Filename": "a-b_c.json"},
    ],
)
def test_what_is_just_within_its_bounds_is_taken(
    invoke: Callable[..., Any], settings: AsyncInferenceSettings, headers: dict[str, str]
) -> None:
    """The service refuses no more than it says."""
    endpoints = Endpoints(settings)
    status, _, _ = invoke(endpoints, b"x" * 128_000, **headers)
    assert (status, len(endpoints.submitted)) == (202, 1)


def test_an_endpoint_that_is_not_asynchronous_takes_no_requests(invoke: Callable[..., Any]) -> None:
    """It has no place for their outputs."""
    endpoints = Endpoints(None)
    _, _, answer = invoke(endpoints, b"x")
    assert "Endpoint ocr is not asynchronous." in json.loads(answer)["message"]


def test_an_endpoints_name_is_taken_as_it_is_written(
    invoke: Callable[..., Any], settings: AsyncInferenceSettings
) -> None:
    """The control API knows it in any case, the runtime does not."""
    _, _, answer = invoke(Endpoints(settings), b"x", path="/endpoints/OCR/async-invocations")
    assert "Endpoint OCR of account 000000000000 not found." in json.loads(answer)["message"]
