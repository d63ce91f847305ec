"""The retry policy: what is repeated, how long, and that nothing else is."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionClosedError,
    EndpointConnectionError,
    IncompleteReadError,
    NoCredentialsError,
    ReadTimeoutError,
)
from hypothesis import given
from hypothesis import strategies as st

from async_inference import ConfigurationError, RetryPolicy
from async_inference.aws_errors import is_transient, was_not_accepted
from async_inference.retrying import call
from tests.unit.async_inference.fake_aws import FakeTime

URL = "https://s3.eu-west-1.amazonaws.com"


def client_error(code: str, status: int) -> ClientError:
    """Return the error that botocore makes of such a response."""
    response: Any = {"Error": {"Code": code, "Message": "m"}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(response, "Operation")


@pytest.mark.parametrize(
    ("error", "transient", "not_accepted"),
    [
        (client_error("SlowDown", 503), True, True),
        (client_error("ThrottlingException", 400), True, True),
        (client_error("Anything", 429), True, True),
        (client_error("InternalError", 500), True, False),
        (client_error("ServiceUnavailable", 503), True, False),
        (client_error("502", 502), True, False),
        (client_error("RequestTimeout", 400), True, False),
        (EndpointConnectionError(endpoint_url=URL), True, True),
        (ReadTimeoutError(endpoint_url=URL), True, False),
        (ConnectionClosedError(endpoint_url=URL), True, False),
        (IncompleteReadError(actual_bytes=1, expected_bytes=2), True, False),
        (client_error("AccessDenied", 403), False, False),
        (client_error("NoSuchKey", 404), False, False),
        (client_error("ValidationError", 400), False, False),
        (client_error("ModelError", 424), False, False),
        (NoCredentialsError(), False, False),
    ],
)
def test_errors_are_told_apart(error: BotoCoreError | ClientError, *, transient: bool, not_accepted: bool) -> None:
    """A question may be repeated after what passes by itself; a submission only after what was not accepted."""
    assert (transient, not_accepted) == (is_transient(error), was_not_accepted(error))


def test_pauses_grow_to_the_maximum_within_the_budget() -> None:
    """Without luck each pause is at its longest."""
    time = FakeTime()

    def fail() -> None:
        raise EndpointConnectionError(endpoint_url=URL)

    with pytest.raises(EndpointConnectionError):
        call(fail, may_repeat=is_transient, policy=RetryPolicy(budget_seconds=60), clock=time.clock)

    assert time.slept == [0.5, 1, 2, 4, 8, 16, 20]


@given(luck=st.floats(0.001, 1), budget=st.floats(0, 300), until=st.floats(-10, 300), question_seconds=st.floats(0, 30))
def test_no_pause_goes_beyond_budget_or_deadline(
    luck: float, budget: float, until: float, question_seconds: float
) -> None:
    """So a question that keeps failing ends, and a caller's timeout holds, whoever sets back the wall clock."""
    time = FakeTime(luck=luck)
    start = time.monotonic
    ended_pauses: list[float] = []

    def fail() -> None:
        ended_pauses.append(time.monotonic)
        time.advance(question_seconds)
        time.now -= 3_600
        raise EndpointConnectionError(endpoint_url=URL)

    with pytest.raises(EndpointConnectionError):
        call(
            fail,
            may_repeat=is_transient,
            policy=RetryPolicy(budget_seconds=budget),
            clock=time.clock,
            until=start + until,
        )

    assert max(ended_pauses[1:], default=start) <= start + max(0, min(question_seconds + budget, until))


def test_a_question_that_took_long_before_it_failed_is_asked_again() -> None:
    """The budget is for failing: a large download takes longer than that."""
    time = FakeTime()
    answers = iter([IncompleteReadError(actual_bytes=1, expected_bytes=2), None])

    def ask() -> str:
        time.advance(3_600)
        error = next(answers)
        if error:
            raise error
        return "answer"

    assert call(ask, may_repeat=is_transient, policy=RetryPolicy(), clock=time.clock) == "answer"


def test_full_jitter_reaches_down_to_no_pause() -> None:
    """Callers that were throttled together do not come back together."""
    time = FakeTime(luck=0.0)
    answers = iter([client_error("SlowDown", 503), None])

    def ask() -> str:
        error = next(answers)
        if error:
            raise error
        return "answer"

    assert call(ask, may_repeat=is_transient, policy=RetryPolicy(), clock=time.clock) == "answer"
    assert time.slept == [0.0]


@pytest.mark.parametrize("error", [client_error("AccessDenied", 403), KeyError("bug")])
def test_what_does_not_pass_by_itself_is_not_repeated(error: Exception) -> None:
    """Neither a refusal nor a bug."""
    time = FakeTime()

    def fail() -> None:
        raise error

    with pytest.raises(type(error)):
        call(fail, may_repeat=is_transient, policy=RetryPolicy(), clock=time.clock)

    assert time.slept == []


def test_no_budget_means_one_question() -> None:
    """Retrying can be switched off."""
    time = FakeTime(luck=0.0)

    def fail() -> None:
        raise EndpointConnectionError(endpoint_url=URL)

    with pytest.raises(EndpointConnectionError):
        call(fail, may_repeat=is_transient, policy=RetryPolicy(budget_seconds=0), clock=time.clock)

    assert time.slept == []


@pytest.mark.parametrize("budget", [-1.0, float("nan"), float("inf")])
def test_a_budget_that_never_ends_is_refused(budget: float) -> None:
    """When the policy is made."""
    with pytest.raises(ConfigurationError, match=r"^retry: budget_seconds is"):
        RetryPolicy(budget_seconds=budget)


def test_pauses_that_cannot_be_are_refused() -> None:
    """By the same rules as polling."""
    with pytest.raises(ConfigurationError, match=r"^retry: factor is 0, expected at least 1"):
        RetryPolicy(factor=0)
