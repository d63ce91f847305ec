"""The rounds of a run, with everything around the runner in the test's hands."""

from __future__ import annotations

import itertools
import threading
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from async_inference import Clock, InvalidRequest, RetryPolicy
from async_inference.batches.attempts import Submission
from async_inference.batches.deliveries import CHUNK, Deliveries
from async_inference.batches.events import Accepted, Failed, Intended, Refused, Succeeded, Unknown
from async_inference.batches.items import Item
from async_inference.batches.ledger import Ledger
from async_inference.batches.options import Options
from async_inference.batches.runner import Runner
from async_inference.batches.state import State
from async_inference.batches.waiting_room import WaitingRoom

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from async_inference.batches.events import Event, Settled

OUTPUT = "s3://payloads-bucket/output"


def result(item: int, attempt: int) -> Succeeded:
    """Return the settlement that an attempt's output means."""
    return Succeeded(item, attempt, "page", f"{OUTPUT}/{item}-{attempt}", "text/plain")


class Bench:
    """One run, its threads and its time; every reading of the clock takes a moment, as in life."""

    def __init__(self, *happened: Event) -> None:
        ticks = itertools.count()
        self.slept = 0.0
        self.clock = Clock(monotonic=lambda: self.slept + next(ticks) * 1e-6, now=lambda: 1_800_000_000.0)
        self.stop = threading.Event()
        self.state = State(1, on_unknown="resubmit", max_attempts=1)
        self.journal: list[Event] = []
        self.renewals = 0
        self.deliveries = Deliveries(None, ())
        self.ended: list[Any] = []
        self.looks = 0
        self.waits: list[float] = []
        self.tasks: list[tuple[Callable[[], Any], Callable[[Any], None]]] = []
        self.submission: Submission | None = None
        self.on_wait: Callable[[], None] = lambda: None
        for event in happened:
            self.state.apply(event)

    def run(self) -> None:
        """Run the batch to its end."""
        journal: Any = SimpleNamespace(append=self.journal.extend)
        attempts: Any = SimpleNamespace(
            context=SimpleNamespace(clock=self.clock, retry=RetryPolicy()),
            options=Options(),
            request_ttl_seconds=600,
            longest_job_seconds=300,
            job=lambda attempt: SimpleNamespace(output_location=attempt),
            submit=lambda *_: self.submission,
            outcome=lambda attempt, *_: result(attempt.item, attempt.attempt),
        )
        watch: Any = SimpleNamespace(
            add=self.ended.append, discard=lambda _: None, acknowledge=lambda _: None, tick=self.tick, pause=lambda: 0.0
        )
        around: dict[str, Any] = {
            "lease": SimpleNamespace(renew=self.renew, renew_at=15.0),
            "items": SimpleNamespace(read=lambda _: Item("page", None, b"page")),
            "deliveries": self.deliveries,
        }
        ledger = Ledger(journal, self.state, self.clock)
        Runner(
            ledger=ledger,
            attempts=attempts,
            room=WaitingRoom(watch),
            workers=self,
            stop=self.stop,
            report=lambda: None,
            **around,
        ).run()

    def renew(self) -> None:
        """Count the rounds."""
        self.renewals += 1

    def tick(self) -> Iterable[Any]:
        """Tell of everything that is waited for as ended."""
        self.looks += 1
        ended, self.ended[:] = list(self.ended), []
        return ended

    def start(self, task: Callable[[], Any], then: Callable[[Any], None]) -> None:
        """Begin something in a thread."""
        self.tasks.append((task, then))

    def wait(self, seconds: float) -> None:
        """Let all that was begun come to its end, unless the test has other plans."""
        self.waits.append(seconds)
        assert len(self.waits) < 100, "the run does not come to its end"
        self.slept += min(seconds, 0.5)
        self.on_wait()

    def finish(self) -> None:
        """Let the first thing that was begun come to its end."""
        task, then = self.tasks.pop(0)
        then(task())


@pytest.fixture(name="bench")
def new_bench() -> Bench:
    """A run of one item, whose first attempt was accepted earlier."""
    return Bench(Intended(0, 1), Accepted(0, 1, f"{OUTPUT}/0-1", None, 1_800_000_000.0))


def test_a_run_looks_for_outcomes_though_time_passes_while_it_decides(bench: Bench) -> None:
    """What is due at once is due at a moment that lies in the past when it is compared with the next."""
    bench.on_wait = bench.finish
    bench.run()

    assert bench.looks == 1
    assert bench.journal == [result(0, 1)]


def test_a_run_that_was_stopped_rests_while_a_submission_hangs() -> None:
    """There is nothing to do but wait, whatever would be due otherwise; what comes of it is recorded."""
    bench = Bench()
    bench.submission = Submission((Refused(0, 1),))

    def hang() -> None:
        bench.stop.set()
        if len(bench.waits) == 60:
            bench.finish()

    bench.on_wait = hang
    bench.run()

    assert all(seconds > 0 for seconds in bench.waits[1:])
    assert bench.journal == [Intended(0, 1), Refused(0, 1)]


def test_an_item_that_an_earlier_attempt_has_settled_is_not_settled_by_the_refusal_of_a_later_one() -> None:
    """Its result comes while the other is being submitted, which takes long."""
    bench = Bench(Intended(0, 1), Unknown(0, 1, 1_800_000_000.0))
    refusal = InvalidRequest("no")
    bench.submission = Submission((Refused(0, 2), Failed(0, 2, "page", "InvalidRequest", str(refusal))))

    def look_first() -> None:
        bench.finish()  # the look at the earlier attempt
        bench.finish()  # the submission

    bench.on_wait = look_first
    bench.run()

    assert bench.journal == [Intended(0, 2), result(0, 1), Refused(0, 2)]


class FullSink:
    """A sink that has every result."""

    def __init__(self) -> None:
        self.asked_for: list[int] = []

    def has(self, settled: Settled) -> bool:
        """Whether the result is there."""
        self.asked_for.append(settled.item)
        return True

    def deliver(self, settled: Settled) -> None:
        """Refuse what nobody should deliver."""
        raise AssertionError(settled)

    def close(self) -> None:
        """Nothing is open."""


def test_a_run_goes_on_while_it_looks_for_results_that_are_missing_here() -> None:
    """The lease is renewed and a stop is noticed between the chunks of a huge journal; nothing waits in between."""
    bench = Bench(Intended(0, 1), result(0, 1))
    sink = FullSink()
    bench.deliveries = Deliveries(sink, (result(item, 1) for item in range(5 * CHUNK)))
    bench.run()

    assert sink.asked_for == list(range(5 * CHUNK))
    assert bench.renewals >= 5
    assert set(bench.waits) == {0.0}


def test_a_run_that_is_stopped_looks_no_further() -> None:
    """The next one does."""
    bench = Bench(Intended(0, 1), result(0, 1))
    sink = FullSink()
    bench.deliveries = Deliveries(sink, (result(item, 1) for item in range(5 * CHUNK)))
    bench.on_wait = bench.stop.set
    bench.run()

    assert len(sink.asked_for) == CHUNK
