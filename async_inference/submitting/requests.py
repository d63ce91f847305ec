"""The fields of a request beside its payload, checked before anything is sent.

botocore checks types and minimums only, so that every other mistake would cost a round trip, or an upload.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypedDict
from uuid import uuid4

from async_inference.exceptions import InvalidRequest
from async_inference.limits import (
    HEADER_LENGTH,
    HEADER_PATTERN,
    INFERENCE_ID_LENGTH,
    INFERENCE_ID_PATTERN,
    INVOCATION_TIMEOUT_SECONDS,
    REQUEST_TTL_SECONDS,
    Bounds,
)

if TYPE_CHECKING:
    from async_inference.configuration import Limits

_HEADER_FAULT: Final = "has characters other than printable ASCII, or starts with a space"


class RequestOptions(TypedDict, total=False):
    """The fields that :meth:`AsyncEndpoint.submit` takes, for those who pass them on."""

    content_type: str | None
    accept: str | None
    custom_attributes: str | None
    inference_id: str | None
    invocation_timeout_seconds: int | None
    request_ttl_seconds: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class RequestFields:
    """The fields of one request, complete and within their bounds."""

    inference_id: str
    invocation_timeout_seconds: int
    request_ttl_seconds: int
    content_type: str | None
    accept: str | None
    custom_attributes: str | None

    @classmethod
    def checked(
        cls,
        limits: Limits,
        *,
        content_type: str | None = None,
        accept: str | None = None,
        custom_attributes: str | None = None,
        inference_id: str | None = None,
        invocation_timeout_seconds: int | None = None,
        request_ttl_seconds: int | None = None,
    ) -> RequestFields:
        """Check what the caller passed and fill in what he left out.

        Raises:
            InvalidRequest: a field is out of its bounds.
        """
        for name, value in (
            ("content_type", content_type),
            ("accept", accept),
            ("custom_attributes", custom_attributes),
        ):
            if value is not None:
                check_text(name, value, HEADER_LENGTH, HEADER_PATTERN)
        if inference_id is not None:
            check_text("inference_id", inference_id, INFERENCE_ID_LENGTH, INFERENCE_ID_PATTERN)
        return cls(
            # Always named by us: after a lost response it is the one way to recognise the request.
            inference_id=str(uuid4()) if inference_id is None else inference_id,
            invocation_timeout_seconds=_invocation_timeout(invocation_timeout_seconds, limits),
            request_ttl_seconds=_request_ttl(request_ttl_seconds, limits),
            content_type=content_type,
            accept=accept,
            custom_attributes=custom_attributes,
        )

    def parameters(self) -> dict[str, str | int]:
        """Return the parameters of ``InvokeEndpointAsync``."""
        fields: dict[str, str | int | None] = {
            "InferenceId": self.inference_id,
            "InvocationTimeoutSeconds": self.invocation_timeout_seconds,
            "RequestTTLSeconds": self.request_ttl_seconds,
            "ContentType": self.content_type,
            "Accept": self.accept,
            "CustomAttributes": self.custom_attributes,
        }
        return {name: value for name, value in fields.items() if value is not None}


def check_text(field: str, value: object, length: Bounds, pattern: str, *, fault: str = _HEADER_FAULT) -> None:
    """Refuse a text that is out of its bounds; messages do not repeat the value, which may be confidential.

    Args:
        field: What to call it.
        value: The text.
        length: Characters that it may have.
        pattern: What it has to match as a whole.
        fault: What is wrong with a text that does not.

    Raises:
        InvalidRequest: it is no text, too short, too long, or has characters that are not allowed.
    """
    if not isinstance(value, str):
        raise InvalidRequest(f"{field}: got {type(value).__name__}, expected a string")
    if len(value) not in length:
        raise InvalidRequest(f"{field}: has {len(value)} characters, {length} are allowed")
    if re.fullmatch(pattern, value) is None:
        raise InvalidRequest(f"{field}: {fault}")


def check_seconds(field: str, value: object, bounds: Bounds) -> None:
    """Refuse what is not a whole number of seconds within ``bounds``.

    Raises:
        InvalidRequest: it is not.
    """
    if value not in bounds:
        shown = value if isinstance(value, int | float) else type(value).__name__
        raise InvalidRequest(f"{field}: got {shown}, expected {bounds} seconds as a whole number")


def _invocation_timeout(value: int | None, limits: Limits) -> int:
    """Default to, and stay within, the time for which the endpoint promises not to remove a running instance."""
    if value is None:
        return limits.max_job_seconds
    check_seconds(
        "invocation_timeout_seconds", value, Bounds(INVOCATION_TIMEOUT_SECONDS.minimum, limits.max_job_seconds)
    )
    return value


def _request_ttl(value: int | None, limits: Limits) -> int:
    if value is None:
        return limits.request_ttl_seconds
    check_seconds("request_ttl_seconds", value, REQUEST_TTL_SECONDS)
    return value
