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
from async_inference.exceptions import EndpointUnavailable, InvalidRequest
from async_inference.job import Job
from async_inference.limits import HEADER_LENGTH, HEADER_PATTERN
from async_inference.locations import S3Location, require_inside
from async_inference.messages import shown
from async_inference.parameter import read_configuration
from async_inference.requests import RequestFields, check_text
from async_inference.results import ResultReader
from async_inference.retrying import RetryPolicy
from async_inference.storage import ObjectStore
from async_inference.waiting import PollingPolicy

if TYPE_CHECKING:
    from collections.abc import Mapping

    from types_boto3_sagemaker_runtime.type_defs import InvokeEndpointAsyncOutputTypeDef

    from async_inference.configuration import EndpointConfiguration
    from async_inference.payloads import Payload, PreparedPayload


class AsyncEndpoint:
    """A deployed asynchronous endpoint.

    May be shared by threads; it holds nothing that needs closing.

    Args:
        configuration: The endpoint, as the stack describes it.
        clients: boto3 clients; by default the caller's own credentials in the endpoint's region.
        polling: How often to ask for a result.
        retry: How patiently to repeat a question that failed.
        clock: Time and chance, for tests.

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
        polling: PollingPolicy | None = None,
        retry: RetryPolicy | None = None,
        clock: Clock | None = None,
    ) -> None:
        self.configuration = configuration
        self._clients = clients or Clients.connect(configuration.region)
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
        polling: PollingPolicy | None = None,
        retry: RetryPolicy | None = None,
    ) -> AsyncEndpoint:
        """Return the endpoint that an SSM parameter describes.

        Args:
            name: ``/async-inference/<stage>/<endpoint>``, an output of the stack.
            region: Where the parameter is; by default as boto3 finds it, for example in ``AWS_DEFAULT_REGION``.
            polling: See the class.
            retry: See the class.

        Raises:
            ConfigurationError: there is no such parameter, or it is of another version.
            PermissionDenied: it may not be read.
            EndpointUnavailable: AWS could not be reached.
        """
        return cls(read_configuration(name, region), polling=polling, retry=retry)

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
    ) -> Job:
        """Submit one request and return its handle, without waiting for the model.

        All fields are checked first, so an :class:`InvalidRequest` has cost no request and no upload. The request is
        sent once: see :mod:`async_inference.submission` for what is repeated and what is not.

        Args:
            payload: Bytes; a text, sent as UTF-8; a value that :mod:`json` can write; the path of a file; or an
                :class:`S3Location` below the endpoint's input prefix. Up to 128,000 bytes travel in the request, more
                is uploaded, up to 1,000,000,000 bytes.
            content_type: What the payload is, up to 1,024 ASCII characters. By default ``application/octet-stream`` for
                bytes, ``text/plain; charset=utf-8`` for text, ``application/json`` for values, by its name for a file,
                and none for an object in S3.
            accept: What the model should answer with.
            custom_attributes: Handed to the model as it is.
            inference_id: Up to 64 ASCII characters; by default a new UUID. It is a label: a repeated one is another
                inference all the same.
            invocation_timeout_seconds: The longest that the model may work, 1 to the endpoint's ``max_job_seconds``,
                which is the default. The endpoint removes no instance within that time of its last work.
            request_ttl_seconds: The longest that the request may wait in the queue, 60 to 21,600; by default what the
                endpoint is configured with.

        Raises:
            InvalidRequest: a field or the payload is not allowed.
            PermissionDenied: the caller may not invoke the endpoint or upload to its bucket.
            EndpointUnavailable: there is no such endpoint, or AWS failed; if its ``submission_unknown`` is true, the
                request may have been accepted.
        """
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
        return self._job(fields, self._send(prepared, fields))

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

    def _send(self, prepared: PreparedPayload, fields: RequestFields) -> InvokeEndpointAsyncOutputTypeDef:
        """Send the payload inline if it fits and AWS can take it so, otherwise by way of S3."""
        content = prepared.inline()
        if content is not None and submission.has_inline_body(self._clients.sagemaker_runtime):
            with suppress(submission.InlineBodyRefused):  # nothing was accepted, and S3 works in every region
                return self._invoke(fields, Body=content)
        return self._invoke(fields, InputLocation=str(self._in_s3(prepared, fields)))

    def _in_s3(self, prepared: PreparedPayload, fields: RequestFields) -> S3Location:
        if isinstance(prepared.source, S3Location):
            return prepared.source
        location = S3Location(self.configuration.bucket, f"{self.configuration.prefixes.input}{uuid4()}")
        self._objects.put(prepared.source, location, content_type=fields.content_type)
        return location

    def _invoke(self, fields: RequestFields, **source: str | bytes) -> InvokeEndpointAsyncOutputTypeDef:
        parameters = {"EndpointName": self.configuration.endpoint_name, **fields.parameters(), **source}
        return submission.send(self._clients.sagemaker_runtime, parameters, retry=self._retry, clock=self._clock)

    def _job(self, fields: RequestFields, response: InvokeEndpointAsyncOutputTypeDef) -> Job:
        output, failure = response.get("OutputLocation"), response.get("FailureLocation")
        if not output:
            raise EndpointUnavailable(
                f"endpoint {self.configuration.endpoint_name} accepted inference id {fields.inference_id} but named no "
                "output location: it is not configured for asynchronous inference",
                inference_id=fields.inference_id,
            )
        return Job(
            endpoint_name=self.configuration.endpoint_name,
            inference_id=response.get("InferenceId") or fields.inference_id,
            output_location=S3Location.parse(output, field="output location"),
            failure_location=S3Location.parse(failure, field="failure location") if failure else None,
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
