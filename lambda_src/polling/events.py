"""The function's events: what a caller may ask, told apart and checked for their shape.

The values of the fields are the client library's to check: it refuses every one of them before it sends anything.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from async_inference import InvalidRequest, S3Location
from async_inference.messages import shown

if TYPE_CHECKING:
    from collections.abc import Mapping

    from async_inference.submitting.payloads import Payload

SOURCES: Final = ("payload", "input_location", "job")
"""The fields of which an event has exactly one."""

FIELDS: Final = (
    "content_type",
    "accept",
    "custom_attributes",
    "inference_id",
    "invocation_timeout_seconds",
    "request_ttl_seconds",
)
"""What may accompany a payload or an input location, under the names that the client library has for it."""


@dataclass(frozen=True, slots=True)
class Submission:
    """A request to submit and wait for."""

    payload: Payload
    fields: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Continuation:
    """A job of an earlier invocation to go on waiting for."""

    job: Any


Request: TypeAlias = Submission | Continuation


def parse(event: object) -> Request:
    """Return what ``event`` asks for.

    Raises:
        InvalidRequest: it is malformed; the message is one line and names the field.
    """
    if not isinstance(event, dict):
        raise InvalidRequest(f"event: got {type(event).__name__}, expected an object with one of {', '.join(SOURCES)}")
    source = _source(event)
    fields = {name: value for name, value in event.items() if name != source}
    allowed = () if source == "job" else FIELDS
    for name in fields:
        if name not in allowed:
            raise InvalidRequest(f"{shown(name)}: unknown beside {source}, allowed are {', '.join(allowed) or 'none'}")
    if source == "job":
        return Continuation(event["job"])
    return Submission(_payload(source, event[source]), fields)


def _source(event: Mapping[str, Any]) -> str:
    sources = [name for name in SOURCES if name in event]
    if len(sources) != 1:
        got = " and ".join(sources or map(shown, event)) or "nothing"
        raise InvalidRequest(f"event: got {got}, expected exactly one of {', '.join(SOURCES)}")
    return sources[0]


def _payload(source: str, value: Any) -> Payload:  # noqa: ANN401 - whatever JSON holds
    if source == "input_location":
        return S3Location.parse(value, field="input_location")
    if isinstance(value, str) and value.startswith("s3://"):
        raise InvalidRequest("payload: a text that starts with s3:// is ambiguous: name an object as input_location")
    payload: Payload = value
    return payload
