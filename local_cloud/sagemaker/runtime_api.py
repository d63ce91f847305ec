"""SageMaker's runtime: ``InvokeEndpointAsync``."""

from __future__ import annotations

import re
import uuid
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote

from async_inference.limits import DEFAULT_INVOCATION_TIMEOUT_SECONDS, DEFAULT_REQUEST_TTL_SECONDS
from local_cloud.errors import AwsError
from local_cloud.json_api import aws_error, error_response, json_response
from local_cloud.ministack_iam import Grant
from local_cloud.ministack_routing import RUNTIME_PATH
from local_cloud.sagemaker.async_request import AsyncRequest
from local_cloud.sagemaker.locations import failure_location, output_location
from local_cloud.sagemaker.rate_limit import RateLimit
from local_cloud.sagemaker.undocumented import THROTTLED_SUBMISSIONS_PER_SECOND
from local_cloud.service_model import check, input_shape

if TYPE_CHECKING:
    from collections.abc import Mapping

    from local_cloud.assumptions import Assumptions
    from local_cloud.clock import SimulatedClock
    from local_cloud.json_api import Response
    from local_cloud.ministack_iam import Identities
    from local_cloud.sagemaker.endpoint import Endpoint
    from local_cloud.sagemaker.endpoints import Endpoints
    from local_cloud.sagemaker.resources import AsyncInferenceSettings
    from local_cloud.scope import Scope

_INTEGER: Final = re.compile("-?[0-9]+")
_ACTIONS: Final = {
    "async-invocations": "InvokeEndpointAsync",
    "invocations": "InvokeEndpoint",
    "invocations-response-stream": "InvokeEndpointWithResponseStream",
}
_FORBIDDEN: Final = 403
_ACCEPTED: Final = 202
_REST_JSON: Final = "application/json"


class RuntimeApi:
    """The operations of ``sagemaker-runtime``.

    Args:
        clock: of the moments at which requests arrive.
        endpoints: where they go.
        assumptions: what AWS leaves open.
        identities: tells what callers may do.
    """

    def __init__(
        self, clock: SimulatedClock, endpoints: Endpoints, assumptions: Assumptions, identities: Identities
    ) -> None:
        self._identities = identities
        self._clock = clock
        self._endpoints = endpoints
        self._assumptions = assumptions
        self._submissions = RateLimit(THROTTLED_SUBMISSIONS_PER_SECOND)

    async def respond(self, scope: Scope, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Response:
        """Answer a request; header names are lower case."""
        try:
            return self._respond(scope, method, path, headers, body)
        except Exception as error:  # noqa: BLE001 - whatever it was, the client has to read it as AWS's error
            return error_response(_runtime_error(error), content_type=_REST_JSON)

    def _respond(self, scope: Scope, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Response:
        match = RUNTIME_PATH.fullmatch(path)
        if method != "POST" or match is None:
            raise AwsError("UnknownOperationException", f"the local cloud does not implement {method} {path}")
        if "authorization" not in headers:
            raise AwsError("MissingAuthenticationToken", "Missing Authentication Token", status=_FORBIDDEN)
        name = unquote(match["endpoint"])
        action, arn = _ACTIONS[match["operation"]], scope.arn("sagemaker", f"endpoint/{name.lower()}")
        self._identities.require(scope, headers, [Grant(f"sagemaker:{action}", arn)])
        if action != "InvokeEndpointAsync":
            self._destination(scope, name)
            raise _validation_error(f"Endpoint {name} is asynchronous: it takes InvokeEndpointAsync only.")
        if self._assumptions.submissions_are_throttled and not self._submissions.takes(scope):
            raise AwsError("ThrottlingException", "Rate exceeded")
        members = request_members(name, headers, body)
        check(input_shape("sagemaker-runtime", "InvokeEndpointAsync"), members)
        if ("Body" in members) == ("InputLocation" in members):
            raise _validation_error("Exactly one of Body and InputLocation must be provided.")
        endpoint, settings = self._destination(scope, name)
        request = self._request(settings, members)
        endpoint.submit(request)
        return _accepted(request)

    def _destination(self, scope: Scope, name: str) -> tuple[Endpoint, AsyncInferenceSettings]:
        known = {endpoint.name: endpoint for endpoint in self._endpoints.in_scope(scope)}
        endpoint = known.get(name)
        if endpoint is None:
            raise _validation_error(f"Endpoint {name} of account {scope.account} not found.")
        if endpoint.status not in ("InService", "Updating", "RollingBack"):
            raise _validation_error(f"Endpoint {name} of account {scope.account} is not InService.")
        if endpoint.config.asynchronous is None:
            raise _validation_error(f"Endpoint {name} is not asynchronous.")
        return endpoint, endpoint.config.asynchronous

    def _request(self, settings: AsyncInferenceSettings, members: Mapping[str, Any]) -> AsyncRequest:
        generated, extension = str(uuid.uuid4()), members.get("S3OutputPathExtension")
        return AsyncRequest(
            inference_id=members.get("InferenceId") or str(uuid.uuid4()),
            received_at=self._clock.now(),
            ttl_seconds=members.get("RequestTTLSeconds", DEFAULT_REQUEST_TTL_SECONDS),
            timeout_seconds=members.get("InvocationTimeoutSeconds", DEFAULT_INVOCATION_TIMEOUT_SECONDS),
            output_location=output_location(settings, generated, extension=extension, filename=members.get("Filename")),
            failure_location=failure_location(
                settings, generated, extension=extension if self._assumptions.failures_follow_extension else None
            ),
            body=members.get("Body"),
            input_location=members.get("InputLocation"),
            content_type=members.get("ContentType"),
            accept=members.get("Accept"),
            custom_attributes=members.get("CustomAttributes"),
        )


def request_members(endpoint_name: str, headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
    """Return the members of an ``InvokeEndpointAsync``, read from where its service model puts them.

    Raises:
        AwsError: a number is none.
    """
    members: dict[str, Any] = {"EndpointName": endpoint_name} | ({"Body": body} if body else {})
    for name, shape in input_shape("sagemaker-runtime", "InvokeEndpointAsync").members.items():
        text = headers.get(str(shape.serialization.get("name", "")).lower())
        if shape.serialization.get("location") == "header" and text is not None:
            members[name] = _number(name, text) if shape.type_name == "integer" else text
    return members


def _number(name: str, text: str) -> int:
    if not _INTEGER.fullmatch(text):
        raise _validation_error(f"{name} is no integer: {text}")
    return int(text)


def _runtime_error(error: Exception) -> AwsError:
    """Return ``error`` under the runtime's code for it."""
    refusal = aws_error(error)
    # The runtime's one error for bad input has another name than the control API's.
    code = "ValidationError" if refusal.code == "ValidationException" else refusal.code
    status = _FORBIDDEN if code == "AccessDeniedException" else refusal.status
    return AwsError(code, refusal.message, status=status)


def _validation_error(message: str) -> AwsError:
    return AwsError("ValidationError", message)


def _accepted(request: AsyncRequest) -> Response:
    locations = {"X-Amzn-SageMaker-OutputLocation": request.output_location}
    if request.failure_location is not None:
        locations["X-Amzn-SageMaker-FailureLocation"] = request.failure_location
    return json_response(_ACCEPTED, {"InferenceId": request.inference_id}, locations, content_type=_REST_JSON)
