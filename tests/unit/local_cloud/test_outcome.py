"""How a container's answer is read."""

from __future__ import annotations

import pytest

from local_cloud.sagemaker.outcome import failed_outcome, no_response_outcome, response_outcome

HEADERS = {"content-type": "application/json", "content-length": "2"}


def test_a_response_with_a_length_is_a_success() -> None:
    """The content and its type are the container's."""
    outcome = response_outcome(200, HEADERS, b"{}")
    assert outcome.succeeded
    assert (outcome.content, outcome.content_type) == (b"{}", "application/json")


@pytest.mark.parametrize(
    ("status", "words"), [(302, "client error (302)"), (400, "client error (400)"), (503, "server error (503)")]
)
def test_an_error_status_is_a_failure_with_the_raw_body(status: int, words: str) -> None:
    """Nobody interprets a container's error."""
    outcome = response_outcome(status, HEADERS, b"\xff")
    assert f"ClientError: Received {words} from model." in str(outcome.failure_reason)
    assert outcome.content == b"\xff"


def test_a_response_without_length_is_a_failure() -> None:
    """SageMaker wants a Content-Length of asynchronous containers."""
    outcome = response_outcome(200, {"transfer-encoding": "chunked"}, b"ok")
    assert not outcome.succeeded
    assert "Content-Length" in str(outcome.failure_reason)


def test_a_response_with_oversized_headers_is_a_failure() -> None:
    """What 4096 bytes do not hold is not taken."""
    outcome = response_outcome(200, HEADERS | {"x-trace": "x" * 4096}, b"ok")
    assert "server error (0)" in str(outcome.failure_reason)


def test_a_response_without_type_is_of_unknown_bytes() -> None:
    """The output object needs a type."""
    assert response_outcome(200, {"content-length": "0"}, b"").content_type == "application/octet-stream"


def test_no_response_is_a_server_error_of_status_zero() -> None:
    """Users see this where the container died."""
    assert "Received server error (0) from model." in str(no_response_outcome().failure_reason)


def test_the_reason_stands_in_for_a_missing_body() -> None:
    """A failure object is never empty."""
    assert failed_outcome("ClientError: why").content == b"ClientError: why"
