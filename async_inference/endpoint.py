"""The endpoint as its callers use it: submit requests, take up jobs.

Data flow::

    submit(payload) ── at most 128,000 bytes ──────────────▶ InvokeEndpointAsync(Body) ──┐
           └────────── more ──▶ upload to input/<uuid> ────▶ InvokeEndpointAsync(Input) ─┤
                                                                                         ▼
    result() ◀── GET output, GET failure, each round ◀── S3 ◀── SageMaker ◀───────── the queue
"""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from async_inference import payloads, submission
from async_inference.clients import Clients
from async_inference.clock import Clock
from async_inference.exceptions import ConfigurationError, InvalidRequest
from async_inference.job import Job
from async_inference.limits import HEADER_LENGTH, HEADER_PATTERN
from async_inference.locations import S3Location, require_inside
from async_inference.messages import shown
from async_inference.parameter import read_configuration
from async_inference.requests import RequestFields, check_text
from async_inference.results import ResultReader
from async_inference.retrying import RetryPolicy
from async_inference.storage import ObjectStore
from async_inference.waiting import PollingPolicy, patience

if TYPE_CHECKING:
    from collections.abc import Mapping

    from boto3 import Session
    from types_boto3_sagemaker_runtime.type_defs import InvokeEndpointAsyncOutputTypeDef

    from async_inference.configuration import EndpointConfiguration
    from async_inference.payloads import Payload, PreparedPayload


