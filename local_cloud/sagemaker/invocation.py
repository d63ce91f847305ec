"""What happens to a request once an instance takes it: download, invoke, upload, notify."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from async_inference.limits import MAX_PAYLOAD_BYTES
from local_cloud.assumptions import DEFAULTS, Assumptions, RepeatedFilename
from local_cloud.errors import AwsError
from local_cloud.sagemaker.notifications import TEST_NOTIFICATION, result_notification
from local_cloud.sagemaker.outcome import Outcome, failed_outcome

if TYPE_CHECKING:
    from local_cloud.clock import SimulatedClock
    from local_cloud.sagemaker.async_request import AsyncRequest
    from local_cloud.sagemaker.container_process import ContainerProcess
    from local_cloud.sagemaker.endpoint_metrics import EndpointMetrics
    from local_cloud.sagemaker.payloads import Payloads
    from local_cloud.sagemaker.resources import EndpointConfig
    from local_cloud.scope import Scope

logger = logging.getLogger(__name__)

_CLIENT_ERRORS = range(400, 500)
_SERVER_ERRORS = range(500, 600)


class Invoker:
    """Works on requests of one endpoint.

    Args:
        scope: of the endpoint.
        endpoint_name: for notifications.
        clock: of durations and moments.
        payloads: S3 and SNS.
        metrics: of the endpoint.
        assumptions: what AWS leaves open.
    """

    def __init__(
        self,
        scope: Scope,
        endpoint_name: str,
        clock: SimulatedClock,
        payloads: Payloads,
        metrics: EndpointMetrics,
        *,
        assumptions: Assumptions = DEFAULTS,
    ) -> None:
        self._scope = scope
        self._endpoint_name = endpoint_name
        self._clock = clock
        self._payloads = payloads
        self._metrics = metrics
        self._assumptions = assumptions

    async def invoke(self, request: AsyncRequest, container: ContainerProcess, config: EndpointConfig) -> None:
        """Work on ``request`` from its input to its notification; whatever fails on the way is the job's failure."""
        variant = config.variant_name
        self._metrics.duration("TimeInBacklog", variant, self._clock.now() - request.received_at)
        try:
            outcome = await self._upload(request, await self._response(request, container, variant), config)
        except Exception as error:
            logger.exception("endpoint %s: unexpected error in request %s", self._endpoint_name, request.inference_id)
            reason = f"ClientError: The local cloud failed: {type(error).__name__}: {error}"
            outcome = await self._upload(request, failed_outcome(reason), config)
        await self._notify(request, outcome, config)
        self._metrics.count("InvocationsProcessed", variant)
        if not outcome.succeeded:
            self._metrics.count("InvocationFailures", variant)
        self._metrics.duration("TotalProcessingTime", variant, self._clock.now() - request.received_at)

    async def expire(self, request: AsyncRequest, config: EndpointConfig) -> None:
        """Do what is assumed to be done for a request whose time to live has passed."""
        self._metrics.count("ExpiredRequests", config.variant_name)
        if self._assumptions.expiry_is_a_failure:
            outcome = failed_outcome("ClientError: The request expired before it could be processed.")
            await self._notify(request, await self._upload(request, outcome, config), config)

    async def send_test_notifications(self, config: EndpointConfig) -> None:
        """Tell both topics that they are told; one that cannot be told counts like any notification that fails."""
        topics = config.asynchronous and {config.asynchronous.success_topic, config.asynchronous.error_topic}
        for topic in sorted(filter(None, topics or ())):
            await self._publish(topic, TEST_NOTIFICATION, config)

    async def _response(self, request: AsyncRequest, container: ContainerProcess, variant: str) -> Outcome:
        """Return how the container answered, or why it was not asked."""
        started = self._clock.now()
        try:
            body = request.body if request.input_location is None else await self._payloads.read(request.input_location)
        except (AwsError, BotoCoreError, ClientError) as error:
            self._metrics.count("RequestDownloadFailures", variant)
            return failed_outcome(f"ClientError: Could not download the input {request.input_location}: {error}")
        if body is not None and len(body) > MAX_PAYLOAD_BYTES:
            self._metrics.count("RequestDownloadFailures", variant)
            return failed_outcome(f"ClientError: The input has {len(body)} bytes, {MAX_PAYLOAD_BYTES} are allowed.")
        downloaded = self._clock.now()
        if request.input_location is not None:
            self._metrics.duration("RequestDownloadLatency", variant, downloaded - started)
        timeout = self._clock.real_seconds(request.timeout_seconds)
        outcome = await container.invoke(body or b"", request_headers(request), timeout)
        self._metrics.duration("ModelLatency", variant, self._clock.now() - downloaded)
        if outcome.status:
            self._metrics.count("Invocation4XXErrors", variant, outcome.status in _CLIENT_ERRORS)
            self._metrics.count("Invocation5XXErrors", variant, outcome.status in _SERVER_ERRORS)
        return outcome

    async def _upload(self, request: AsyncRequest, outcome: Outcome, config: EndpointConfig) -> Outcome:
        """Store the outcome where the caller looks for it; a success that cannot be stored becomes a failure."""
        location = request.output_location if outcome.succeeded else request.failure_location
        kms_key_id = config.asynchronous.kms_key_id if config.asynchronous else None
        if location is None:
            return outcome
        overwrite = not outcome.succeeded or self._assumptions.repeated_filename is RepeatedFilename.OVERWRITES
        started = self._clock.now()
        try:
            await self._payloads.write(location, outcome.content, outcome.content_type, kms_key_id, overwrite=overwrite)
        except (AwsError, BotoCoreError, ClientError) as error:
            self._metrics.count("ResponseUploadFailures", config.variant_name)
            return failed_outcome(f"ClientError: Could not upload to {location}: {error}")
        self._metrics.duration("ResponseUploadLatency", config.variant_name, self._clock.now() - started)
        return outcome

    async def _notify(self, request: AsyncRequest, outcome: Outcome, config: EndpointConfig) -> None:
        settings = config.asynchronous
        kind = "SUCCESS" if outcome.succeeded else "ERROR"
        topic = settings and (settings.success_topic if outcome.succeeded else settings.error_topic)
        if not settings or not topic:
            return
        message = result_notification(
            request,
            outcome,
            endpoint_name=self._endpoint_name,
            region=self._scope.region,
            completed_at=self._clock.now(),
            include_response=f"{kind}_NOTIFICATION_TOPIC" in settings.topics_with_response,
        )
        await self._publish(topic, message, config)

    async def _publish(self, topic: str, message: dict[str, Any], config: EndpointConfig) -> None:
        try:
            await self._payloads.publish(topic, message)
        except (BotoCoreError, ClientError) as error:
            self._metrics.count("NotificationFailures", config.variant_name)
            logger.warning("endpoint %s could not notify %s: %s", self._endpoint_name, topic, error)


def request_headers(request: AsyncRequest) -> dict[str, str]:
    """Return the headers with which a container gets ``request``."""
    optional = {
        "Content-Type": request.content_type,
        "Accept": request.accept,
        "X-Amzn-SageMaker-Custom-Attributes": request.custom_attributes,
    }
    headers = {name: value for name, value in optional.items() if value is not None}
    return headers | {"X-Amzn-SageMaker-Inference-Id": request.inference_id}
