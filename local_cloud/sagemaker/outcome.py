"""How an invocation ended, in the words that SageMaker has for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

SEE_LOGS: Final = "See the SageMaker Endpoint logs in your account for more information."
"""How SageMaker ends what it says of a container's error."""

MAX_RESPONSE_HEADER_BYTES: Final = 4096
"""Beyond it the headers of a container's response are not taken. Source: users of AWS's vLLM container (deep-learning
containers issue 4668); what the caller sees then is decided here: as if there had been no response."""

_SUCCESSES: Final = range(200, 300)
_FIRST_SERVER_ERROR: Final = 500


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """The end of an invocation.

    Attributes:
        content: the container's response, or what takes its place where there is none.
        content_type: of the response.
        failure_reason: ``None`` for a success.
        status: of the container's response; 0 where there is none.
    """

    content: bytes
    content_type: str
    failure_reason: str | None = None
    status: int = 0

    @property
    def succeeded(self) -> bool:
        """Whether the container answered with a result."""
        return self.failure_reason is None


def response_outcome(status: int, headers: Mapping[str, str], content: bytes) -> Outcome:
    """Return the outcome of a container's response; header names are lower case."""
    if sum(len(f"{name}: {value}\r\n") for name, value in headers.items()) > MAX_RESPONSE_HEADER_BYTES:
        return no_response_outcome()
    content_type = headers.get("content-type", "application/octet-stream")
    if status not in _SUCCESSES:
        side = "server" if status >= _FIRST_SERVER_ERROR else "client"
        reason = f"ClientError: Received {side} error ({status}) from model. {SEE_LOGS}"
    elif "content-length" not in headers:
        reason = "ClientError: The response from model did not specify the required Content-Length header."
    else:
        reason = None
    return Outcome(content=content, content_type=content_type, failure_reason=reason, status=status)


def no_response_outcome() -> Outcome:
    """Return the outcome of an invocation that the container died in or did not end in time."""
    return failed_outcome(f"ClientError: Received server error (0) from model. {SEE_LOGS}")


def failed_outcome(reason: str) -> Outcome:
    """Return the outcome of an invocation that failed without a response: the reason stands in its place."""
    return Outcome(content=reason.encode(), content_type="text/plain; charset=utf-8", failure_reason=reason)
