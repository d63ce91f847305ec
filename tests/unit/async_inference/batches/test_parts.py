"""The parts of batches that decide, each by itself."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from async_inference import BatchBusy, Clock, EndpointUnavailable, InvalidRequest, RetryPolicy
from async_inference.batches import events
from async_inference.batches.events import Accepted, Ended, Failed, Intended, Refused, Succeeded, Unknown
from async_inference.batches.inputs import ItemNames
from async_inference.batches.items import Item
from async_inference.batches.journal import Fenced, Journal
from async_inference.batches.lease import Lease
from async_inference.batches.naming import Names, check_batch_id, new_batch_id
from async_inference.batches.owner import Owner
from async_inference.batches.patience import Patience
from async_inference.batches.state import State
from async_inference.batches.window import Window
from async_inference.batches.workers import Workers
from async_inference.locations import S3Location
from async_inference.storage import ObjectStore
from tests.unit.async_inference.fake_aws import BUCKET, CONFIGURATION, FakeAws, FakeTime, s3_error

if TYPE_CHECKING:
    from async_inference.batches.options import OnUnknown

NAMES = Names(CONFIGURATION, "b", "recording")
ACCEPTED = Accepted(0, 1, "s3://bucket/output", None, 0.0)
EXPIRED = Failed(0, 1, "page", "RequestExpired", "too late")
MODEL = Failed(0, 1, "page", "ModelError", "no image")


def state_after(*happened: events.Event, on_unknown: OnUnknown = "resubmit", max_attempts: int = 1) -> State:
    """Return the state of a batch of two items."""
    state = State(2, on_unknown=on_unknown, max_attempts=max_attempts)
    for event in happened:
        state.apply(event)
    return state


def store(aws: FakeAws, **retry: float) -> ObjectStore:
    """Return S3 as batches use it."""
    return ObjectStore(aws.clients, retry=RetryPolicy(**retry), clock=aws.time.clock)


@pytest.mark.parametrize(
    ("happened", "on_unknown", "candidates"),
    [
        ([], "resubmit", [Intended(0, 1), Intended(1, 1)]),
        ([Intended(0, 1)], "resubmit", [Intended(1, 1)]),
        ([Intended(0, 1), Refused(0, 1)], "resubmit", [Intended(0, 2), Intended(1, 1)]),
        ([Intended(0, 1), ACCEPTED], "resubmit", [Intended(1, 1)]),
        ([Intended(0, 1), Unknown(0, 1, 0.0)], "resubmit", [Intended(0, 2), Intended(1, 1)]),
        ([Intended(0, 1), Unknown(0, 1, 0.0)], "wait", [Intended(1, 1)]),
        ([Intended(0, 1), Unknown(0, 1, 0.0), Ended(0, 1)], "wait", [Intended(0, 2), Intended(1, 1)]),
        ([Intended(0, 1), ACCEPTED, MODEL], "resubmit", [Intended(1, 1)]),
        ([Failed(0, 0, "page", "InvalidRequest", "empty")], "resubmit", [Intended(1, 1)]),
    ],
)
def test_what_may_be_submitted(happened: list[events.Event], on_unknown: OnUnknown, candidates: list[Intended]) -> None:
    """Pending items first, then untouched ones; none that is on its way or settled."""
    state = state_after(*happened, on_unknown=on_unknown)

    assert list(state.candidates(9)) == candidates
    assert list(state.candidates(1)) == candidates[:1]
    assert list(state.candidates(-1)) == []
    assert state.on_its_way + len(candidates) + state.succeeded + state.failed == 2


@pytest.mark.parametrize(
    ("happened", "failed", "max_attempts", "verdict"),
    [
        ([Intended(0, 1), ACCEPTED], MODEL, 2, MODEL),
        ([Intended(0, 1), ACCEPTED], EXPIRED, 1, EXPIRED),
        ([Intended(0, 1), ACCEPTED], EXPIRED, 2, Ended(0, 1)),
        ([Intended(0, 1), Unknown(0, 1, 0.0)], MODEL, 1, Ended(0, 1)),
        ([Intended(0, 1), ACCEPTED, MODEL], MODEL, 1, None),
        ([Intended(0, 1), ACCEPTED, Ended(0, 1)], EXPIRED, 1, None),
        ([], MODEL, 1, None),
    ],
)
def test_what_a_failure_means(
    happened: list[events.Event], failed: Failed, max_attempts: int, verdict: events.Event | None
) -> None:
    """It is the item's if it is that of its accepted attempt, unless it may be submitted again."""
    assert state_after(*happened, max_attempts=max_attempts).judge(failed) == verdict


