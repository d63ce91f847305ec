"""``map`` and ``invoke``: order, back-pressure, patience, and a second inference only where it was asked for."""

from __future__ import annotations

import json
from io import BytesIO
from typing import TYPE_CHECKING, Any

import pytest

from async_inference import InvalidRequest, ModelError, RequestExpired, ResultTimeout
from tests.unit.async_inference.fake_aws import service_error
from tests.unit.async_inference.fake_queue import CONSUMER, FakeQueueAws

if TYPE_CHECKING:
    from collections.abc import Iterator

    from async_inference import Result
    from tests.unit.async_inference.fake_aws import Answer, Request

MODES = pytest.mark.parametrize("consumer", [None, CONSUMER], ids=["listing", "push"])


class WorkingAws(FakeQueueAws):
    """AWS with a model that takes a time of its own for each request, in turn, and answers with the payload."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds: list[float | None] = []
        self.fails: list[bool] = []
        self.accepts = 1_000
        self.unfinished: list[float] = []
        self.most_unfinished = 0

    def _invoke(self, request: Request) -> Answer:
        if len(self.sent("InvokeEndpointAsync")) > self.accepts:
            return service_error(400, "ValidationError", "the secret name of a field")
        answer = super()._invoke(request)
        failed = self.fails.pop(0) if self.fails else request.body == b"bad"
        seconds = self.seconds.pop(0) if self.seconds else 10.0
        self.unfinished = [end for end in self.unfinished if end > self.time.now]
        self.unfinished.append(float("inf") if seconds is None else self.time.now + seconds)
        self.most_unfinished = max(self.most_unfinished, len(self.unfinished))
        if seconds is not None:
            place = self.failure_location if failed else self.output_location
            self.put(str(place), request.body, after=seconds)
            self.tell(self._notice(request, failed=failed), after=seconds + 0.5)
        return answer

    def _notice(self, request: Request, *, failed: bool) -> str:
        ended = (
            {"invocationStatus": "Failed", "failureReason": "ClientError"}
            if failed
            else {"invocationStatus": "Completed", "responseParameters": {"outputLocation": self.output_location}}
        )
        inference_id = request.headers["x-amzn-sagemaker-inference-id"]
        return json.dumps({"eventName": "InferenceResult", "inferenceId": inference_id, **ended})


@pytest.fixture
def working() -> Iterator[WorkingAws]:
    """AWS with a model that works."""
    aws = WorkingAws()
    yield aws
    aws.close()


@MODES
def test_results_come_in_the_order_of_their_payloads(working: WorkingAws, consumer: str | None) -> None:
    """Whatever the order in which they are ready."""
    working.seconds = [200.0, 10.0, 100.0]

    results = list(working.endpoint(consumer=consumer).map([b"0", b"1", b"2"], accept="text/plain"))

    assert [result.content for result in results] == [b"0", b"1", b"2"]
    assert {request.headers["x-amzn-sagemaker-accept"] for request in working.sent("InvokeEndpointAsync")} == {
        "text/plain"
    }


def test_payloads_are_taken_as_the_model_keeps_up(working: WorkingAws) -> None:
    """Never more unfinished than allowed, and none before the first result is asked for."""
    taken: list[int] = []

    def endless() -> Iterator[bytes]:
        while True:
            taken.append(len(taken))
            yield b"%d" % taken[-1]

    results = working.endpoint().map(endless(), max_unfinished=3)
    assert taken == []
    first = [next(results).content for _ in range(10)]

    assert first == [b"%d" % number for number in range(10)]
    assert working.most_unfinished == 3
    assert len(taken) <= 10 + 2 * 3


def test_an_error_comes_in_its_turn(working: WorkingAws) -> None:
    """What was refused ends the iteration after what was not, and so does a failure of the model."""
    endpoint = working.endpoint()
    results: list[Result] = []

    with pytest.raises(InvalidRequest, match="payload: is empty"):
        results.extend(endpoint.map([b"0", b"", b"2"]))
    with pytest.raises(ModelError):
        results.extend(endpoint.map([b"3", b"bad", b"4"]))

    assert [result.content for result in results] == [b"0", b"3"]
    assert b"2" not in [request.body for request in working.sent("InvokeEndpointAsync")]


def test_time_for_all_counts_from_the_call(working: WorkingAws) -> None:
    """The error names the next in order; a result that is there by then is yielded."""
    working.seconds = [10.0, 50.0, None]
    results = working.endpoint().map([b"0", b"1", b"2"], timeout=50)

    assert [next(results).content, next(results).content] == [b"0", b"1"]
    with pytest.raises(ResultTimeout, match="the next in order, within the time for all") as caught:
        next(results)
    assert caught.value.job is not None
    assert working.time.monotonic == pytest.approx(1_050, abs=1)


@pytest.mark.parametrize("max_unfinished", [0, -1, True, 1.5, "3", None])
def test_no_room_is_refused(working: WorkingAws, max_unfinished: Any) -> None:  # noqa: ANN401 - wrong on purpose
    """When the method is called."""
    with pytest.raises(InvalidRequest, match=r"^max_unfinished: got .*, expected a whole number of at least 1"):
        working.endpoint().map([], max_unfinished=max_unfinished)


def test_push_leaves_no_notice_of_what_was_yielded(working: WorkingAws) -> None:
    """By the end."""
    results = working.endpoint(consumer=CONSUMER).map([b"0", b"1"])

    assert len(list(results)) == 2
    assert (working.messages, len(working.deleted)) == ([], 2)


def test_push_keeps_no_notice_until_an_earlier_result_is_there(working: WorkingAws) -> None:
    """For an hour, say: after five receives the queue would take it for a dead letter."""
    working.seconds = [3_600.0, 10.0]
    results = working.endpoint(consumer=CONSUMER).map([b"0", b"1"])
    messages = working.messages

    next(results)

    assert [message.receives for message in messages] == [1, 1]


def test_an_invocation_is_one_request(working: WorkingAws) -> None:
    """Unless the caller asks for more."""
    working.seconds = [40.0, None]
    endpoint = working.endpoint()

    assert endpoint.invoke(b"x", timeout=60).content == b"x"
    with pytest.raises(ResultTimeout, match="within 60 s"):
        endpoint.invoke(b"x", timeout=60)
    assert len(working.sent("InvokeEndpointAsync")) == 2


@MODES
@pytest.mark.parametrize(("seconds", "winner"), [([90.0, 200.0], 1), ([200.0, 20.0], 2), ([20.0], 1)])
def test_the_first_attempt_to_succeed_wins(
    working: WorkingAws,
    caplog: pytest.LogCaptureFixture,
    consumer: str | None,
    seconds: list[float | None],
    winner: int,
) -> None:
    """The earlier ones are looked at to the end; each further submission is logged."""
    number = len(seconds)
    working.seconds = list(seconds)

    result = working.endpoint(consumer=consumer).invoke(b"x", timeout=60, attempts=3)

    headers = working.sent("InvokeEndpointAsync")[winner - 1].headers
    assert headers["x-amzn-sagemaker-inference-id"] == result.job.inference_id
    assert len(working.sent("InvokeEndpointAsync")) == number
    assert [message for message in caplog.messages if "submitted again" in message] == caplog.messages[: number - 1]


def test_attempts_end(working: WorkingAws) -> None:
    """By timeout, or because all have expired."""
    working.seconds = [None] * 4
    endpoint = working.endpoint()

    with pytest.raises(ResultTimeout, match="within 60 s"):
        endpoint.invoke(b"x", timeout=60, attempts=2)
    with pytest.raises(RequestExpired):
        endpoint.invoke(b"x", attempts=2, request_ttl_seconds=60, invocation_timeout_seconds=60)
    assert len(working.sent("InvokeEndpointAsync")) == 4


def test_a_models_failure_is_never_tried_again(working: WorkingAws) -> None:
    """It would fail alike."""
    with pytest.raises(ModelError):
        working.endpoint().invoke(b"bad", timeout=60, attempts=3)

    assert len(working.sent("InvokeEndpointAsync")) == 1


def inference_ids(working: WorkingAws) -> list[str]:
    """Return those of all submissions."""
    return [
        request.headers["x-amzn-sagemaker-inference-id"]
        for request in working.sent("InvokeEndpointAsync")
        if "x-amzn-sagemaker-inference-id" in request.headers
    ]


@MODES
@pytest.mark.parametrize("seconds", [[90.0, 40.0], [90.0, 29.0], [100.0, 30.0]])
@pytest.mark.parametrize("failed", [0, 1])
def test_a_failure_of_one_attempt_is_not_the_end_of_another(
    working: WorkingAws, consumer: str | None, seconds: list[float | None], failed: int
) -> None:
    """Even if both end in the same moment; nothing more is submitted after it."""
    working.seconds, working.fails = list(seconds), [number == failed for number in range(2)]

    result = working.endpoint(consumer=consumer).invoke(b"x", timeout=61, attempts=3)

    assert inference_ids(working)[1 - failed] == result.job.inference_id
    assert len(inference_ids(working)) == 2


@MODES
@pytest.mark.parametrize(("seconds", "last"), [([90.0, 30.0], 2), ([90.0, 40.0], 2), ([90.0, None], 2), ([10.0], 1)])
def test_a_failure_is_raised_if_nothing_succeeds(
    working: WorkingAws, consumer: str | None, seconds: list[float | None], last: int
) -> None:
    """That of the first attempt, if both end at once; no later attempt is made."""
    working.seconds, working.fails = list(seconds), [True, True]

    with pytest.raises(ModelError) as caught:
        working.endpoint(consumer=consumer).invoke(b"x", timeout=60, attempts=4)

    assert caught.value.job is not None
    assert inference_ids(working)[0] == caught.value.job.inference_id
    assert len(inference_ids(working)) == last


@MODES
@pytest.mark.parametrize("fails", [False, True])
def test_a_submission_that_fails_loses_no_earlier_attempt(
    working: WorkingAws, caplog: pytest.LogCaptureFixture, consumer: str | None, *, fails: bool
) -> None:
    """Its outcome is what counts; nothing more is submitted, and the log repeats no words of the error."""
    working.seconds, working.fails, working.accepts = [90.0], [fails], 1
    endpoint = working.endpoint(consumer=consumer)
    if fails:
        with pytest.raises(ModelError):
            endpoint.invoke(b"x", timeout=60, attempts=4)
    else:
        assert endpoint.invoke(b"x", timeout=60, attempts=4).content == b"x"

    assert len(inference_ids(working)) == 2
    assert [message for message in caplog.messages if "InvalidRequest" in message] == [
        f"submitting again failed with InvalidRequest: inference id {inference_ids(working)[0]} is waited for, alone"
    ]
    assert "secret" not in caplog.text


@pytest.mark.parametrize("expires", [False, True])
def test_a_submission_that_fails_is_raised_if_nothing_else_comes(working: WorkingAws, *, expires: bool) -> None:
    """With the job that is still under way, or has expired."""
    working.seconds, working.accepts = [None], 1

    with pytest.raises(InvalidRequest) as caught:
        working.endpoint().invoke(b"x", timeout=None if expires else 60, attempts=2, request_ttl_seconds=60)

    assert caught.value.job is not None
    assert caught.value.job.inference_id == inference_ids(working)[0]
    assert working.time.monotonic >= 1_120


def test_a_first_submission_that_fails_is_raised_at_once(working: WorkingAws) -> None:
    """Nothing is under way."""
    working.accepts = 0

    with pytest.raises(InvalidRequest):
        working.endpoint().invoke(b"x", timeout=60, attempts=3)

    assert (len(inference_ids(working)), working.time.slept) == (1, [])


@pytest.mark.parametrize(
    ("payload", "attempts", "message"),
    [
        (b"x", 0, "attempts: got 0, expected a whole number of at least 1"),
        (b"x", True, "attempts: got True, expected"),
        (BytesIO(b"x"), 2, "attempts: got 2, but the payload is a file object, which is read but once"),
    ],
)
def test_attempts_that_there_cannot_be_are_refused(
    working: WorkingAws,
    payload: Any,  # noqa: ANN401 - wrong on purpose
    attempts: int,
    message: str,
) -> None:
    """Before anything is submitted."""
    with pytest.raises(InvalidRequest) as caught:
        working.endpoint().invoke(payload, attempts=attempts)

    assert str(caught.value).startswith(message)
    assert working.requests == []
