"""The function's shell: its environment, its context, its one endpoint."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from async_inference import AsyncEndpoint, Clients, ConfigurationError, InvalidRequest
from lambda_src.polling import handler as module
from lambda_src.polling.environment import ENDPOINT_CONFIGURATION, Environment
from tests.unit.async_inference.fake_aws import CONFIGURATION, OUTPUT, FakeAws

if TYPE_CHECKING:
    from collections.abc import Iterator

VALUE = json.dumps(CONFIGURATION.to_dict())


class Context:
    """Lambda's context in an invocation that has a minute."""

    def get_remaining_time_in_millis(self) -> int:
        """Return what is left."""
        return 60_000


@pytest.fixture(autouse=True)
def new_execution_environment() -> Iterator[None]:
    """Lambda keeps module state between invocations; tests do not."""
    module._endpoint.cache_clear()
    yield
    module._endpoint.cache_clear()


def test_the_environment_is_the_endpoints_configuration() -> None:
    """The same JSON as in the SSM parameter."""
    assert Environment.from_env({ENDPOINT_CONFIGURATION: VALUE}) == Environment(CONFIGURATION)


@pytest.mark.parametrize(
    ("variables", "problem"),
    [
        ({}, " is not set: deploy the stack again"),
        ({ENDPOINT_CONFIGURATION: ""}, " is not set: deploy the stack again"),
        ({ENDPOINT_CONFIGURATION: "{"}, ": the endpoint's configuration is not JSON ("),
        ({ENDPOINT_CONFIGURATION: "7"}, ": the endpoint's configuration is of type int, expected an object"),
        ({ENDPOINT_CONFIGURATION: '{"schema": 9}'}, ": the endpoint's configuration has schema 9, this client reads 1"),
    ],
)
def test_a_wrong_environment_is_told_in_one_line(variables: dict[str, str], problem: str) -> None:
    """With the name of the variable."""
    with pytest.raises(ConfigurationError) as caught:
        Environment.from_env(variables)

    assert str(caught.value).startswith(f"the environment variable ENDPOINT_CONFIGURATION{problem}")
    assert str(caught.value).isprintable()


def test_the_handler_makes_its_endpoint_once(aws: FakeAws, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the environment, with clients that the next invocations share."""
    monkeypatch.setenv(ENDPOINT_CONFIGURATION, VALUE)
    made: list[str] = []

    def connect(region: str, _: object, *, sqs: bool, cloudwatch: bool) -> Clients:
        assert not sqs
        assert not cloudwatch
        made.append(region)
        return aws.clients

    monkeypatch.setattr(Clients, "connect", connect)
    aws.put(OUTPUT, b"[1]")

    answers = [module.handler({"payload": 1}, Context()) for _ in range(2)]

    assert [answer["result"]["json"] for answer in answers] == [[1], [1]]
    assert made == ["eu-west-1"]
    assert isinstance(module._endpoint(), AsyncEndpoint)


def test_the_handler_raises_what_it_cannot_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """So Lambda reports the error's type and message."""
    monkeypatch.setenv(ENDPOINT_CONFIGURATION, VALUE)

    with pytest.raises(InvalidRequest, match=r"^event: got nothing"):
        module.handler({}, Context())
