"""What a job came to: its result, its failure, or that there is neither.

SageMaker has no status API. A job is finished when an object appears at the output or at the failure location that the
service returned for it; both are looked at in each round, in one loop with one deadline.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, replace
from datetime import timedelta
from email.message import Message
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypeVar

from async_inference import downloads, waiting
from async_inference.exceptions import (
    AsyncInferenceError,
    ModelError,
    PermissionDenied,
    RequestExpired,
    ResultCorrupt,
    ResultTimeout,
)
from async_inference.messages import shown

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import BinaryIO

    from async_inference.clock import Clock
    from async_inference.job import Job
    from async_inference.locations import S3Location
    from async_inference.storage import Body, ObjectStore, StoredObject
    from async_inference.waiting import PollingPolicy
    from async_inference.watching.watcher import Watcher

Answer = TypeVar("Answer")
Decoded = TypeVar("Decoded")
Decoder: TypeAlias = "Callable[[bytes, str | None], Decoded]"
"""Makes of an output's content and content type what its caller works with."""

_LONGEST_EXCERPT: Final = 300
"""Characters of the model's words in an error's message."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """What the model answered.

    Example:
        >>> result = job.result()
        >>> result.content_type, len(result.content)
        ('application/json', 19)
        >>> str(result.location)
        's3://payloads-bucket/output/...out'
    """

    job: Job
    location: S3Location
    content: bytes
    content_type: str | None

    def json(self) -> Any:  # noqa: ANN401 - what a model answers is for the caller to know
        """Return the content, decoded as JSON.

        Raises:
            ResultCorrupt: it is no JSON; the error keeps the bytes.

        Example:
            >>> job.result().json()
            {'text': 'Grüße'}
        """
        try:
            return json.loads(self.content)
        except (ValueError, RecursionError) as error:
            raise ResultCorrupt(
                f"the output {self.location} is not JSON: {error}", job=self.job, content=self.content
            ) from error

    def text(self) -> str:
        """Return the content as text, in the encoding that its content type names, or else in UTF-8.

        Raises:
            ResultCorrupt: it is no such text; the error keeps the bytes.

        Example:
            >>> job.result().text()
            '{"text": "Grüße"}'
        """
        header = Message()
        header["Content-Type"] = self.content_type or ""
        charset = header.get_content_charset() or "utf-8"
        try:
            return self.content.decode(charset)
        except (LookupError, ValueError) as error:  # LookupError: nobody knows the encoding
            raise ResultCorrupt(
                f"the output {self.location} is not text in {shown(charset)}", job=self.job, content=self.content
            ) from error

    def decode(self, decoder: Decoder[Decoded]) -> Decoded:
        """Return what ``decoder`` makes of the content and the content type.

        Raises:
            ResultCorrupt: it raised an error, which is the cause of this one; the error keeps the bytes.

        Example:
            >>> job.result().decode(lambda content, content_type: (content_type, len(content)))
            ('application/json', 19)
        """
        try:
            return decoder(self.content, self.content_type)
        except Exception as error:
            # Its words may quote the content, which a message must not.
            raise ResultCorrupt(
                f"the output {self.location} cannot be decoded: its decoder raised {type(error).__name__}",
                job=self.job,
                content=self.content,
            ) from error


class ResultReader:
    """Looks for the outcomes of jobs, and waits for them."""

    def __init__(self, objects: ObjectStore, *, polling: PollingPolicy, clock: Clock, watcher: Watcher) -> None:
        self.watcher = watcher
        self._objects = objects
        self._polling = polling
        self._clock = clock

    def is_done(self, job: Job) -> bool:
        """Whether there is an outcome, or none can come any more."""
        return self._clock.now() >= job.deadline.timestamp() or self._is_stored(job)

    def result(self, job: Job, timeout: float | None) -> Result:
        """Wait for the output and return it with its content."""

        def download(stored: StoredObject, body: Body) -> Result:
            return Result(job=job, location=stored.location, content=body.read(), content_type=stored.content_type)

        result = self._wait(job, timeout, download)
        _require_content(job, result.location, len(result.content))
        return result

    def locate(self, job: Job, timeout: float | None) -> StoredObject:
        """Wait for the output and return what is known of it, without its content."""
        stored = self._wait(job, timeout, lambda stored, _: stored)
        _require_content(job, stored.location, stored.size)
        return stored

    def download(self, job: Job, to: Path | BinaryIO, timeout: float | None) -> StoredObject:
        """Wait for the output and write it to ``to``, without holding it in memory."""
        write = downloads.writer(to)

        def download(stored: StoredObject, body: Body) -> StoredObject:
            _require_content(job, stored.location, stored.size)
            write(stored, body)
            return stored

        return self._wait(job, timeout, download)

    def _wait(self, job: Job, timeout: float | None, take: Callable[[StoredObject, Body], Answer]) -> Answer:
        """Ask for the output and the failure in turn until one is there, until ``timeout`` or the job's deadline."""
        deadline = job.deadline.timestamp()
        # Only this bounds retries, and not the deadline: the result of an old job deserves them too.
        until = self._clock.monotonic() + waiting.patience(timeout)
        refused = False

        def ask() -> Answer | None:
            nonlocal refused
            expired = self._clock.now() >= deadline
            try:
                answer = self._ask(job, take, until)
            except PermissionDenied:
                # A new role's permissions take seconds to spread: one refusal is believed only with the next.
                if refused or expired or self._clock.monotonic() >= until:
                    raise
                refused = True
                return None
            if answer is None and expired:
                raise _expired(job)
            refused = False
            return answer

        try:
            with self.watcher.watches.in_flight.waiting_alone(until) as waited:
                clock = replace(self._clock, sleep=waited.sleep)
                answer = waiting.wait(ask, until=until, deadline=deadline, policy=self._polling, clock=clock)
        except (ModelError, RequestExpired, ResultCorrupt):  # which are outcomes
            self.watcher.watches.dealt_with(job)
            raise
        if answer is None:
            raise timed_out(job, timeout)
        self.watcher.watches.dealt_with(job)
        return answer

    def _ask(self, job: Job, take: Callable[[StoredObject, Body], Answer], until: float) -> Answer | None:
        """Look once at the output, then at the failure, then for a notice of a failure that left no object."""
        self.watcher.require_open()
        try:
            answer = self._objects.get(job.output_location, take, until=until)
            if answer is None and job.failure_location is not None:
                body = self._objects.get(job.failure_location, lambda _, body: body.read(), until=until)
                if body is not None:
                    raise _model_error(job, body)
            reason = self.watcher.watches.reported_failure(job)
            if answer is None and reason is not None:
                raise _model_error(job, reason.encode())
        except AsyncInferenceError as error:
            error.job = job
            raise
        return answer

    def _is_stored(self, job: Job) -> bool:
        try:
            return self._ask(job, lambda *_: True, math.inf) is not None
        except ModelError:
            return True


