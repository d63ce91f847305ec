"""The stored form of a job, read and checked member by member: it may come from anywhere."""

from __future__ import annotations

from datetime import MAXYEAR, MINYEAR, UTC, datetime
from typing import TYPE_CHECKING, Final, TypedDict

from async_inference.exceptions import InvalidRequest
from async_inference.limits import (
    ENDPOINT_NAME_LENGTH,
    ENDPOINT_NAME_PATTERN,
    INFERENCE_ID_LENGTH,
    INFERENCE_ID_PATTERN,
    INVOCATION_TIMEOUT_SECONDS,
    REQUEST_TTL_SECONDS,
)
from async_inference.locations import S3Location
from async_inference.messages import shown
from async_inference.submitting.requests import check_seconds, check_text

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

SCHEMA: Final = 1
"""The newest form of a stored job that this code reads and the one that it writes."""


class JobFields(TypedDict):
    """What a job is made of."""

    endpoint_name: str
    inference_id: str
    output_location: S3Location
    failure_location: S3Location | None
    submitted_at: datetime
    request_ttl_seconds: int
    invocation_timeout_seconds: int


def read(document: Mapping[str, Any]) -> JobFields:
    """Return the fields of the job of which ``document`` is the stored form.

    Raises:
        InvalidRequest: the document is of another schema, or one of its members is missing, unknown or malformed.
    """
    _check_members(document)
    check_text(
        "job.endpoint_name",
        document["endpoint_name"],
        ENDPOINT_NAME_LENGTH,
        ENDPOINT_NAME_PATTERN,
        fault="has characters other than letters, digits and hyphens between them",
    )
    check_text("job.inference_id", document["inference_id"], INFERENCE_ID_LENGTH, INFERENCE_ID_PATTERN)
    check_seconds("job.request_ttl_seconds", document["request_ttl_seconds"], REQUEST_TTL_SECONDS)
    check_seconds("job.invocation_timeout_seconds", document["invocation_timeout_seconds"], INVOCATION_TIMEOUT_SECONDS)
    failure = document["failure_location"]
    return JobFields(
        endpoint_name=document["endpoint_name"],
        inference_id=document["inference_id"],
        output_location=S3Location.parse(document["output_location"], field="job.output_location"),
        failure_location=None if failure is None else S3Location.parse(failure, field="job.failure_location"),
        submitted_at=_moment(document["submitted_at"]),
        request_ttl_seconds=document["request_ttl_seconds"],
        invocation_timeout_seconds=document["invocation_timeout_seconds"],
    )


def _check_members(document: object) -> None:
    if not isinstance(document, dict):
        raise InvalidRequest(f"job: got {type(document).__name__}, expected the object that to_dict() returned")
    schema = document.get("schema")
    if type(schema) is not int or schema != SCHEMA:
        raise InvalidRequest(f"job.schema: got {shown(str(schema))}, this version of async_inference reads {SCHEMA}")
    members = {"schema", *JobFields.__annotations__}
    for problem, names in (("missing", members - set(document)), ("unknown", set(document) - members)):
        if names:
            raise InvalidRequest(f"job: the member {shown(min(map(str, names)))} is {problem}")


def _moment(value: object) -> datetime:
    """Read a moment with its offset from UTC, of an age to which a deadline can be added."""
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None or not MINYEAR < moment.year < MAXYEAR:
        raise InvalidRequest("job.submitted_at: expected a moment like 2026-01-31T12:00:00+00:00")
    return moment.astimezone(UTC)
