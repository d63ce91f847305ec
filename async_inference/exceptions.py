"""Everything that this library raises on purpose, in one tree.

::

    AsyncInferenceError
    ├── ConfigurationError      what describes the endpoint cannot be used
    ├── InvalidRequest          refused before or by the service; nothing was submitted
    ├── ModelError              the model failed on this input
    ├── RequestExpired          the last moment for an outcome has passed, and there is none
    ├── ResultTimeout           the caller's patience ended first (also a TimeoutError)
    ├── PermissionDenied        names the action and the resource
    ├── ResultCorrupt           the output is not what it should be; keeps its bytes
    ├── EndpointUnavailable     AWS did not answer, or has no such endpoint
    └── BatchBusy               somebody else works on the batch, or has taken it over

Each carries the ``job`` it is about (``None`` if there is none yet) and a ``remedy``, one sentence from
:mod:`async_inference.remedies`, which tracebacks show below the message. Errors of boto3 about the caller's own set-up,
such as missing credentials, pass through unchanged.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from async_inference import remedies

if TYPE_CHECKING:
    from async_inference.job import Job


class AsyncInferenceError(Exception):
    """Base of all errors of this library.

    Attributes:
        job: The job that the error is about, or ``None``; always ``None`` in another process, after pickling.
        remedy: What to do about it, as one sentence.

    Example:
        >>> try:
        ...     failed_job.result()
        ... except AsyncInferenceError as error:
        ...     print(error)
        ...     print(error.remedy)
        the model failed on inference id failed-1: no image
        read the message and the endpoint's logs; check the input, ...
    """

    usual_remedy: ClassVar[str] = remedies.UNEXPECTED

    def __init__(self, message: str, *, job: Job | None = None, remedy: str | None = None) -> None:
        super().__init__(message)
        self.job = job
        self.remedy = remedy or self.usual_remedy
        self.add_note(f"remedy: {self.remedy}")

    def __reduce__(self) -> tuple[Any, ...]:
        # A job holds connections, which no other process can use.
        return type(self), self.args, vars(self) | {"job": None}


class ConfigurationError(AsyncInferenceError):
    """The description of the endpoint is missing, malformed or of another version.

    Example:
        >>> EndpointConfiguration.from_json("[]")
        Traceback (most recent call last):
            ...
        async_inference.exceptions.ConfigurationError: the endpoint's configuration is of type list, expected ...
    """

    usual_remedy = remedies.CONFIGURATION


class InvalidRequest(AsyncInferenceError):  # noqa: N818 - reads as what happened, like the others of this tree
    """A value that the caller passed is not allowed; the message names the field, the value and what is.

    Example:
        >>> endpoint.submit(b"page", request_ttl_seconds=59)
        Traceback (most recent call last):
            ...
        async_inference.exceptions.InvalidRequest: request_ttl_seconds: got 59, expected 60 to 21600 seconds ...
    """

    usual_remedy = remedies.INVALID_REQUEST


class ModelError(AsyncInferenceError):
    """The model failed on this input. Asking again gives the same answer, so it is never retried.

    The message holds an excerpt of what the model answered, so it may repeat parts of the input: log it with care.

    Attributes:
        body: All of what the model answered, JSON or not.

    Example:
        >>> error = failed_job.exception()
        >>> isinstance(error, ModelError) and error.body
        b'no image'
    """

    usual_remedy = remedies.MODEL_FAILED

    def __init__(self, message: str, *, job: Job | None = None, body: bytes = b"") -> None:
        super().__init__(message, job=job)
        self.body = body


class RequestExpired(AsyncInferenceError):  # noqa: N818 - likewise
    """The time to live and the invocation timeout have both passed without an output or a failure.

    Known: SageMaker no longer works on the request. Not known: whether it expired in the queue, or ended without
    leaving an object.

    Example:
        >>> type(queued_job.exception()).__name__    # some hours later
        'RequestExpired'
    """

    usual_remedy = remedies.EXPIRED


class ResultTimeout(AsyncInferenceError, TimeoutError):  # noqa: N818 - likewise
    """The caller's ``timeout`` passed first; the job goes on, and its result can still be waited for.

    Example:
        >>> try:
        ...     queued_job.result(timeout=60)
        ... except TimeoutError as error:
        ...     print(error)
        no outcome of inference id queued-1 within 60 s: it may be queued, waiting for an instance, or running
    """

    usual_remedy = remedies.STILL_PROCESSING


class PermissionDenied(AsyncInferenceError):  # noqa: N818 - likewise
    """AWS refused an action.

    Attributes:
        action: The IAM action, or actions, of which at least one is missing.
        resource: What it was to act on.

    Example:
        >>> error = PermissionDenied("...", action="s3:ListBucket", resource="arn:aws:s3:::our-payloads")
        >>> f"{error.action} on {error.resource}"
        's3:ListBucket on arn:aws:s3:::our-payloads'
    """

    usual_remedy = remedies.ACCESS_DENIED

    def __init__(
        self, message: str, *, action: str = "", resource: str = "", job: Job | None = None, remedy: str | None = None
    ) -> None:
        super().__init__(message, job=job, remedy=remedy)
        self.action = action
        self.resource = resource


class ResultCorrupt(AsyncInferenceError):  # noqa: N818 - likewise
    """The output object is empty or cannot be decoded.

    Attributes:
        content: The output's bytes as they are.

    Example:
        >>> try:
        ...     job.result(decoder=lambda content, content_type: float(content))
        ... except ResultCorrupt as error:
        ...     print(error.content.decode())
        {"text": "Grüße"}
    """

    usual_remedy = remedies.RESULT_CORRUPT

    def __init__(self, message: str, *, job: Job | None = None, content: bytes = b"") -> None:
        super().__init__(message, job=job)
        self.content = content


class EndpointUnavailable(AsyncInferenceError):  # noqa: N818 - likewise
    """AWS could not be asked in time, kept failing, does not know the endpoint, or answers what cannot be used.

    Attributes:
        submission_unknown: True if a request was sent and it cannot be known whether it was accepted. It is then
            never sent again by this library, because a second request is a second inference.
        inference_id: The id of a request that was, or may have been, accepted, with which its notification can be
            recognised; otherwise ``None``.

    Example:
        >>> try:
        ...     job = endpoint.submit(b"page")
        ... except EndpointUnavailable as error:
        ...     if error.submission_unknown:
        ...         print(f"{error.inference_id} may be on its way")
    """

    usual_remedy = remedies.UNAVAILABLE

    def __init__(
        self,
        message: str,
        *,
        job: Job | None = None,
        remedy: str | None = None,
        submission_unknown: bool = False,
        inference_id: str | None = None,
    ) -> None:
        super().__init__(message, job=job, remedy=remedy)
        self.submission_unknown = submission_unknown
        self.inference_id = inference_id


class BatchBusy(AsyncInferenceError):  # noqa: N818 - likewise
    """Somebody else works on the batch, or has taken it over while this process did.

    Attributes:
        owner: Who, as host and process.
        silent_seconds: How long ago that owner's last sign of life is, by S3's clock; 0 where it has taken over.

    Example:
        >>> error = BatchBusy("...", owner="worker-7, process 4711", silent_seconds=12.0)
        >>> f"{error.owner}, {error.silent_seconds:.0f} s ago"
        'worker-7, process 4711, 12 s ago'
    """

    usual_remedy = remedies.BATCH_BUSY

    def __init__(self, message: str, *, job: Job | None = None, owner: str = "", silent_seconds: float = 0.0) -> None:
        super().__init__(message, job=job)
        self.owner = owner
        self.silent_seconds = silent_seconds