def timed_out(job: Job, timeout: float | None) -> ResultTimeout:
    """Return what to raise where ``timeout`` has passed without an outcome of ``job``."""
    return ResultTimeout(
        f"no outcome of inference id {job.inference_id} within {timeout:g} s: "
        "it may be queued, waiting for an instance, or running",
        job=job,
    )


def excerpt(body: bytes) -> str:
    """Return the beginning of what a model said about its failure, readable and on one line."""
    words = body[: 4 * _LONGEST_EXCERPT].decode(errors="replace")
    if words.count("�") > len(words) // 10 + 1:
        return f"{len(body):,} bytes that are not text"
    line = " ".join("".join(character if character.isprintable() else " " for character in words).split())
    if not line:
        return "no explanation"
    return line if len(line) <= _LONGEST_EXCERPT else f"{line[:_LONGEST_EXCERPT]}…"


def _model_error(job: Job, body: bytes) -> ModelError:
    return ModelError(f"the model failed on inference id {job.inference_id}: {excerpt(body)}", job=job, body=body)


def _require_content(job: Job, location: S3Location, size: int) -> None:
    if size == 0:
        raise ResultCorrupt(f"the output {location} is empty", job=job)


def _expired(job: Job) -> RequestExpired:
    limit = timedelta(seconds=job.request_ttl_seconds + job.invocation_timeout_seconds)
    return RequestExpired(
        f"inference id {job.inference_id}, submitted at {job.submitted_at:%Y-%m-%dT%H:%M:%SZ}, has neither output nor "
        f"failure, though its time in the queue and its invocation timeout ({limit} in all) have passed: it expired "
        "in the queue, or its outcome was lost",
        job=job,
    )
