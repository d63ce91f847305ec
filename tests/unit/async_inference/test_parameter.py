"""Finding an endpoint: from the SSM parameter, from JSON, and what is said when that fails."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

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
from async_inference.configuration import Consumer, InputLocation, Limits, Prefixes, parameter_name
from tests.unit.async_inference.fake_aws import CONFIGURATION, OUTPUT, FakeAws, service_error

NAME = "/async-inference/local/ocr"


@pytest.fixture
def session(aws: FakeAws) -> boto3.Session:
    """A session with credentials and a region of its own."""
    session = boto3.Session(aws_access_key_id="ASSUMED", aws_secret_access_key="x", region_name="eu-north-1")  # noqa: S106 - accepted by nobody
    aws.serve(session.events)
    return session


@pytest.fixture
def default_session(aws: FakeAws, monkeypatch: pytest.MonkeyPatch) -> None:
    """The session that boto3 makes of the environment."""
    session = boto3.Session()
    aws.serve(session.events)
    monkeypatch.setattr(boto3, "Session", lambda: session)


def parameter(value: str) -> tuple[int, dict[str, str], bytes]:
    """Return SSM's answer."""
    return 200, {}, json.dumps({"Parameter": {"Name": NAME, "Value": value}}).encode()


@pytest.mark.usefixtures("default_session")
def test_an_endpoint_configures_itself_from_its_parameter(aws: FakeAws) -> None:
    """The name and the region are all that a caller has to know."""
    aws.fail("GetParameter", parameter(json.dumps(CONFIGURATION.to_dict())))

    endpoint = AsyncEndpoint.from_parameter(NAME, "eu-west-1")

    assert endpoint.configuration == CONFIGURATION
    assert aws.requests[0].location == "ssm.eu-west-1.amazonaws.com"
    assert json.loads(aws.requests[0].body) == {"Name": NAME}


@pytest.mark.usefixtures("default_session")
def test_the_region_defaults_to_the_callers(aws: FakeAws) -> None:
    """As everything with boto3."""
    aws.fail("GetParameter", parameter(json.dumps(CONFIGURATION.to_dict())))

    AsyncEndpoint.from_parameter(NAME)

    assert aws.requests[0].location == "ssm.us-east-1.amazonaws.com"


def test_a_session_is_used_for_everything(aws: FakeAws, session: boto3.Session) -> None:
    """A profile or an assumed role: for the parameter in the session's region, for the endpoint in its own."""
    aws.fail("GetParameter", parameter(json.dumps(CONFIGURATION.to_dict())))
    aws.put(OUTPUT, b"1")

    AsyncEndpoint.from_parameter(NAME, session=session).submit(b"x" * 128_001).result()

    assert aws.operations() == ["GetParameter", "PutObject", "InvokeEndpointAsync", "GetObject"]
    assert aws.requests[0].location == "ssm.eu-north-1.amazonaws.com"
    signed = [
        re.findall(r"Credential=(\w+)/\d+/([\w-]+)/", request.headers["authorization"]) for request in aws.requests
    ]
    assert [[("ASSUMED", "eu-north-1")], *[[("ASSUMED", "eu-west-1")]] * 3] == signed


def test_a_session_beside_clients_is_refused(aws: FakeAws, session: boto3.Session) -> None:
    """One of the two would silently not be used."""
    with pytest.raises(ConfigurationError, match=r"^clients and session: got both, expected at most one"):
        AsyncEndpoint(CONFIGURATION, clients=aws.clients, session=session)


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
        (
            parameter('{"schema": 1}'),
            ConfigurationError,
            f"parameter {NAME}: the endpoint's configuration: 'bucket' is missing: deploy the endpoint again",
        ),
    ],
)
@pytest.mark.usefixtures("default_session")
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
        input_locations=(InputLocation(bucket="scans", prefix="inbox/"), InputLocation(bucket="archive")),
    )

    assert configuration == EndpointConfiguration.from_json(json.dumps(configuration.to_dict()))


def test_a_document_of_before_jobs_were_counted_is_read() -> None:
    """It leaves the switch out, which then is off."""
    document = CONFIGURATION.to_dict()
    del document["count_jobs_in_flight"]

    assert EndpointConfiguration.from_dict(document) == CONFIGURATION
    assert EndpointConfiguration.from_dict(document | {"count_jobs_in_flight": True}).count_jobs_in_flight


def test_a_document_of_before_inputs_could_lie_elsewhere_is_read() -> None:
    """It leaves the places out, of which there then are none."""
    document = CONFIGURATION.to_dict()
    del document["input_locations"]

    assert EndpointConfiguration.from_dict(document).input_locations == ()


