"""The endpoint as its callers use it: submit requests, take up jobs.

Data flow::

    submit(payload) ── at most 128,000 bytes ──────────────▶ InvokeEndpointAsync(Body) ──┐
           └────────── more ──▶ upload to input/<uuid> ────▶ InvokeEndpointAsync(Input) ─┤
                                                                                         ▼
    result() ◀── GET output, GET failure, each round ◀── S3 ◀── SageMaker ◀───────── the queue
    many jobs ◀── LIST, each round ◀──────────────────── S3      │
    many jobs of a consumer ◀── notices ◀──────────────── SQS ◀── SNS
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Self, TypedDict, Unpack

from async_inference import mapping, resubmission
from async_inference.clients import Clients
from async_inference.clock import Clock
from async_inference.exceptions import ConfigurationError, InvalidRequest
from async_inference.job import Job
from async_inference.locations import S3Location, require_inside
from async_inference.messages import shown
from async_inference.parameter import read_configuration
from async_inference.results import ResultReader
from async_inference.retrying import RetryPolicy
from async_inference.storage import ObjectStore
from async_inference.submitting import submission
from async_inference.submitting.requests import RequestOptions
from async_inference.submitting.submitter import Submitter
from async_inference.waiting import PollingPolicy, patience
from async_inference.watching.consumer_queue import ConsumerQueue
from async_inference.watching.in_flight import JobsInFlight
from async_inference.watching.notices import Notices
from async_inference.watching.watch import Watch, Watches
from async_inference.watching.watcher import Watcher

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from types import TracebackType

    from boto3 import Session
    from types_boto3_sagemaker_runtime.type_defs import InvokeEndpointAsyncOutputTypeDef

    from async_inference.batches import Batch, BatchItem, BatchOptions, BatchSummary, Context
    from async_inference.configuration import EndpointConfiguration
    from async_inference.results import Result
    from async_inference.submitting.naming import OutputName
    from async_inference.submitting.payloads import Payload
    from async_inference.submitting.requests import RequestFields


class ParameterOptions(TypedDict, total=False):
    """What :meth:`AsyncEndpoint.from_parameter` takes beside the name and the region, for those who pass it on."""

    session: Session | None
    polling: PollingPolicy | None
    retry: RetryPolicy | None
    consumer: str | None


class EndpointOptions(ParameterOptions, total=False):
    """What :class:`AsyncEndpoint` takes beside the configuration, for those who pass it on."""

    clients: Clients | None
    clock: Clock | None


class AsyncEndpoint:
    """A deployed asynchronous endpoint.

    May be shared by threads. Close it, or use it as a context manager, where its connections should not stay open, or
    where callbacks of its jobs should end.

    Args:
        configuration: The endpoint, as the stack describes it.
        clients: boto3 clients; by default those that :meth:`Clients.connect` makes in the endpoint's region.
        session: What to make them of: a profile or an assumed role; by default the caller's own credentials.
        polling: How often to ask for a result.
        retry: How patiently to repeat a question that failed.
        clock: Time and chance, for tests.
        consumer: The one of the endpoint's consumers that this process is, alone. What waits for many jobs then goes
            by the notices in the consumer's queue, and generated inference ids start with ``<consumer>-``. An inference
            id of your own must do so too, or its job is waited for as without a consumer; and give none to two
            requests, since the notice of a failure names nothing else. A consumer is for those who wait for many:
            waiting for a single job asks S3 alone, and leaves its notice in the queue until something waits for many.

    Raises:
        ConfigurationError: both clients and a session were passed; or the endpoint has no such consumer; or the clients
            have none for SQS, which a consumer needs.

    Example:
        >>> with AsyncEndpoint(configuration) as endpoint:
        ...     job = endpoint.submit(Path("page.png"), content_type="image/png")
        ...     job.result(timeout=600).json()["text"]
        'Grüße'
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
        consumer: str | None = None,
    ) -> None:
        if clients is not None and session is not None:
            raise ConfigurationError("clients and session: got both, expected at most one: clients need no session")
        self.configuration = configuration
        self._consumer = consumer
        self._owns_clients = clients is None
        self._clients = clients or Clients.connect(
            configuration.region, session, sqs=consumer is not None, cloudwatch=configuration.count_jobs_in_flight
        )
        self._retry = retry or RetryPolicy()
        self._clock = clock or Clock()
        self._objects = ObjectStore(self._clients, retry=self._retry, clock=self._clock)
        polling = polling or PollingPolicy()
        in_flight = self._jobs_in_flight()
        self._submitter = Submitter(
            configuration,
            self._clients,
            self._objects,
            consumer=consumer,
            retry=self._retry,
            clock=self._clock,
            in_flight=in_flight,
        )
        watches = Watches(
            clients=self._clients,
            retry=self._retry,
            polling=polling,
            clock=self._clock,
            in_flight=in_flight,
            notices=self._notices_of(consumer, polling),
            endpoint_name=configuration.endpoint_name,
        )
        self._watcher = Watcher(watches)
        self._results = ResultReader(self._objects, polling=polling, clock=self._clock, watcher=self._watcher)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    @classmethod
    def from_parameter(
        cls,
        name: str,
        region: str | None = None,
        *,
        session: Session | None = None,
        polling: PollingPolicy | None = None,
        retry: RetryPolicy | None = None,
        consumer: str | None = None,
    ) -> Self:
        """Return the endpoint that an SSM parameter describes.

        Args:
            name: ``/async-inference/<stage>/<endpoint>``, an output of the stack.
            region: Where the parameter is; by default as boto3 finds it, for example in ``AWS_DEFAULT_REGION``.
            session: See the class; also reads the parameter.
            polling: See the class.
            retry: See the class.
            consumer: See the class.

        Raises:
            ConfigurationError: there is no such parameter, it is of another version, or it has no such consumer.
            PermissionDenied: it may not be read.
            EndpointUnavailable: AWS could not be reached.

        Example:
            >>> endpoint = AsyncEndpoint.from_parameter("/async-inference/dev/ocr")
            >>> endpoint.configuration.endpoint_name
            'ocr-endpoint'
        """
        configuration = read_configuration(name, region, session)
        return cls(configuration, session=session, polling=polling, retry=retry, consumer=consumer)

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
        output_name: OutputName | None = None,
    ) -> Job:
        """Submit one request and return its handle, without waiting for the model.

        All fields are checked first, so an :class:`InvalidRequest` has cost no request and no upload. The request is
        sent once: see :mod:`async_inference.submitting.submission` for what is repeated and what is not.

        Args:
            payload: Bytes, of any built-in type; a text, sent as UTF-8; a value that :mod:`json` can write;
                the path of a file; a file object opened in binary mode, which is read from where it stands to its end,
                need not be able to seek, and stays open; or an object below the endpoint's input prefix, as an
                :class:`S3Location` or as a text ``s3://bucket/key``. So send a text that a stranger wrote as
                ``text.encode()``: it could name somebody else's input. Up to 128,000 bytes travel in the request, more
                is uploaded in constant memory, up to 1,000,000,000 bytes.
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
            output_name: What to call the output; by default a new name in a folder of this object's own. The location
                that the service returns is what is waited for, whatever it is.

        Raises:
            InvalidRequest: a field or the payload is not allowed, or the endpoint was closed.
            PermissionDenied: the caller may not invoke the endpoint or upload to its bucket.
            EndpointUnavailable: there is no such endpoint, ``timeout`` passed, or AWS failed; if its
                ``submission_unknown`` is true, the request may have been accepted. Or it was accepted but its answer
                cannot be waited for; the message says so.

        Example:
            >>> endpoint.submit({"image": "page.png"}, inference_id="page-1").inference_id
            'page-1'
            >>> with Path("page.png").open("rb") as file:
            ...     job = endpoint.submit(file, accept="application/json", request_ttl_seconds=600)
        """
        self._watcher.require_open()
        until = self._clock.monotonic() + patience(timeout)
        options = RequestOptions(
            content_type=content_type,
            accept=accept,
            custom_attributes=custom_attributes,
            inference_id=inference_id,
            invocation_timeout_seconds=invocation_timeout_seconds,
            request_ttl_seconds=request_ttl_seconds,
        )
        return self._job(*self._submitter.submit(payload, options, output_name=output_name, until=until))

    def map(
        self,
        payloads: Iterable[Payload],
        *,
        timeout: float | None = None,
        max_unfinished: int = mapping.MAX_UNFINISHED,
        **fields: Unpack[RequestOptions],
    ) -> Iterator[Result]:
        """Submit one request for each payload and yield the results in the order of the payloads.

        Payloads are taken and submitted one after another, never more than ``max_unfinished`` ahead of the model, so
        that no request expires in the queue for being submitted too early, and while the next result is asked for. No
        thread is involved. When the iteration ends early, jobs go on.

        Args:
            payloads: As :meth:`submit` takes them; may be endless.
            timeout: Seconds from this call within which all results must have been asked for; by default without end.
            max_unfinished: The most requests that may be queued or running at a time, at least 1.
            fields: The other fields of :meth:`submit`, for all requests.

        Raises:
            InvalidRequest: ``max_unfinished`` or ``timeout`` is not allowed.
            AsyncInferenceError: while iterating, what :meth:`submit` or :meth:`Job.result` raises for a payload, when
                its turn comes; the iteration ends with it.

        Example:
            >>> [result.json()["text"] for result in endpoint.map([b"page 1", b"page 2"])]
            ['Grüße', 'Grüße']
        """
        self._watcher.require_open()
        return mapping.results(
            mapping.Mapping(payloads, max_unfinished),
            lambda payload: self.submit(payload, **fields),
            self._watcher,
            timeout,
        )

    def invoke(
        self, payload: Payload, *, timeout: float | None = None, attempts: int = 1, **fields: Unpack[RequestOptions]
    ) -> Result:
        """Submit a request and wait for its result.

        With ``attempts`` above 1 it submits the request **again** whenever ``timeout`` has passed without an outcome,
        as retry loops around a call do. SageMaker does not know that the two belong together: each attempt is a
        whole inference, which costs and may act a second time. Waiting longer is nearly always better: the
        request is in a durable queue, and the first attempt goes on all the same. So the first to succeed is
        returned, whichever it is, and every further submission is logged as a warning.

        Args:
            payload: As for :meth:`submit`; for more than one attempt no file object, which could be read but once.
            timeout: Seconds to wait for each attempt's outcome; by default until it can have none any more.
            attempts: How many requests to submit at most, at least 1.
            fields: The other fields of :meth:`submit`.

        Raises:
            ModelError: the model failed on an attempt; another would fail alike, so none is made; but those that are
                under way are waited for, within ``timeout``, and the first to succeed is returned all the same.
            ResultCorrupt: likewise: an output is empty.
            ResultTimeout: the time of the last attempt passed; its ``job`` is that attempt's.
            RequestExpired: no attempt can have an outcome any more.
            AsyncInferenceError: the others that :meth:`submit` and :meth:`Job.result` raise, at once; but what a
                further submission raises is logged, and raised only if nothing comes of the earlier ones within
                another ``timeout``. Its ``job`` is the last of these.

        Example:
            >>> endpoint.invoke(b"page", timeout=600).json()["text"]
            'Grüße'
        """
        resubmission.check_attempts(payload, attempts)
        return resubmission.first_result(lambda: self.submit(payload, **fields), self._clock, timeout, attempts)

    def watch(self) -> Watch:
        """Return what waits for many jobs of this endpoint without a thread.

        :func:`as_completed`, :func:`wait`, :meth:`map` and :meth:`Job.add_done_callback` are easier to use.

        Raises:
            InvalidRequest: the endpoint was closed.

        Example:
            >>> with endpoint.watch() as watch:
            ...     watch.add(job)
            ...     watch.tick() == [job]
            True
        """
        self._watcher.require_open()
        return self._watcher.watches.new()

    def batch(
        self, inputs: Iterable[Payload | BatchItem], *, batch_id: str | None = None, **options: Unpack[BatchOptions]
    ) -> Batch:
        """Record a batch: put all inputs into S3, and submit nothing yet.

        An input that cannot be sent, such as an unreadable or empty file, becomes an item that fails; the rest goes on.
        The batch exists once this returns. A process that dies before has recorded and submitted nothing.

        Args:
            inputs: Payloads as :meth:`submit` takes them, or :class:`~async_inference.batches.BatchItem` with names of
                your own; files are otherwise called as they are, and everything else by its number. Taken one by one.
            batch_id: Up to 32 lower-case letters, digits and single hyphens; by default a new one.
            options: See :class:`~async_inference.batches.Options`.

        Raises:
            InvalidRequest: an option, the id or the name of an item is not allowed, there are no inputs, or there is a
                batch of that id.
            PermissionDenied: the caller may not write to the bucket.
            EndpointUnavailable: S3 could not be reached.

        Example:
            >>> batch = endpoint.batch(Path("pages").glob("*.png"), content_type="image/png")    # doctest: +SKIP
            >>> batch.run(results=Path("results")).succeeded                                     # doctest: +SKIP
            500
        """
        from async_inference import batches  # noqa: PLC0415 - a Lambda that runs no batch does not load them

        context = self._batch_context()
        return batches.Batch(context, batches.record(context, inputs, batches.Options(**options), batch_id=batch_id))

    def resume(self, batch_id: str, *, take_over: bool = False) -> Batch:
        """Return a batch that was recorded before, here or on another machine, finished or not.

        Args:
            batch_id: Its id.
            take_over: Whether to run it although another process seems to be alive that does. That process stops
                before it submits or records anything that this one does not know of.

        Raises:
            InvalidRequest: there is no such batch, it is another endpoint's, or of a newer version.
            PermissionDenied: it may not be read.
            EndpointUnavailable: S3 could not be asked.

        Example:
            >>> endpoint.resume("20260131-120000-1a2b3c").run(results=Path("results")).unfinished    # doctest: +SKIP
            0
        """
        from async_inference import batches  # noqa: PLC0415 - likewise

        return batches.find(self._batch_context(), batch_id, take_over=take_over)

    def batch_summary(self, batch_id: str) -> BatchSummary:
        """Return what a batch has come to, as far as it is recorded, whether somebody works on it or not.

        Raises:
            InvalidRequest: there is no such batch, it is another endpoint's, damaged, or of a newer version.
            PermissionDenied: it may not be read.
            EndpointUnavailable: S3 could not be asked.

        Example:
            >>> endpoint.batch_summary("20260131-120000-1a2b3c").failed    # doctest: +SKIP
            3
        """
        return self.resume(batch_id).summary()

    def close(self) -> None:
        """Call no callbacks any more, end their thread, and close the connections that this object made.

        Jobs go on; another object of the endpoint can take them up. This one refuses to be used from now on. May be
        repeated, and takes at most some seconds, or as long as the callback that is being called.

        Example:
            >>> with AsyncEndpoint(configuration) as endpoint:
            ...     job = endpoint.submit(b"page")
            >>> endpoint.submit(b"page")
            Traceback (most recent call last):
            async_inference.exceptions.InvalidRequest: endpoint ocr-endpoint: this object was closed, make another ...
        """
        self._watcher.close()
        if self._owns_clients:
            self._clients.close()

    def job(self, document: Mapping[str, Any]) -> Job:
        """Take up a job that was submitted elsewhere, from what its ``to_dict()`` returned. Nothing is submitted.

        Raises:
            InvalidRequest: the document is malformed, of another version, or of another endpoint: its locations must
                lie below this endpoint's own prefixes. Or this object was closed.

        Example:
            >>> document = json.dumps(job.to_dict())
            >>> endpoint.job(json.loads(document)).result().json()
            {'text': 'Grüße'}
        """
        self._watcher.require_open()
        job = Job.from_dict(document, self._results)
        endpoint_name, prefixes = self.configuration.endpoint_name, self.configuration.prefixes
        if job.endpoint_name != endpoint_name:
            raise InvalidRequest(f"job.endpoint_name: got {shown(job.endpoint_name)}, this endpoint is {endpoint_name}")
        self._require_inside(job.output_location, prefixes.output, "job.output_location")
        if job.failure_location is not None:
            self._require_inside(job.failure_location, prefixes.failure, "job.failure_location")
        return job

    def _batch_context(self) -> Context:
        from async_inference import batches  # noqa: PLC0415 - likewise

        self._watcher.require_open()
        return batches.Context(
            configuration=self.configuration,
            consumer=self._consumer,
            objects=self._objects,
            clock=self._clock,
            retry=self._retry,
            require_open=self._watcher.require_open,
            submit=self.submit,
            job=self.job,
            watch=lambda: self._watcher.watches.new(long_poll_seconds=batches.LONG_POLL_SECONDS),
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

    def _require_inside(self, location: S3Location, prefix: str, field: str) -> None:
        require_inside(location, bucket=self.configuration.bucket, prefix=prefix, field=field)

    def _jobs_in_flight(self) -> JobsInFlight:
        cloudwatch = self._clients.cloudwatch if self.configuration.count_jobs_in_flight else None
        return JobsInFlight(cloudwatch, endpoint_name=self.configuration.endpoint_name, clock=self._clock)

    def _notices_of(self, consumer: str | None, polling: PollingPolicy) -> Notices | None:
        if consumer is None:
            return None
        if self._clients.sqs is None:
            raise ConfigurationError(f"clients: have no sqs, through which consumer {consumer} is told of results")
        queue = ConsumerQueue(self._clients.sqs, self.configuration.consumers[consumer].queue_url, self._clock)
        return Notices(queue, consumer=consumer, clock=self._clock, gather_seconds=polling.initial_seconds)
