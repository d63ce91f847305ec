"""The handle of one submitted request, which another process can pick up."""

from __future__ import annotations

from dataclasses import InitVar, dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, NoReturn, TypeVar, overload

from async_inference import job_documents
from async_inference.exceptions import AsyncInferenceError, InvalidRequest, ModelError, RequestExpired, ResultCorrupt
from async_inference.watching.waiter import Waiter

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime
    from pathlib import Path
    from typing import BinaryIO

    from async_inference.locations import S3Location
    from async_inference.results import Decoder, Result, ResultReader
    from async_inference.storage import StoredObject
    from async_inference.watching.watcher import Watcher

Decoded = TypeVar("Decoded")

SLACK: Final = timedelta(minutes=5)
"""For what the service's limits leave out: writing the output, and clocks that differ."""


@dataclass(frozen=True, kw_only=True, slots=True, weakref_slot=True)
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
        """The last moment at which an outcome can appear.

        Example:
            >>> str(job.deadline - job.submitted_at)    # time in the queue, invocation timeout, five minutes of slack
            '2:35:00'
        """
        return self.submitted_at + timedelta(seconds=self.request_ttl_seconds + self.invocation_timeout_seconds) + SLACK

    def done(self) -> bool:
        """Whether the job has an outcome, or can have none any more; asks S3 once, without waiting.

        Raises:
            PermissionDenied: reading the outcome was refused.
            EndpointUnavailable: S3 could not be asked.

        Example:
            >>> job.done(), failed_job.done(), queued_job.done()
            (True, True, False)
        """
        return self._results.is_done(self)

    @overload
    def result(self, timeout: float | None = None, *, decoder: None = None) -> Result: ...

    @overload
    def result(self, timeout: float | None = None, *, decoder: Decoder[Decoded]) -> Decoded: ...

    def result(self, timeout: float | None = None, *, decoder: Decoder[Decoded] | None = None) -> Result | Decoded:
        """Wait for the output and return it, with its content in memory.

        Args:
            timeout: Seconds to wait at most; ``None`` waits as long as an outcome can appear, until :attr:`deadline`.
                0 or less asks once.
            decoder: Makes of the content and the content type what is returned in place of a :class:`Result`.

        Raises:
            ModelError: the model failed.
            ResultTimeout: ``timeout`` passed; the job goes on.
            RequestExpired: :attr:`deadline` has passed without an outcome.
            ResultCorrupt: the output is empty, or ``decoder`` raised an error.
            PermissionDenied: reading the outcome was refused, twice in a row.
            EndpointUnavailable: S3 could not be asked.

        Example:
            >>> job.result(timeout=600).json()["text"]
            'Grüße'
            >>> job.result(decoder=lambda content, content_type: len(content))
            19
        """
        result = self._results.result(self, timeout)
        return result if decoder is None else result.decode(decoder)

    def download(self, to: Path | BinaryIO, timeout: float | None = None) -> StoredObject:
        """Wait for the output and write it to a file, in constant memory however large it is.

        Where the connection to S3 breaks, it starts over, unless ``timeout`` has passed.

        Args:
            to: The path of a file, which is replaced when all of the output is there, and until then stays as it is;
                or a file opened for writing in binary mode, which gets the output from where it stands, and is cut off
                there to start over. One that cannot be set back, such as a pipe, is written once.
            timeout: Seconds to wait at most for the output to be there, as for :meth:`result`; writing it takes longer.

        Returns:
            What is known of the output: its location, size and content type.

        Raises:
            InvalidRequest: ``to`` is a directory, lies in none, or is no file for bytes.
            OSError: the file cannot be written.
            ResultCorrupt: the output is empty; nothing was written.
            EndpointUnavailable: S3 could not be asked, or what cannot be set back has a part of the output.
            AsyncInferenceError: the others that :meth:`result` raises.

        Example:
            >>> job.download(Path("page.json")).size
            19
            >>> Path("page.json").read_text(encoding="utf-8")
            '{"text": "Grüße"}'
        """
        return self._results.download(self, to, timeout)

    def locate(self, timeout: float | None = None) -> StoredObject:
        """Wait for the output and return where it is, its size and its type, without loading it.

        Args:
            timeout: As for :meth:`result`, whose errors it raises too.

        Example:
            >>> job.locate().size
            19
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

        Example:
            >>> job.exception() is None
            True
            >>> failed_job.exception()
            ModelError('the model failed on inference id failed-1: no image')
        """
        try:
            self.locate(timeout)
        except (ModelError, RequestExpired, ResultCorrupt) as error:
            return error
        return None

    def add_done_callback(self, callback: Callable[[Job], object]) -> None:
        """Call ``callback`` with this job once it has an outcome, or can have none any more.

        It is called once, in the one thread that the endpoint has for all callbacks, so a slow one delays the others;
        soon if the job has ended already. What it raises is logged without its words. Nothing is called any more once
        the endpoint is closed, or the process ends.

        Args:
            callback: Several may be added; they are called in this order.

        Raises:
            InvalidRequest: the endpoint was closed.

        Example:
            >>> job.add_done_callback(lambda job: print(job.inference_id))
        """
        self._results.watcher.wait_for(Waiter(self, callback))

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON-able form that :meth:`AsyncEndpoint.job` takes, in this process or another.

        Example:
            >>> document = job.to_dict()
            >>> endpoint.job(document) == job
            True
        """
        return {
            "schema": job_documents.SCHEMA,
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

        Example:
            >>> endpoint.job(job.to_dict() | {"schema": 2})
            Traceback (most recent call last):
                ...
            async_inference.exceptions.InvalidRequest: job.schema: got '2', this version of async_inference reads ...
        """
        return cls(**job_documents.read(document), results=results)


def watcher_of(job: Job) -> Watcher:
    """Return what waits for the jobs of the endpoint object that ``job`` is of.

    Raises:
        InvalidRequest: it is no job.
    """
    if not isinstance(job, Job):
        raise InvalidRequest(f"jobs: got {type(job).__name__} among them, expected jobs only")
    return job._results.watcher  # noqa: SLF001 - for the library, not for its callers