DOCUMENT: dict[str, Any] = CONFIGURATION.to_dict() | {"consumers": {"reports": {"queue_url": "https://sqs/reports"}}}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"schema": True}, " has schema True, this client reads 1"),
        ({"schema": 1.0}, " has schema 1.0, this client reads 1"),
        ({"extra\n": 1}, ": 'extra\\n' is unknown"),
        ({"endpoint_name": 5}, ": 'endpoint_name' is int, expected a text that is not empty"),
        ({"endpoint_name": ""}, ": 'endpoint_name' is '', expected a text that is not empty"),
        ({"region": None}, ": 'region' is NoneType, expected a text that is not empty"),
        ({"bucket": ["b"]}, ": 'bucket' is list, expected a text that is not empty"),
        ({"limits": None}, ": 'limits' is NoneType, expected an object"),
        ({"limits": {"max_job_seconds": 900}}, ": 'limits.request_ttl_seconds' is missing"),
        (
            {"limits": {"max_job_seconds": "900", "request_ttl_seconds": 60}},
            ": 'limits.max_job_seconds' is '900', expected 1",
        ),
        (
            {"limits": {"max_job_seconds": True, "request_ttl_seconds": 60}},
            ": 'limits.max_job_seconds' is True, expected 1",
        ),
        (
            {"limits": {"max_job_seconds": 900, "request_ttl_seconds": 59}},
            ": 'limits.request_ttl_seconds' is 59, expected 60",
        ),
        ({"prefixes": {"input": "i/", "output": "o/"}}, ": 'prefixes.failure' is missing"),
        ({"prefixes": {"input": "i/", "output": "o/", "failure": "f/", "x": 1}}, ": 'prefixes.x' is unknown"),
        (
            {"prefixes": {"input": "", "output": "o/", "failure": "f/"}},
            ": 'prefixes.input' is '', expected a text that ends",
        ),
        (
            {"prefixes": {"input": "i/", "output": "o", "failure": "f/"}},
            ": 'prefixes.output' is 'o', expected a text that",
        ),
        (
            {"prefixes": {"input": "i/", "output": "o/", "failure": 7}},
            ": 'prefixes.failure' is int, expected a text that",
        ),
        ({"count_jobs_in_flight": "yes"}, ": 'count_jobs_in_flight' is 'yes', expected true or false"),
        ({"input_locations": "scans"}, ": 'input_locations' is str, expected a list"),
        ({"input_locations": ["scans"]}, ": 'input_locations.0' is str, expected an object"),
        ({"input_locations": [{"bucket": "scans"}]}, ": 'input_locations.0.prefix' is missing"),
        (
            {"input_locations": [{"bucket": "scans", "prefix": "inbox"}]},
            ": 'input_locations.0.prefix' is 'inbox', expected a text that ends with a slash",
        ),
        ({"input_locations": [{"bucket": "", "prefix": ""}]}, ": 'input_locations.0.bucket' is '', expected a text"),
        ({"consumers": []}, ": 'consumers' is list, expected an object"),
        ({"consumers": {"reports": "https://sqs"}}, ": 'consumers.reports' is str, expected an object"),
        ({"consumers": {"reports": {}}}, ": 'consumers.reports.queue_url' is missing"),
        (
            {"consumers": {"reports": {"queue_url": None}}},
            ": 'consumers.reports.queue_url' is NoneType, expected a text",
        ),
    ],
)
def test_a_malformed_configuration_is_refused_by_the_name_of_its_member(changes: dict[str, Any], message: str) -> None:
    """Where it is read, and not with the first request."""
    assert EndpointConfiguration.from_dict(DOCUMENT).to_dict() == DOCUMENT

    with pytest.raises(ConfigurationError) as caught:
        EndpointConfiguration.from_dict(DOCUMENT | changes)

    assert str(caught.value).startswith(f"the endpoint's configuration{message}")
    assert str(caught.value).isprintable()


def test_the_parameters_name_follows_from_stage_and_endpoint() -> None:
    """The same for the stack that writes it and the caller who reads it."""
    assert parameter_name("local", "ocr") == NAME


def test_clients_that_retry_on_their_own_are_refused(aws: FakeAws) -> None:
    """A retried submission is another inference."""
    retrying = boto3.client("sagemaker-runtime", region_name="eu-west-1")

    with pytest.raises(ConfigurationError, match=r"^clients: sagemaker_runtime retries on its own"):
        Clients(sagemaker_runtime=retrying, s3=aws.clients.s3, s3_uploads=aws.clients.s3_uploads)
    with pytest.raises(ConfigurationError, match=r"^clients: cloudwatch retries on its own"):
        replace(aws.clients, cloudwatch=boto3.client("cloudwatch", region_name="eu-west-1"))


def test_no_answer_is_waited_for_longer_than_is_promised() -> None:
    """The polling function reckons with these bounds."""
    clients = Clients.connect("eu-west-1")

    configs: list[Any] = [clients.sagemaker_runtime.meta.config, clients.s3.meta.config]
    assert [(config.connect_timeout, config.read_timeout) for config in configs] == [(5, 20), (5, 10)]