class AsyncEndpoint:
    """A deployed asynchronous endpoint.

    May be shared by threads; it holds nothing that needs closing.

    Args:
        configuration: The endpoint, as the stack describes it.
        clients: boto3 clients; by default those that :meth:`Clients.connect` makes in the endpoint's region.
        session: What to make them of: a profile or an assumed role; by default the caller's own credentials.
        polling: How often to ask for a result.
        retry: How patiently to repeat a question that failed.
        clock: Time and chance, for tests.

    Raises:
        ConfigurationError: both clients and a session were passed.

    Example:
        >>> endpoint = AsyncEndpoint.from_parameter("/async-inference/dev/ocr")    # doctest: +SKIP
        >>> job = endpoint.submit(Path("page.png"), content_type="image/png")      # doctest: +SKIP
        >>> job.result(timeout=600).json()["text"]                                 # doctest: +SKIP
        'Region-based segmentation ...'
    """

    def __init__(
        self,
        configuration: EndpointConfiguration,
        *,
        clients: Clients | None = None,
        session: Session | None = None,
        polling: PollingPolicy | None = None,
        retry: RetryPolicy | None = None,
        clock: Clock | None = None,
    ) -> None:
        if clients is not None and session is not None:
            raise ConfigurationError("clients and session: got both, expected at most one: clients need no session")
        self.configuration = configuration
        self._clients = clients or Clients.connect(configuration.region, session)
        self._retry = retry or RetryPolicy()
        self._clock = clock or Clock()
        self._objects = ObjectStore(self._clients, retry=self._retry, clock=self._clock)
        self._results = ResultReader(self._objects, polling=polling or PollingPolicy(), clock=self._clock)

    @classmethod
    def from_parameter(
        cls,
        name: str,
        region: str | None = None,
        *,
        session: Session | None = None,
        polling: PollingPolicy | None = None,
        retry: RetryPolicy | None = None,
    ) -> AsyncEndpoint:
        """Return the endpoint that an SSM parameter describes.

        Args:
            name: ``/async-inference/<stage>/<endpoint>``, an output of the stack.
            region: Where the parameter is; by default as boto3 finds it, for example in ``AWS_DEFAULT_REGION``.
            session: See the class; also reads the parameter.
            polling: See the class.
            retry: See the class.

        Raises:
            ConfigurationError: there is no such parameter, or it is of another version.
            PermissionDenied: it may not be read.
            EndpointUnavailable: AWS could not be reached.
        """
        return cls(read_configuration(name, region, session), session=session, polling=polling, retry=retry)

    def submit(
        self,
        payload: Payload,
        *,
        content_type: str | None = None,
        accept: str | None = None,
        custom_attributes: str | None = None,
        inference_id: str | None = None,
        invocation_timeout_seconds: int | None = None,
        request_ttl_seconds: int | None = None,
        timeout: float | None = None,
    ) -> Job:
        """Submit one request and return its handle, without waiting for the model.

        All fields are checked first, so an :class:`InvalidRequest` has cost no request and no upload. The request is
        sent once: see :mod:`async_inference.submission` for what is repeated and what is not.

        Args:
            payload: Bytes, of any built-in type; a text, sent as UTF-8; a value that :mod:`json` can write;
                the path of a file; or an :class:`S3Location` below the endpoint's input prefix. Up to 128,000 bytes
                travel in the request, more is uploaded, up to 1,000,000,000 bytes.
            content_type: What the payload is, up to 1,024 ASCII characters. By default ``application/octet-stream`` for
                bytes, ``text/plain; charset=utf-8`` for text, ``application/json`` for values, by its name for a file,
                and none for an object in S3.
            accept: What the model should answer with.
            custom_attributes: Handed to the model as it is.
            inference_id: Up to 64 ASCII characters; by default a new UUID. It is a label: a repeated one is another
                inference all the same. Notice of the outcome reaches the queue of a consumer only if the id starts with
                ``<consumer>-``.
            invocation_timeout_seconds: The longest that the model may work, 1 to the endpoint's ``max_job_seconds``,
                which is the default. The endpoint removes no instance within that time of its last work.
            request_ttl_seconds: The longest that the request may wait in the queue, 60 to 21,600; by default what the
                endpoint is configured with.
            timeout: Seconds after which no attempt to send the request starts any more; an upload or an attempt that
                has started is not cut short. By default the retry policy alone decides.

        Raises:
            InvalidRequest: a field or the payload is not allowed.
            PermissionDenied: the caller may not invoke the endpoint or upload to its bucket.
            EndpointUnavailable: there is no such endpoint, ``timeout`` passed, or AWS failed; if its
                ``submission_unknown`` is true, the request may have been accepted. Or it was accepted but its answer
                cannot be waited for; the message says so.
        """
        until = self._clock.monotonic() + patience(timeout)
        prepared = payloads.prepare(payload)
        fields = RequestFields.checked(
            self.configuration.limits,
            content_type=prepared.content_type if content_type is None else content_type,
            accept=accept,
            custom_attributes=custom_attributes,
            inference_id=inference_id,
            invocation_timeout_seconds=invocation_timeout_seconds,
            request_ttl_seconds=request_ttl_seconds,
        )
        if isinstance(prepared.source, S3Location):
            self._require_input(prepared.source)
        return self._job(fields, self._send(prepared, fields, until))

    def job(self, document: Mapping[str, Any]) -> Job:
        """Take up a job that was submitted elsewhere, from what its ``to_dict()`` returned. Nothing is submitted.

        Raises:
            InvalidRequest: the document is malformed, of another version, or of another endpoint: its locations must
                lie below this endpoint's own prefixes.
        """
        job = Job.from_dict(document, self._results)
        endpoint_name, prefixes = self.configuration.endpoint_name, self.configuration.prefixes
        if job.endpoint_name != endpoint_name:
            raise InvalidRequest(f"job.endpoint_name: got {shown(job.endpoint_name)}, this endpoint is {endpoint_name}")
        self._require_inside(job.output_location, prefixes.output, "job.output_location")
        if job.failure_location is not None:
            self._require_inside(job.failure_location, prefixes.failure, "job.failure_location")
        return job

    def _send(self, prepared: PreparedPayload, fields: RequestFields, until: float) -> InvokeEndpointAsyncOutputTypeDef:
        """Send the payload inline if it fits and AWS can take it so, otherwise by way of S3."""
        content = prepared.inline()
        if content is not None and submission.has_inline_body(self._clients.sagemaker_runtime):
            with suppress(submission.InlineBodyRefused):  # nothing was accepted, and S3 works in every region
                return self._invoke(fields, until, Body=content)
        return self._invoke(fields, until, InputLocation=str(self._in_s3(prepared, fields)))

    def _in_s3(self, prepared: PreparedPayload, fields: RequestFields) -> S3Location:
        if isinstance(prepared.source, S3Location):
            return prepared.source
        location = S3Location(self.configuration.bucket, f"{self.configuration.prefixes.input}{uuid4()}")
        self._objects.put(prepared.source, location, content_type=fields.content_type)
        return location

    def _invoke(self, fields: RequestFields, until: float, **source: str | bytes) -> InvokeEndpointAsyncOutputTypeDef:
        parameters = {"EndpointName": self.configuration.endpoint_name, **fields.parameters(), **source}
        return submission.send(
            self._clients.sagemaker_runtime, parameters, retry=self._retry, clock=self._clock, until=until
        )

    def _job(self, fields: RequestFields, response: InvokeEndpointAsyncOutputTypeDef) -> Job:
        output, failure = submission.accepted_locations(response, self.configuration, fields.inference_id)
        return Job(
            endpoint_name=self.configuration.endpoint_name,
            inference_id=response.get("InferenceId") or fields.inference_id,
            output_location=output,
            failure_location=failure,
            submitted_at=datetime.fromtimestamp(self._clock.now(), UTC),
            request_ttl_seconds=fields.request_ttl_seconds,
            invocation_timeout_seconds=fields.invocation_timeout_seconds,
            results=self._results,
        )

    def _require_input(self, location: S3Location) -> None:
        """Refuse what the endpoint's role cannot read, and what the request cannot name."""
        self._require_inside(location, self.configuration.prefixes.input, "input_location")
        check_text("input_location", str(location), HEADER_LENGTH, HEADER_PATTERN)

    def _require_inside(self, location: S3Location, prefix: str, field: str) -> None:
        require_inside(location, bucket=self.configuration.bucket, prefix=prefix, field=field)