@pytest.mark.parametrize(
    "happened",
    [
        [Refused(0, 1)],
        [Intended(2, 1)],
        [Intended(-1, 1)],
        [Intended(0, 1), Intended(0, 2)],
        [Intended(0, 1), ACCEPTED, Intended(0, 2)],
        [Intended(0, 2), Refused(0, 2), Intended(0, 1)],
        [Intended(0, 1), ACCEPTED, MODEL, MODEL],
        [Intended(0, 1), ACCEPTED, MODEL, Intended(0, 2)],
    ],
)
def test_what_cannot_be_is_refused(happened: list[events.Event]) -> None:
    """A journal that says so is damaged."""
    *possible, impossible = happened
    state = state_after(*possible)

    with pytest.raises(InvalidRequest, match=r"after what came before it"):
        state.apply(impossible)


def test_what_was_under_way_when_an_item_was_settled_is_counted() -> None:
    """An unknown attempt's result came while the next attempt was being submitted."""
    state = state_after(Intended(0, 1), Unknown(0, 1, 0.0), Intended(0, 2))
    state.apply(Succeeded(0, 1, "page", "s3://bucket/output", None))
    assert state.open_attempts() == [Intended(0, 2)]
    state.apply(Accepted(0, 2, "s3://bucket/other", None, 0.0))

    assert (state.submissions, state.unknown, state.resubmitted, state.succeeded) == (2, 1, 1, 1)
    assert state.outstanding() == []


@given(
    st.one_of(*(st.builds(kind) for kind in (Intended, Accepted, Refused, Unknown, Ended, Succeeded, Failed))).filter(
        lambda event: getattr(event, "at", 0.0) == getattr(event, "at", 0.0)
    )
)
def test_events_survive_the_journal(event: events.Event) -> None:
    """Whatever names and messages they carry, each is one line."""
    line = events.to_line(event)

    assert len(line.splitlines()) == 1
    assert events.from_line(line.encode()) == event


@pytest.mark.parametrize(
    "line", [b"", b"[]", b"{}", b'{"event": "refused", "item": 0}', b'{"event": "dreamt"}', b"\xff"]
)
def test_what_is_no_event_is_refused(line: bytes) -> None:
    """In one line."""
    with pytest.raises(InvalidRequest, match=r"is no event that this version knows"):
        events.from_line(line)


@given(
    name=st.text(min_size=1),
    content_type=st.none() | st.text(),
    payload=st.binary(min_size=1) | st.builds(S3Location, st.just("some-bucket"), st.text("abc/\n", min_size=1)),
)
def test_items_survive_their_segment(name: str, content_type: str | None, payload: bytes | S3Location) -> None:
    """Each is one line."""
    item = Item(name, content_type, payload)

    assert len(item.to_line().splitlines()) == 1
    assert Item.from_line(item.to_line()) == item


def test_the_window_starts_with_what_certainly_gets_its_turn() -> None:
    """One job after the other, each as long as it may be."""
    window = Window(100, request_ttl_seconds=7_200, invocation_timeout_seconds=1_800)

    assert window.size(0.0) == 5


def test_the_window_grows_with_what_is_observed_and_shrinks_when_nothing_comes() -> None:
    """Half of what would be worked on within the time to live, never more than the caller allows."""
    window = Window(1_000, request_ttl_seconds=600, invocation_timeout_seconds=600)
    window.submitted(0.0)
    for second in range(1, 301):
        window.finished(float(second))

    assert window.size(300.0) == 300
    assert window.size(1_200.0) == 30
    assert window.size(1e9) == 2
    assert Window(1, request_ttl_seconds=600, invocation_timeout_seconds=60).size(0.0) == 1


def test_patience_ends_with_the_budget_and_starts_anew_with_a_success() -> None:
    """Pauses grow meanwhile."""
    time = FakeTime()
    patience = Patience(
        RetryPolicy(initial_seconds=1.0, factor=2.0, maximum_seconds=8.0, budget_seconds=20.0), time.clock
    )
    pauses = []
    for _ in range(2):
        while patience.failed():
            pauses.append(patience.until - time.monotonic)
            time.advance(pauses[-1])
        patience.succeeded()
        assert patience.until <= time.monotonic

    assert pauses == [1.0, 2.0, 4.0, 8.0] * 2


def test_batch_ids_are_safe_and_new() -> None:
    """In keys and in inference ids; two of the same second differ."""
    first, second = new_batch_id(1_800_000_000.0), new_batch_id(1_800_000_000.0)

    assert first != second
    assert check_batch_id(first) == first
    assert first.startswith("20270115-080000-")
    for bad in ("", "-a", "a-", "a--b", "a_b", "A", "a" * 33, 7, None):
        with pytest.raises(InvalidRequest, match=r"^batch_id: got "):
            check_batch_id(bad)


