"""What SageMaker tells the success and error topics of an asynchronous endpoint.

The forms are those that users have posted; AWS documents the successful one. ``failureLocation`` appears in none.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any, Final

from local_cloud.clock import iso_timestamp

if TYPE_CHECKING:
    from local_cloud.sagemaker.async_request import AsyncRequest
    from local_cloud.sagemaker.outcome import Outcome

MAX_RESPONSE_BYTES: Final = 128 * 1024
"""The largest response that a notification includes."""

TEST_NOTIFICATION: Final[dict[str, Any]] = {
    "eventVersion": "1.0",
    "eventSource": "aws:sagemaker",
    "eventName": "TestNotification",
}
"""Sent to both topics whenever an endpoint is created, updated or scaled."""


def result_notification(
    request: AsyncRequest,
    outcome: Outcome,
    *,
    endpoint_name: str,
    region: str,
    completed_at: float,
    include_response: bool,
) -> dict[str, Any]:
    """Return the message about the end of ``request``."""
    message: dict[str, Any] = {
        "awsRegion": region,
        "eventTime": iso_timestamp(completed_at),
        "receivedTime": iso_timestamp(request.received_at),
        "invocationStatus": "Completed" if outcome.succeeded else "Failed",
        "requestParameters": _request_parameters(request, endpoint_name),
        "inferenceId": request.inference_id,
        "eventVersion": "1.0",
        "eventSource": "aws:sagemaker",
        "eventName": "InferenceResult",
    }
    if outcome.succeeded:
        message["responseParameters"] = {"contentType": outcome.content_type, "outputLocation": request.output_location}
    else:
        message["failureReason"] = outcome.failure_reason
    if include_response and len(outcome.content) <= MAX_RESPONSE_BYTES:
        message["responseBody"] = _response_body(outcome.content)
    return message


def _request_parameters(request: AsyncRequest, endpoint_name: str) -> dict[str, str]:
    optional = {
        "accept": request.accept,
        "contentType": request.content_type,
        "customAttributes": request.custom_attributes,
        "inputLocation": request.input_location,
    }
    return {"endpointName": endpoint_name} | {name: value for name, value in optional.items() if value is not None}


def _response_body(content: bytes) -> dict[str, str]:
    return {
        "content": base64.b64encode(content).decode(),
        "message": "Check S3 path location(if configured) or Cloudwatch for additional details.",
        "encoding": "BASE64",
    }
