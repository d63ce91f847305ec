"""One attempt of an item: submitting it, and finding out what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from botocore.exceptions import BotoCoreError

from async_inference import aws_errors, job_documents
from async_inference.batches.events import Accepted, Failed, Refused, Succeeded, Unknown
from async_inference.exceptions import (
    AsyncInferenceError,
    EndpointUnavailable,
    InvalidRequest,
    ModelError,
    PermissionDenied,
    RequestExpired,
    ResultCorrupt,
    ResultTimeout,
)
from async_inference.submitting.naming import OutputName

if TYPE_CHECKING:
    from async_inference.batches.context import Context
    from async_inference.batches.events import Event, Intended
    from async_inference.batches.items import Item
    from async_inference.batches.naming import Names
    from async_inference.batches.options import Options
    from async_inference.job import Job

_LOOKING_SECONDS: Final = 60.0
"""How patiently to ask for an outcome that is said to be there."""


@dataclass(frozen=True, slots=True)
class Submission:
    """What became of submitting an attempt."""

    events: tuple[Event, ...]
    error: Exception | None = None
    """Why it was not simply accepted or refused for its input."""

    may_pass: bool = False
    """Whether ``error`` may pass by itself."""


class Attempts:
    """The attempts of one batch.

    Args:
        context: The endpoint.
        names: Of the batch.
        options: Likewise.
    """

    def __init__(self, context: Context, names: Names, options: Options) -> None:
        self.context = context
        self.options = options
        self._names = names
        limits = context.configuration.limits
        self.request_ttl_seconds = options.request_ttl_seconds or limits.request_ttl_seconds
        # The endpoint may have been deployed with a shorter limit since; deadlines go by what was recorded.
        self.longest_job_seconds = options.invocation_timeout_seconds or limits.max_job_seconds
        self._invocation_timeout_seconds = min(self.longest_job_seconds, limits.max_job_seconds)

    def submit(self, intended: Intended, item: Item) -> Submission:
        """Submit an attempt, once, and return what to record of it. Raises nothing that AWS may cause."""
        refused = Refused(intended.item, intended.attempt)
        try:
            return Submission((self._accepted(intended, self._send(intended, item)),))
        except InvalidRequest as error:
            if self._is_closed():
                return Submission((refused,), error)
            return Submission((refused, failed(intended, item.name, error)))
        except EndpointUnavailable as error:
            return self._unavailable(intended, error)
        except (PermissionDenied, BotoCoreError) as error:
            return Submission((refused,), error)

    def job(self, attempt: Accepted | Unknown) -> Job:
        """Return the handle of an attempt; that of an unknown one looks where its output should be.

        Raises:
            InvalidRequest: its locations are not the endpoint's.
        """
        if isinstance(attempt, Accepted):
            output, failure = attempt.output, attempt.failure
        else:
            output, failure = str(self._names.expected_output(attempt.item, attempt.attempt)), None
        return self.context.job(
            {
                "schema": job_documents.SCHEMA,
                "endpoint_name": self.context.configuration.endpoint_name,
                "inference_id": self._names.inference_id(attempt.item, attempt.attempt),
                "output_location": output,
                "failure_location": failure,
                "submitted_at": datetime.fromtimestamp(attempt.at, UTC).isoformat(),
                "request_ttl_seconds": self.request_ttl_seconds,
                "invocation_timeout_seconds": self.longest_job_seconds,
            }
        )

    def outcome(self, attempt: Accepted | Unknown, job: Job, name: str) -> Succeeded | Failed | None:
        """Return what came of an attempt that is said to have ended; ``None`` if that is not so.

        Raises:
            PermissionDenied: the outcome may not be read.
            EndpointUnavailable: S3 could not be asked.
        """
        try:
            stored = job.locate(timeout=_LOOKING_SECONDS)
        except ResultTimeout:
            return None
        except (ModelError, RequestExpired, ResultCorrupt) as error:
            return failed(attempt, name, error)
        return Succeeded(attempt.item, attempt.attempt, name, str(stored.location), stored.content_type)

    def _send(self, intended: Intended, item: Item) -> Job:
        filename = self._names.filename(intended.item, intended.attempt)
        return self.context.submit(
            item.payload,
            content_type=item.content_type,
            accept=self.options.accept,
            custom_attributes=self.options.custom_attributes,
            inference_id=self._names.inference_id(intended.item, intended.attempt),
            invocation_timeout_seconds=self._invocation_timeout_seconds,
            request_ttl_seconds=self.request_ttl_seconds,
            output_name=OutputName(self._names.output_extension, filename),
        )

    def _accepted(self, intended: Intended, job: Job) -> Accepted:
        failure = None if job.failure_location is None else str(job.failure_location)
        return Accepted(
            intended.item, intended.attempt, str(job.output_location), failure, job.submitted_at.timestamp()
        )

    def _unavailable(self, intended: Intended, error: EndpointUnavailable) -> Submission:
        unknown = Unknown(intended.item, intended.attempt, self.context.clock.now())
        if error.submission_unknown:
            return Submission((unknown,), error, may_pass=True)
        if error.inference_id is not None:
            # It was accepted, but nobody can wait for it: so would every other item be, until somebody looks into it.
            return Submission((unknown,), error)
        cause = error.__cause__
        may_pass = isinstance(cause, Exception) and aws_errors.is_transient(cause)
        return Submission((Refused(intended.item, intended.attempt),), error, may_pass=may_pass)

    def _is_closed(self) -> bool:
        """Whether it is the endpoint that refuses, whatever it is sent."""
        try:
            self.context.require_open()
        except InvalidRequest:
            return True
        return False


def failed(attempt: Intended | Accepted | Unknown, name: str, error: AsyncInferenceError) -> Failed:
    """Return the settlement that an error means."""
    return Failed(attempt.item, attempt.attempt, name, type(error).__name__, str(error))
