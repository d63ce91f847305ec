"""Sending one request, and deciding what may be sent again.

A submission is not idempotent: nothing says that AWS recognises a repeated request, even under the same inference id.
So it is repeated only where it was certainly not accepted: throttled, or never connected. After a server error, a
timeout or a broken connection it cannot be known whether it was accepted, and the error says so. Where it was accepted
but cannot be waited for, the error says that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from async_inference import aws_errors, remedies, retrying
from async_inference.exceptions import EndpointUnavailable, InvalidRequest
from async_inference.locations import S3Location, require_inside
from async_inference.messages import shown

if TYPE_CHECKING:
    from collections.abc import Mapping

    from types_boto3_sagemaker_runtime import SageMakerRuntimeClient
    from types_boto3_sagemaker_runtime.type_defs import InvokeEndpointAsyncOutputTypeDef

    from async_inference.clock import Clock
    from async_inference.configuration import EndpointConfiguration
    from async_inference.retrying import RetryPolicy


class InlineBodyRefused(Exception):  # noqa: N818 - a signal within the library, never seen by its callers
    """The region's SageMaker does not know the inline ``Body``; nothing was accepted."""


def has_inline_body(client: SageMakerRuntimeClient) -> bool:
    """Whether this SDK knows the inline ``Body``, which came with botocore 1.43.29."""
    return _knows(client, "Body")


def has_output_names(client: SageMakerRuntimeClient) -> bool:
    """Whether this SDK knows ``S3OutputPathExtension`` and ``Filename``, which came some months before the ``Body``."""
    return _knows(client, "S3OutputPathExtension") and _knows(client, "Filename")


def send(
    client: SageMakerRuntimeClient, parameters: Mapping[str, Any], *, retry: RetryPolicy, clock: Clock, until: float
) -> InvokeEndpointAsyncOutputTypeDef:
    """Submit one request and return the service's response.

    Args:
        client: Makes one attempt per call.
        parameters: Of ``InvokeEndpointAsync``.
        retry: How patiently to repeat what was certainly not accepted.
        clock: Time and chance.
        until: The moment of the monotonic clock after which no attempt starts.

    Raises:
        InvalidRequest: SageMaker refused it.
        PermissionDenied: the caller may not invoke the endpoint.
        EndpointUnavailable: there is no such endpoint, time is over, or SageMaker failed; ``submission_unknown`` says
            whether the request may nevertheless have been accepted.
        InlineBodyRefused: see there.
    """
    if clock.monotonic() >= until:
        raise _too_late(parameters)
    try:
        return retrying.call(
            lambda: client.invoke_endpoint_async(**parameters),
            may_repeat=aws_errors.was_not_accepted,
            policy=retry,
            clock=clock,
            until=until,
        )
    except (BotoCoreError, ClientError) as error:
        if aws_errors.is_transient(error) and not aws_errors.was_not_accepted(error):
            raise _unknown(parameters, error) from error
        if isinstance(error, ClientError) and aws_errors.code(error) in {"ValidationError", "ValidationException"}:
            raise _refused(parameters, error) from error
        aws_errors.raise_for_caller(
            error, action="sagemaker:InvokeEndpointAsync", resource=f"endpoint {parameters['EndpointName']}"
        )


def accepted_locations(
    response: InvokeEndpointAsyncOutputTypeDef, configuration: EndpointConfiguration, inference_id: str
) -> tuple[S3Location, S3Location | None]:
    """Return where the output of an accepted request will be, and its failure, if the endpoint has a place for that.

    Raises:
        EndpointUnavailable: a location is missing or not where the configuration has it; the request was accepted.
    """

    def own(uri: str, verb: str, prefix: str) -> S3Location:
        try:
            location = S3Location.parse(uri)
            require_inside(location, bucket=configuration.bucket, prefix=prefix, field="location")
        except InvalidRequest:
            problem = f"{verb} {shown(uri)}, outside s3://{configuration.bucket}/{prefix}"
            raise _accepted_elsewhere(configuration, inference_id, problem) from None
        return location

    output, failure = response.get("OutputLocation"), response.get("FailureLocation")
    if not output:
        raise _accepted_elsewhere(configuration, inference_id, "named no output location")
    return (
        own(output, "answers to", configuration.prefixes.output),
        own(failure, "reports failures to", configuration.prefixes.failure) if failure else None,
    )


def _knows(client: SageMakerRuntimeClient, member: str) -> bool:
    shape = client.meta.service_model.operation_model("InvokeEndpointAsync").input_shape
    return shape is not None and member in shape.members


def _accepted_elsewhere(configuration: EndpointConfiguration, inference_id: str, problem: str) -> EndpointUnavailable:
    return EndpointUnavailable(
        f"endpoint {configuration.endpoint_name} accepted inference id {inference_id} but {problem}",
        remedy=remedies.ACCEPTED_ELSEWHERE,
        inference_id=inference_id,
    )


def _too_late(parameters: Mapping[str, Any]) -> EndpointUnavailable:
    return EndpointUnavailable(
        f"inference id {parameters['InferenceId']} was not submitted to endpoint {parameters['EndpointName']}: "
        "its timeout was over before",
        remedy=remedies.OUT_OF_TIME,
    )


def _unknown(parameters: Mapping[str, Any], error: Exception) -> EndpointUnavailable:
    inference_id = parameters["InferenceId"]
    return EndpointUnavailable(
        f"it is not known whether endpoint {parameters['EndpointName']} accepted inference id {inference_id}: "
        f"{' '.join(str(error).split())}",
        remedy=remedies.SUBMISSION_UNKNOWN,
        submission_unknown=True,
        inference_id=inference_id,
    )


def _refused(parameters: Mapping[str, Any], error: ClientError) -> Exception:
    words = aws_errors.text(error)
    # Inferred: a service without the inline Body requires an InputLocation and says so. Nowhere documented.
    if "Body" in parameters and "inputlocation" in words.lower():
        return InlineBodyRefused(words)
    if "not found" in words.lower():
        return EndpointUnavailable(f"endpoint {parameters['EndpointName']} cannot be invoked: {words}")
    return InvalidRequest(f"endpoint {parameters['EndpointName']} refused the request: {words}")
