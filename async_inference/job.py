"""The handle of one submitted request, which another process can pick up."""

from __future__ import annotations

from dataclasses import InitVar, dataclass, field
from datetime import MAXYEAR, MINYEAR, UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, NoReturn

from async_inference.exceptions import AsyncInferenceError, InvalidRequest, ModelError, RequestExpired, ResultCorrupt
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
from async_inference.requests import check_seconds, check_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from async_inference.results import Result, ResultReader
    from async_inference.storage import StoredObject

SCHEMA: Final = 1
"""The newest form of a stored job that this code reads and the one that it writes."""

SLACK: Final = timedelta(minutes=5)
"""For what the service's limits leave out: writing the output, and clocks that differ."""

_MEMBERS: Final = frozenset(
    {
        "schema",
        "endpoint_name",
        "inference_id",
        "output_location",
        "failure_location",
        "submitted_at",
        "request_ttl_seconds",
        "invocation_timeout_seconds",
    }
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """One submitted request, in the shape of :class:`concurrent.futures.Future`.

    Made by :meth:`AsyncEndpoint.submit` and :meth:`AsyncEndpoint.job`. It knows the locations that the service returned
    and the bounds that were sent; it holds no thread and nothing to close.
    """

    endpoint_name: str
    inference_id: str
    output_location: S3Location
    failure_location: S3Location | None
    """``None`` where the endpoint has no failure path: then a failed job ends as :class:`RequestExpired`."""

    submitted_at: datetime
    """When the service had accepted the request, by the clock of the machine that submitted it."""

    request_ttl_seconds: int
    invocation_timeout_seconds: int
    results: InitVar[ResultReader]
    """What looks for the outcome."""

    _results: ResultReader = field(init=False, repr=False, compare=False)

    def __post_init__(self, results: ResultReader) -> None:
        object.__setattr__(self, "_results", results)

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            "a Job cannot be pickled or copied, since it holds connections: "
            "pass on what its to_dict() returns, and take it up there with AsyncEndpoint.job(document)"
        )

    @property
    def deadline(self) -> datetime:
        """The last moment at which an outcome can appear."""
        return self.submitted_at + timedelta(seconds=self.request_ttl_seconds + self.invocation_timeout_seconds) + SLACK

    def done(self) -> bool:
        """Whether the job has an outcome, or can have none any more; asks S3 once, without waiting.

        Raises:
            PermissionDenied: reading the outcome was refused.
            EndpointUnavailable: S3 could not be asked.
        """
        return self._results.is_done(self)

    def result(self, timeout: float | None = None) -> Result:
        """Wait for the output and return it.

        Args:
            timeout: Seconds to wait at most; ``None`` waits as long as an outcome can appear, until :attr:`deadline`.
                0 or less asks once.

        Raises:
            ModelError: the model failed.
            ResultTimeout: ``timeout`` passed; the job goes on.
            RequestExpired: :attr:`deadline` has passed without an outcome.
            ResultCorrupt: the output is empty.
            PermissionDenied: reading the outcome was refused, twice in a row.
            EndpointUnavailable: S3 could not be asked.
        """
        return self._results.result(self, timeout)

    def locate(self, timeout: float | None = None) -> StoredObject:
        """Wait for the output and return where it is, its size and its type, without loading it.

        Args:
            timeout: As for :meth:`result`, whose errors it raises too.
        """
        return self._results.locate(self, timeout)

    def exception(self, timeout: float | None = None) -> AsyncInferenceError | None:
        """Wait for the outcome and return the error that it is, or ``None`` if it is a result.

        Args:
            timeout: As for :meth:`result`.

        Raises:
            ResultTimeout: ``timeout`` passed; the job goes on.
            PermissionDenied: reading the outcome was refused, twice in a row.
            EndpointUnavailable: S3 could not be asked.
        """
        try:
            self.locate(timeout)
        except (ModelError, RequestExpired, ResultCorrupt) as error:
            return error
        return None

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON-able form that :meth:`AsyncEndpoint.job` takes, in this process or another."""
        return {
            "schema": SCHEMA,
            "endpoint_name": self.endpoint_name,
            "inference_id": self.inference_id,
            "output_location": str(self.output_location),
            "failure_location": None if self.failure_location is None else str(self.failure_location),
            "submitted_at": self.submitted_at.isoformat(),
            "request_ttl_seconds": self.request_ttl_seconds,
            "invocation_timeout_seconds": self.invocation_timeout_seconds,
        }

    @classmethod
    def from_dict(cls, document: Mapping[str, Any], results: ResultReader) -> Job:
        """Read the form that :meth:`to_dict` writes.

        Callers use :meth:`AsyncEndpoint.job`, which also checks that the job is the endpoint's own.

        Raises:
            InvalidRequest: the document is of another schema, or one of its members is missing, unknown or malformed.
        """
        _check_members(document)
        check_text("job.endpoint_name", document["endpoint_name"], ENDPOINT_NAME_LENGTH, ENDPOINT_NAME_PATTERN)
        check_text("job.inference_id", document["inference_id"], INFERENCE_ID_LENGTH, INFERENCE_ID_PATTERN)
        check_seconds("job.request_ttl_seconds", document["request_ttl_seconds"], REQUEST_TTL_SECONDS)
        check_seconds(
            "job.invocation_timeout_seconds", document["invocation_timeout_seconds"], INVOCATION_TIMEOUT_SECONDS
        )
        failure = document["failure_location"]
        return cls(
            endpoint_name=document["endpoint_name"],
            inference_id=document["inference_id"],
            output_location=S3Location.parse(document["output_location"], field="job.output_location"),
            failure_location=None if failure is None else S3Location.parse(failure, field="job.failure_location"),
            submitted_at=_moment(document["submitted_at"]),
            request_ttl_seconds=document["request_ttl_seconds"],
            invocation_timeout_seconds=document["invocation_timeout_seconds"],
            results=results,
        )


def _check_members(document: object) -> None:
    if not isinstance(document, dict):
        raise InvalidRequest(f"job: got {type(document).__name__}, expected the object that to_dict() returned")
    schema = document.get("schema")
    if type(schema) is not int or schema != SCHEMA:
        raise InvalidRequest(f"job.schema: got {shown(str(schema))}, this version of async_inference reads {SCHEMA}")
    for problem, names in (("missing", _MEMBERS - set(document)), ("unknown", set(document) - _MEMBERS)):
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
