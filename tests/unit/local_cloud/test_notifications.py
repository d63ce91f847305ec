"""What the topics are told."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from local_cloud.sagemaker.notifications import MAX_RESPONSE_BYTES, TEST_NOTIFICATION, result_notification
from local_cloud.sagemaker.outcome import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable

    from local_cloud.sagemaker.async_request import AsyncRequest


def notification(request: AsyncRequest, outcome: Outcome, *, include_response: bool = False) -> dict[str, Any]:
    """Return the message of an endpoint called ``ocr``."""
    return result_notification(
        request,
        outcome,
        endpoint_name="ocr",
        region="us-east-1",
        completed_at=1_759_044_523.333,
        include_response=include_response,
    )


def test_a_success_has_the_documented_members(make_request: Callable[..., AsyncRequest]) -> None:
    """Optional members of the request appear where the request had them."""
    request = make_request(
        received_at=1_759_044_523.203,
        body=None,
        input_location="s3://bucket/input/x",
        accept="application/json",
        content_type="image/png",
        custom_attributes="a=b",
    )
    outcome = Outcome(content=b"{}", content_type="application/json", status=200)
    expected = {
        "awsRegion": "us-east-1",
        "eventTime": "2025-09-28T07:28:43.333Z",
        "receivedTime": "2025-09-28T07:28:43.203Z",
        "invocationStatus": "Completed",
        "requestParameters": {
            "accept": "application/json",
            "contentType": "image/png",
            "customAttributes": "a=b",
            "endpointName": "ocr",
            "inputLocation": "s3://bucket/input/x",
        },
        "responseParameters": {"contentType": "application/json", "outputLocation": "s3://bucket/output/u.out"},
        "inferenceId": "id",
        "eventVersion": "1.0",
        "eventSource": "aws:sagemaker",
        "eventName": "InferenceResult",
    }
    assert expected == notification(request, outcome)


def test_a_failure_has_a_reason_and_no_response_parameters(make_request: Callable[..., AsyncRequest]) -> None:
    """Handlers that read the output location first break on failures, as they do on AWS."""
    outcome = Outcome(content=b"", content_type="text/plain", failure_reason="ClientError: why")
    request = make_request(received_at=1_759_044_523.203, body=None, input_location="s3://bucket/input/x")
    expected = {
        "awsRegion": "us-east-1",
        "eventTime": "2025-09-28T07:28:43.333Z",
        "receivedTime": "2025-09-28T07:28:43.203Z",
        "invocationStatus": "Failed",
        "failureReason": "ClientError: why",
        "requestParameters": {"endpointName": "ocr", "inputLocation": "s3://bucket/input/x"},
        "inferenceId": "id",
        "eventVersion": "1.0",
        "eventSource": "aws:sagemaker",
        "eventName": "InferenceResult",
    }
    assert expected == notification(request, outcome)


def test_the_response_is_included_where_asked_for(make_request: Callable[..., AsyncRequest]) -> None:
    """The content travels as base64."""
    outcome = Outcome(content=b"\xff\x00", content_type="image/png", status=200)
    body = notification(make_request(), outcome, include_response=True)["responseBody"]
    assert body["encoding"] == "BASE64"
    assert base64.b64decode(body["content"]) == b"\xff\x00"


def test_a_large_response_is_not_included(make_request: Callable[..., AsyncRequest]) -> None:
    """Above 128 KB the caller reads from S3."""
    for surplus in (0, 1):
        outcome = Outcome(content=b"x" * (MAX_RESPONSE_BYTES + surplus), content_type="text/plain", status=200)
        assert ("responseBody" in notification(make_request(), outcome, include_response=True)) == (surplus == 0)
    assert MAX_RESPONSE_BYTES == 128 * 1024


def test_a_test_notification_has_no_inference_id() -> None:
    """Handlers have to know it by its event's name."""
    assert TEST_NOTIFICATION == {"eventVersion": "1.0", "eventSource": "aws:sagemaker", "eventName": "TestNotification"}
