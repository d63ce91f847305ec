"""What has become of a job: what S3 knows, and where it knows nothing, what the endpoint's state lets one infer.

SageMaker has no status API. An object says for certain how a job ended; everything else is inferred, and marked so.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from async_inference.exceptions import RequestExpired, ResultTimeout

if TYPE_CHECKING:
    from async_inference.exceptions import AsyncInferenceError
    from async_inference.job import Job
    from async_inference.observation import Observation

_METRIC_DELAY_SECONDS: Final = 120.0
"""A published age of the oldest request is of the last minute or the one before."""


class JobState(StrEnum):
    """Where a job is."""

    QUEUED = "queued"
    WAKING = "waking"
    """In the queue, while instances are launched."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    EXPIRED = "expired"
    UNKNOWN = "unknown"
    """Queued or running: the endpoint's state cannot be seen, or does not tell."""


@dataclass(frozen=True, slots=True)
class JobStatus:
    """A state, how it is known, and in what words to tell it."""

    state: JobState
    reason: str
    inferred: bool = True
    """Whether it is a conclusion, and not an object in S3."""

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON-able form."""
        return {"state": str(self.state), "inferred": self.inferred, "reason": self.reason}


def ended(job: Job) -> JobStatus | None:
    """Return how ``job`` ended, by one look at S3; ``None`` while it has not.

    Raises:
        PermissionDenied: reading the outcome was refused.
        EndpointUnavailable: S3 could not be asked.
    """
    try:
        return outcome(job.exception(timeout=0))
    except ResultTimeout:
        return None


def outcome(error: AsyncInferenceError | None) -> JobStatus:
    """Return the status of a job that ended with ``error``, or with a result."""
    if error is None:
        return JobStatus(JobState.DONE, "the output is there", inferred=False)
    if isinstance(error, RequestExpired):
        return JobStatus(JobState.EXPIRED, "no outcome can come any more, and there is none")
    return JobStatus(JobState.FAILED, str(error), inferred=False)


def under_way(age_seconds: float, request_ttl_seconds: float, seen: Observation) -> JobStatus:
    """Infer where a job is that has not ended.

    Args:
        age_seconds: Since it was submitted.
        request_ttl_seconds: How long it may wait in the queue.
        seen: The endpoint now.
    """
    if seen.instances is None:
        return JobStatus(JobState.UNKNOWN, "queued or running: the endpoint's instances cannot be seen")
    if seen.instances == 0 and seen.desired_instances:
        return JobStatus(JobState.WAKING, f"{_instances(seen.desired_instances)} being launched")
    if seen.instances == 0:
        return JobStatus(JobState.QUEUED, "the endpoint has no instance yet")
    return _with_instances(age_seconds, request_ttl_seconds, seen.oldest_age_seconds)


def _with_instances(age_seconds: float, request_ttl_seconds: float, oldest_age_seconds: float | None) -> JobStatus:
    if age_seconds > request_ttl_seconds:
        return JobStatus(JobState.RUNNING, "its time in the queue is over")
    if oldest_age_seconds is None:
        return JobStatus(JobState.UNKNOWN, "queued or running: the age of the queue cannot be seen")
    if age_seconds > oldest_age_seconds + _METRIC_DELAY_SECONDS:
        return JobStatus(JobState.RUNNING, "it is older than all that is queued")
    if age_seconds < _METRIC_DELAY_SECONDS:
        return JobStatus(JobState.UNKNOWN, "queued or running: it is younger than what is known of the queue")
    return JobStatus(JobState.QUEUED, "the queue holds requests of its age")


def _instances(count: int) -> str:
    return f"{count} instance" if count == 1 else f"{count} instances"