def test_ids_of_a_consumer_start_with_its_name_and_fit() -> None:
    """Or the batch is refused before anything is recorded."""
    assert Names(CONFIGURATION, "b", "r", "billing").inference_id(7, 2) == "billing-b-00000007-002"
    Names(CONFIGURATION, "b" * 32, "r", "c" * 18).check()
    with pytest.raises(InvalidRequest, match=r"^batch_id: b+ is 1 characters too long for the inference ids of "):
        Names(CONFIGURATION, "b" * 32, "r", "c" * 19).check()


@pytest.mark.parametrize(
    "name", ["", "/a", "a/", "a//b", "./a", "a/..", "a\\b", "a\nb", "x" * 201, "x/" * 600, "\ud800", 7]
)
def test_names_that_are_no_paths_are_refused(name: object) -> None:
    """By the item that has them."""
    with pytest.raises(InvalidRequest, match=r"^item 3: the name .* cannot be used: "):
        ItemNames().given(3, name)


def test_a_lost_answer_to_an_append_is_resolved_by_reading(aws: FakeAws) -> None:
    """The segment is there, and it is the writer's own; somebody else's fences the writer off."""
    journal, other = (Journal(store(aws), NAMES, Owner(name, "host", 1)) for name in "ab")
    put, lost = aws._put, [True]

    def lose_the_first(request: Any) -> Any:  # noqa: ANN401 - the fake's own types
        answer = put(request)
        return s3_error(500, "InternalError") if lost and lost.pop() else answer

    aws._put = lose_the_first  # type: ignore[method-assign]
    journal.append([Intended(0, 1)])

    assert journal.length == 1
    assert aws.operations() == ["PutObject", "PutObject", "GetObject"]
    with pytest.raises(Fenced, match=r"^process 1 on host$"):
        other.append([Intended(0, 1)])
    assert list(other.read()) == [Intended(0, 1)]
    other.append([Refused(0, 1)])
    assert list(other.read_again(2)) == [Intended(0, 1), Refused(0, 1)]


def test_a_lost_answer_to_a_renewal_is_resolved_by_reading(aws: FakeAws) -> None:
    """The lease goes on; that of the one who was replaced does not."""
    clock = aws.time.clock
    lease, other = (Lease(store(aws), NAMES, Owner(name, "host", 1), clock) for name in "ab")
    lease.acquire(take_over=False)
    put, lost = aws._put, [True]

    def lose_the_first(request: Any) -> Any:  # noqa: ANN401 - the fake's own types
        answer = put(request)
        return s3_error(500, "InternalError") if lost and lost.pop() else answer

    aws._put = lose_the_first  # type: ignore[method-assign]
    lease.renew()
    assert "PutObject" not in aws.operations()[2:]  # it is not due yet
    aws.time.advance(20.0)
    lease.renew()
    assert lease.renew_at == clock.monotonic() + 15.0 - aws.time.slept[-1]

    other.acquire(take_over=True)
    aws.time.advance(20.0)
    with pytest.raises(BatchBusy):
        lease.renew()
    lease.release()
    assert json.loads(aws.objects[f"s3://{BUCKET}/batches/b/lease.json"].content)["owner"]["id"] == "b"


@pytest.mark.parametrize("content", [b"", b"[]", b'{"schema": 2}'])
def test_a_lease_that_cannot_be_read_is_named(aws: FakeAws, content: bytes) -> None:
    """Nobody guesses whether somebody has it."""
    aws.put(f"s3://{BUCKET}/batches/b/lease.json", content)

    with pytest.raises(InvalidRequest, match=r"^batch b: its lease "):
        Lease(store(aws), NAMES, Owner.new(), aws.time.clock).acquire(take_over=True)


def test_an_append_that_nobody_answers_is_an_error(aws: FakeAws) -> None:
    """So that nothing of it is submitted."""
    aws.fail("PutObject", s3_error(503, "SlowDown"))

    with pytest.raises(EndpointUnavailable):
        Journal(store(aws, budget_seconds=0.0), NAMES, Owner.new()).append([Intended(0, 1)])


def test_workers_wait_no_longer_than_for_a_stop() -> None:
    """Answers are dealt with in the waiting thread, and what a task raises is raised there."""
    stop, time = threading.Event(), FakeTime()
    workers = Workers(time.clock, stop)
    answers: list[tuple[int, bool]] = []
    main = threading.current_thread()
    workers.start(lambda: 7, lambda answer: answers.append((answer, threading.current_thread() is main)))
    workers.wait(10.0)
    assert answers == [(7, True)]

    workers.wait(10.0)
    assert sum(time.slept) == 10.0
    workers.start(lambda: 1 // 0, lambda answer: answers.append((answer, False)))
    with pytest.raises(ZeroDivisionError):
        workers.wait(10.0)
    workers.close()

    stopping = Workers(Clock(monotonic=lambda: time.monotonic, sleep=lambda _: stop.set()), stop)
    stopping.wait(10.0)
    assert stop.is_set()
    stopping.close()
