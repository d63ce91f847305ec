"""The order in which things are looked at: what everything else rests on comes first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError

from async_inference import remedies
from async_inference.clock import Clock
from async_inference.doctor import checks
from async_inference.doctor.facts import Inquiry, Known, Unknown
from async_inference.doctor.findings import Finding, ok, problem
from async_inference.exceptions import AsyncInferenceError
from async_inference.parameter import read_configuration

if TYPE_CHECKING:
    from collections.abc import Iterator

    from boto3 import Session

    from async_inference.configuration import EndpointConfiguration
    from async_inference.doctor.facts import Fact, Members


def examine(
    parameter: str, region: str | None = None, *, session: Session | None = None, clock: Clock | None = None
) -> Iterator[Finding]:
    """Look at an endpoint as its caller, and yield what is found as it is found.

    Args:
        parameter: ``/async-inference/<stage>/<endpoint>``.
        region: Where the parameter is; by default as boto3 finds it.
        session: The caller; by default with the default credentials.
        clock: What AWS's time is compared with.

    Yields:
        One finding for each thing looked at, good or bad. Without credentials or a parameter there is nothing to
        look at, so that is then the last.
    """
    import boto3  # noqa: PLC0415 - takes longer to import than all the rest

    session = session or boto3.Session()
    yield checks.sdk(boto3.__version__, request_fields(session))
    credentials = _credentials(session)
    yield credentials
    if credentials.remedy is None:
        configuration = _configuration(parameter, region, session)
        if isinstance(configuration, Finding):
            yield configuration
        else:
            yield ok("parameter", f"{parameter} describes an endpoint in {configuration.region}")
            yield from _of_endpoint(configuration, Inquiry(configuration, session=session, clock=clock or Clock()))


def _of_endpoint(configuration: EndpointConfiguration, inquiry: Inquiry) -> Iterator[Finding]:
    name = configuration.endpoint_name
    yield checks.endpoint(inquiry.endpoint(), name)
    yield checks.scalable_target(inquiry.scalable_targets())
    policies = inquiry.scaling_policies()
    yield checks.scaling_policies(policies, name)
    yield checks.wake_alarm(_alarms(inquiry, policies), name)
    listing = inquiry.listing()
    for prefix in (configuration.prefixes.output, configuration.prefixes.failure):
        yield checks.results(prefix, inquiry.absent_object(prefix), listing)
    for consumer, queue in sorted(configuration.consumers.items()):
        yield checks.queue(consumer, inquiry.queue(queue.queue_url))
    yield checks.clock(inquiry.clock_differences)


def _alarms(inquiry: Inquiry, policies: Fact[list[Members]]) -> Fact[list[Members]]:
    """Return the alarms of all step scaling policies; those of target tracking are AWS's own."""
    if isinstance(policies, Unknown):
        return policies
    alarms: list[Members] = []
    for policy in policies.value:
        if policy["PolicyType"] == "StepScaling":
            found = inquiry.alarms(policy["PolicyARN"])
            if isinstance(found, Unknown):
                return found
            alarms += found.value
    return Known(alarms)


def request_fields(session: Session) -> set[str]:
    """Return the fields of a request that the installed boto3 knows."""
    # A model of the service needs a region, but no region's in particular.
    model = session.client("sagemaker-runtime", region_name=session.region_name or "us-east-1").meta.service_model
    shape = model.operation_model("InvokeEndpointAsync").input_shape
    return set(shape.members) if shape else set()


def _credentials(session: Session) -> Finding:
    try:
        credentials = session.get_credentials()
    except BotoCoreError as error:
        return problem("credentials", " ".join(str(error).split()), remedies.CREDENTIALS_MISSING)
    if credentials is None:
        return problem("credentials", "there are none", remedies.CREDENTIALS_MISSING)
    return ok("credentials", f"found by {credentials.method}")


def _configuration(parameter: str, region: str | None, session: Session) -> EndpointConfiguration | Finding:
    try:
        return read_configuration(parameter, region, session)
    except AsyncInferenceError as error:
        return problem("parameter", str(error), error.remedy)
    except BotoCoreError as error:
        return problem("parameter", " ".join(str(error).split()), remedies.CALLER_SET_UP)
