"""Finding an endpoint: from the SSM parameter, from JSON, and what is said when that fails."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from async_inference import (
    AsyncEndpoint,
    Clients,
    ConfigurationError,
    EndpointConfiguration,
    EndpointUnavailable,
    PermissionDenied,
)
from async_inference.configuration import Consumer, Limits, Prefixes, parameter_name
from tests.unit.async_inference.fake_aws import CONFIGURATION, FakeAws, service_error

if TYPE_CHECKING:
    from collections.abc import Callable

NAME = "/async-inference/local/ocr"


@pytest.fixture
def regions(aws: FakeAws, monkeypatch: pytest.MonkeyPatch) -> list[str | None]:
    """The regions in which SSM was asked."""
    regions: list[str | None] = []
    client: Callable[..., Any] = boto3.client

    def served(service: str, *, region_name: str | None, config: object) -> Any:  # noqa: ANN401 - any boto3 client
        regions.append(region_name)
        made = client(service, region_name=region_name, config=config)
        aws.serve(made)
        return made

    monkeypatch.setattr(boto3, "client", served)
    return regions


def parameter(value: str) -> tuple[int, dict[str, str], bytes]:
    """Return SSM's answer."""
    return 200, {}, json.dumps({"Parameter": {"Name": NAME, "Value": value}}).encode()


def test_an_endpoint_configures_itself_from_its_parameter(aws: FakeAws, regions: list[str | None]) -> None:
    """The name and the region are all that a caller has to know."""
    aws.fail("GetParameter", parameter(json.dumps(CONFIGURATION.to_dict())))

    endpoint = AsyncEndpoint.from_parameter(NAME, "eu-west-1")

    assert endpoint.configuration == CONFIGURATION
    assert regions == ["eu-west-1"]
    assert json.loads(aws.requests[0].body) == {"Name": NAME}


def test_the_region_defaults_to_the_callers(aws: FakeAws, regions: list[str | None]) -> None:
    """As everything with boto3."""
    aws.fail("GetParameter", parameter(json.dumps(CONFIGURATION.to_dict())))

    AsyncEndpoint.from_parameter(NAME)

    assert regions == [None]


@pytest.mark.parametrize(
    ("answer", "error", "message"),
    [
        (
            service_error(400, "ParameterNotFound"),
            ConfigurationError,
            f"there is no parameter {NAME} in us-east-1: is the stack deployed there?",
        ),
        (
            service_error(400, "AccessDeniedException", "User u is not authorized to perform: ssm:GetParameter"),
            PermissionDenied,
            f"AWS does not allow ssm:GetParameter on parameter {NAME} (AccessDeniedException)",
        ),
        (
            service_error(400, "ValidationException", "bad name"),
            EndpointUnavailable,
            f"ssm:GetParameter on parameter {NAME} failed with ValidationException: bad name",
        ),
        (parameter("{"), ConfigurationError, f"parameter {NAME}: the endpoint's configuration is not JSON ("),
        (
            parameter("[]"),
            ConfigurationError,
            f"parameter {NAME}: the endpoint's configuration is of type list, expected an",
        ),
        (parameter('{"schema": 2}'), ConfigurationError, f"parameter {NAME}: the endpoint's configuration has schema"),
        (parameter('{"schema": 1}'), ConfigurationError, f"parameter {NAME}: the endpoint's configuration does not"),
    ],
)
@pytest.mark.usefixtures("regions")
def test_what_is_wrong_with_the_parameter_is_told_in_one_line(
    aws: FakeAws,
    answer: Any,  # noqa: ANN401 - either kind
    error: type[Exception],
    message: str,
) -> None:
    """With the name that was asked for."""
    aws.fail("GetParameter", answer)

    with pytest.raises(error) as caught:
        AsyncEndpoint.from_parameter(NAME)

    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


def test_a_configuration_survives_json() -> None:
    """With its consumers."""
    configuration = EndpointConfiguration(
        endpoint_name="e",
        region="r",
        bucket="b",
        limits=Limits(max_job_seconds=1, request_ttl_seconds=60),
        prefixes=Prefixes(input="in/"),
        consumers={"reports": Consumer(queue_url="https://sqs/reports")},
    )

    assert configuration == EndpointConfiguration.from_json(json.dumps(configuration.to_dict()))


def test_the_parameters_name_follows_from_stage_and_endpoint() -> None:
    """The same for the stack that writes it and the caller who reads it."""
    assert parameter_name("local", "ocr") == NAME


def test_clients_that_retry_on_their_own_are_refused(aws: FakeAws) -> None:
    """A retried submission is another inference."""
    retrying = boto3.client("sagemaker-runtime", region_name="eu-west-1")

    with pytest.raises(ConfigurationError, match=r"^clients: sagemaker_runtime retries on its own"):
        Clients(sagemaker_runtime=retrying, s3=aws.clients.s3, s3_uploads=aws.clients.s3_uploads)
