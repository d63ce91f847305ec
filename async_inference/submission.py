"""Sending one request, and deciding what may be sent again.

A submission is not idempotent: nothing says that AWS recognises a repeated request, even under the same inference id.
So it is repeated only where it was certainly not accepted: throttled, or never connected. After a server error, a
timeout or a broken connection it cannot be known whether it was accepted, and the error says so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from async_inference import aws_errors, remedies, retrying
from async_inference.exceptions import EndpointUnavailable, InvalidRequest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from types_boto3_sagemaker_runtime import SageMakerRuntimeClient
    from types_boto3_sagemaker_runtime.type_defs import InvokeEndpointAsyncOutputTypeDef

    from async_inference.clock import Clock
    from async_inference.retrying import RetryPolicy


class InlineBodyRefused(Exception):  # noqa: N818 - a signal within the library, never seen by its callers
    """The region's SageMaker does not know the inline ``Body``; nothing was accepted."""


def has_inline_body(client: SageMakerRuntimeClient) -> bool:
    """Whether this SDK knows the inline ``Body``, which came with botocore 1.43.29."""
    shape = client.meta.service_model.operation_model("InvokeEndpointAsync").input_shape
    return shape is not None and "Body" in shape.members


def send(
    client: SageMakerRuntimeClient, parameters: Mapping[str, Any], *, retry: RetryPolicy, clock: Clock
) -> InvokeEndpointAsyncOutputTypeDef:
    """Submit one request and return the service's response.

    Args:
        client: Makes one attempt per call.
        parameters: Of ``InvokeEndpointAsync``.
        retry: How patiently to repeat what was certainly not accepted.
        clock: Time and chance.

    Raises:
        InvalidRequest: SageMaker refused it.
        PermissionDenied: the caller may not invoke the endpoint.
        EndpointUnavailable: there is no such endpoint, or SageMaker failed; ``submission_unknown`` says whether the
            request may nevertheless have been accepted.
        InlineBodyRefused: see there.
    """
    try:
        return retrying.call(
            lambda: client.invoke_endpoint_async(**parameters),
            may_repeat=aws_errors.was_not_accepted,
            policy=retry,
            clock=clock,
        )
    except (BotoCoreError, ClientError) as error:
        if aws_errors.is_transient(error) and not aws_errors.was_not_accepted(error):
            raise _unknown(parameters, error) from error
        if isinstance(error, ClientError) and aws_errors.code(error) in {"ValidationError", "ValidationException"}:
            raise _refused(parameters, error) from error
        aws_errors.raise_for_caller(
            error, action="sagemaker:InvokeEndpointAsync", resource=f"endpoint {parameters['EndpointName']}"
        )


def _unknown(parameters: Mapping[str, Any], error: Exception) -> EndpointUnavailable:
    inference_id = parameters["InferenceId"]
    return EndpointUnavailable(
        f"it is not known whether endpoint {parameters['EndpointName']} accepted inference id {inference_id}: "
        f"{' '.join(str(error).split())}",
        advice=remedies.SUBMISSION_UNKNOWN,
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
