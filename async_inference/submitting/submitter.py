"""The way from a payload to a request that the service has accepted."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING
from uuid import uuid4

from async_inference.exceptions import ConfigurationError
from async_inference.locations import S3Location
from async_inference.messages import shown
from async_inference.submitting import payloads, submission
from async_inference.submitting.inputs import require_input
from async_inference.submitting.naming import OutputNames
from async_inference.submitting.requests import RequestFields, RequestOptions

if TYPE_CHECKING:
    from types_boto3_sagemaker_runtime.type_defs import InvokeEndpointAsyncOutputTypeDef

    from async_inference.clients import Clients
    from async_inference.clock import Clock
    from async_inference.configuration import EndpointConfiguration
    from async_inference.retrying import RetryPolicy
    from async_inference.storage import ObjectStore
    from async_inference.submitting.naming import OutputName
    from async_inference.submitting.payloads import Payload, PreparedPayload
    from async_inference.watching.in_flight import JobsInFlight


class Submitter:
    """Sends the requests of one endpoint object, under names of its own.

    Args:
        configuration: The endpoint.
        clients: The SageMaker runtime's is used.
        objects: Where payloads go that do not fit into a request.
        consumer: What inference ids are to start with, or ``None``.
        retry: How patiently to repeat what was certainly not accepted.
        clock: Time and chance.
        in_flight: Is told of a request before it is sent.

    Raises:
        ConfigurationError: the endpoint has no such consumer.
    """

    def __init__(
        self,
        configuration: EndpointConfiguration,
        clients: Clients,
        objects: ObjectStore,
        *,
        consumer: str | None,
        retry: RetryPolicy,
        clock: Clock,
        in_flight: JobsInFlight,
    ) -> None:
        if consumer is not None and consumer not in configuration.consumers:
            known = ", ".join(sorted(configuration.consumers)) or "none"
            raise ConfigurationError(f"consumer: got {shown(consumer)}, this endpoint has {known}")
        self._configuration = configuration
        self._client = clients.sagemaker_runtime
        self._objects = objects
        self._consumer = consumer
        self._retry = retry
        self._clock = clock
        self._in_flight = in_flight
        self._names = OutputNames()

    def submit(
        self, payload: Payload, options: RequestOptions, *, output_name: OutputName | None, until: float
    ) -> tuple[RequestFields, InvokeEndpointAsyncOutputTypeDef]:
        """Submit one request; see :meth:`AsyncEndpoint.submit`.

        Returns:
            The fields that were sent, and the service's response.
        """
        prepared = payloads.prepare(payload)
        if options.get("content_type") is None:
            options["content_type"] = prepared.content_type
        if options.get("inference_id") is None and self._consumer is not None:
            options["inference_id"] = f"{self._consumer}-{uuid4()}"
        fields = RequestFields.checked(self._configuration.limits, **options)
        if isinstance(prepared.source, S3Location):
            require_input(prepared.source, self._configuration)
        parameters = {"EndpointName": self._configuration.endpoint_name, **fields.parameters()}
        if submission.has_output_names(self._client):
            parameters |= (output_name or self._names.new(self._clock.now())).parameters()
        return fields, self._send(prepared, parameters, until)

    def _send(
        self, prepared: PreparedPayload, parameters: dict[str, str | int], until: float
    ) -> InvokeEndpointAsyncOutputTypeDef:
        """Send the payload inline if it fits and AWS can take it so, otherwise by way of S3."""
        content = prepared.inline()
        if content is not None and submission.has_inline_body(self._client):
            with suppress(submission.InlineBodyRefused):  # nothing was accepted, and S3 works in every region
                return self._invoke(parameters, until, Body=content)
        return self._invoke(parameters, until, InputLocation=str(self._in_s3(prepared, parameters)))

    def _in_s3(self, prepared: PreparedPayload, parameters: dict[str, str | int]) -> S3Location:
        if isinstance(prepared.source, S3Location):
            return prepared.source
        location = S3Location(self._configuration.bucket, f"{self._configuration.prefixes.input}{uuid4()}")
        content_type = parameters.get("ContentType")
        self._objects.put(prepared.source, location, content_type=None if content_type is None else str(content_type))
        return location

    def _invoke(
        self, parameters: dict[str, str | int], until: float, **source: str | bytes
    ) -> InvokeEndpointAsyncOutputTypeDef:
        self._in_flight.publish(submitting=1)
        return submission.send(
            self._client, {**parameters, **source}, retry=self._retry, clock=self._clock, until=until
        )
