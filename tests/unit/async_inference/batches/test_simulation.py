"""The promise of batches, on a simulated clock: crashes, stalls, lost answers and two owners, in any interleaving.

It is the real code that runs, from :meth:`Batch.run` down; only S3, SageMaker, the watch, the threads and time are
simulated, see :mod:`tests.unit.async_inference.batches.simulation`.
"""

from __future__ import annotations

import json
import random
import tempfile
import threading
from collections import Counter, defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from hypothesis import HealthCheck, event, given, note, settings
from hypothesis import strategies as st

from async_inference import BatchBusy, EndpointUnavailable, S3Location
from async_inference.batches import Options, batch, events, record, runner
from tests.unit.async_inference.batches.simulation import Crash, Process, Scheduler, Troubles, Workers, World

if TYPE_CHECKING:
    from collections.abc import Iterator

BATCH_ID = "b1"
LONGEST_SECONDS = 10_000.0


class Plan(NamedTuple):
    """What happens to one process."""

    crash_at: int | None
    stall_at: int | None
    stall_seconds: float


plans = st.builds(
    Plan,
    crash_at=st.none() | st.integers(1, 120),
    stall_at=st.none() | st.integers(1, 60),
    stall_seconds=st.sampled_from([1.0, 30.0, 500.0, LONGEST_SECONDS]),
)
likelihood = st.sampled_from([0.0, 0.1, 0.4])
troubles = st.builds(
    Troubles,
    left=st.sampled_from([0, 5, 50]),
    throttled=likelihood,
    unknown_lost=likelihood,
    unknown_arrived=likelihood,
    invalid=likelihood,
    lost_response=likelihood,
    spurious=likelihood,
    overlooked=likelihood,
)


@pytest.fixture(autouse=True)
def _simulated(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small groups, and what is done in threads is done in the process itself."""
    monkeypatch.setattr(runner, "GROUP_SIZE", 3)
    monkeypatch.setattr(batch, "Workers", lambda *_: Workers(_current()))


def _current() -> Process:
    process = threading.current_thread()
    assert isinstance(process, Process)
    return process


class Recorder(Process):
    """The process that records the batch, without trouble."""

    def __init__(self, scheduler: Scheduler, items: int, options: Options) -> None:
        super().__init__(scheduler, BATCH_ID, None)
        self._items = items
        self._options = options

    def run(self) -> None:
        """Record it."""
        self.go.acquire()
        try:
            inputs = (f"page {number}".encode() if number != 3 else b"" for number in range(self._items))
            record(self.context(), inputs, self._options, batch_id=BATCH_ID)
        except BaseException as error:
            self.error = error
            raise
        finally:
            self.end()


# How many examples is for the profile to say: a hundred, always the same, or thousands of others to search for more.
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    seed=st.integers(0, 2**32),
    items=st.integers(1, 9),
    options=st.builds(
        Options,
        max_unfinished=st.integers(1, 6),
        on_unknown=st.sampled_from(["resubmit", "wait"]),
        max_attempts=st.integers(1, 2),
    ),
    lives=st.lists(plans, min_size=1, max_size=6),
    troubles=troubles,
)
def test_every_item_ends_with_one_result_and_is_submitted_again_only_if_its_arrival_was_unknown(
    seed: int, items: int, options: Options, lives: list[Plan], troubles: Troubles
) -> None:
    """Whatever crashes, stalls and gets lost, and whoever takes over from whom while he is still alive."""
    world = World(random.Random(seed))  # noqa: S311 - no secret
    scheduler = Scheduler(world)
    with tempfile.TemporaryDirectory() as folder:
        record_batch(scheduler, items, options)
        world.troubles = troubles
        live_through(scheduler, lives, Path(folder))
        journal = journal_of(world)
        note("\n".join(map(str, journal)))
        check_settlements(journal, items)
        check_submissions(world, journal, options)
        arrivals, troubles.left = len(world.arrivals), 0
        check_results(scheduler, journal, Path(folder))
        assert len(world.arrivals) == arrivals  # bringing results back submits nothing


def record_batch(scheduler: Scheduler, items: int, options: Options) -> None:
    """Let one process record the batch."""
    recorder = Recorder(scheduler, items, options)
    scheduler.start(recorder)
    scheduler.run_until(lambda: False)
    assert recorder.error is None


def live_through(scheduler: Scheduler, lives: list[Plan], folder: Path) -> None:
    """Let one process after another work on the batch until one has come to the end."""
    remaining = iter(lives)
    for number in range(100):
        plan = next(remaining, Plan(None, None, 0.0))
        results = folder / (f"{number}.jsonl" if number % 2 else f"{number}")
        process = Process(scheduler, BATCH_ID, results, **plan._asdict())
        scheduler.start(process)
        scheduler.run_until(lambda process=process: process.is_stalled or not process.is_alive())  # type: ignore[misc]
        if process.summary is not None:
            break
    else:
        raise AssertionError("the batch does not come to its end")
    event(f"{min(number, 7)} processes did not come to the end")
    scheduler.run_until(lambda: False)
    for ended in scheduler.processes:
        event(f"a process ended with {type(ended.error).__name__}")
        assert ended.error is None or isinstance(ended.error, BatchBusy | EndpointUnavailable | Crash)
    assert process.summary is not None
    assert process.summary.unfinished == 0


def journal_of(world: World) -> list[events.Event]:
    """Return all events of the batch, as they are in S3."""
    segments = sorted(
        (location.key, written.content)
        for location, written in world.objects.items()
        if location.key.startswith(f"batches/{BATCH_ID}/journal/")
    )
    assert [f"{number:08}.jsonl" for number in range(1, len(segments) + 1)] == [Path(key).name for key, _ in segments]
    return [events.from_line(line) for _, content in segments for line in content.splitlines()[1:]]


def check_settlements(journal: list[events.Event], items: int) -> None:
    """Every item has exactly one settlement, and nothing is done about it afterwards but to note what was under way."""
    settled = [one.item for one in journal if isinstance(one, events.Succeeded | events.Failed)]
    assert sorted(settled) == list(range(items))
    done: set[int] = set()
    for one in journal:
        assert not (isinstance(one, events.Intended) and one.item in done)
        if isinstance(one, events.Succeeded | events.Failed):
            done.add(one.item)


def check_submissions(world: World, journal: list[events.Event], options: Options) -> None:
    """No name is used twice, nothing is submitted that the journal does not know, nothing twice without a reason."""
    names = Counter(arrival.name for arrival in world.arrivals)
    assert not [name for name, count in names.items() if count > 1]
    assert all(arrival.payload == f"page {arrival.item}".encode() for arrival in world.arrivals)
    intended = {(one.item, one.attempt) for one in journal if isinstance(one, events.Intended)}
    assert {(arrival.item, arrival.attempt) for arrival in world.arrivals} <= intended
    fates: defaultdict[int, dict[int, list[str]]] = defaultdict(dict)
    for one in journal:
        if isinstance(one, events.Intended):
            assert all(may_be_followed(fate) for fate in fates[one.item].values())
        kind = type(one).__name__
        fates[one.item].setdefault(one.attempt, []).append(kind)
    for of_item in fates.values():
        accepted = [fate for fate in of_item.values() if "Accepted" in fate]
        assert len(accepted) <= options.max_attempts


def may_be_followed(fate: list[str]) -> bool:
    """Whether another attempt may come after one of this fate: it did not arrive, or may not have, or expired."""
    return {"Refused", "Unknown", "Ended"} & set(fate) != set()


def check_results(scheduler: Scheduler, journal: list[events.Event], folder: Path) -> None:
    """What a new machine gets, and one that was there all the time, is what the journal says, each item once."""
    world = scheduler.world
    settled = {one.item: one for one in journal if isinstance(one, events.Succeeded | events.Failed)}
    for results in (folder / "new", folder / "new.jsonl", folder / "0", folder / "1.jsonl"):
        process = Process(scheduler, BATCH_ID, results)
        scheduler.start(process)
        scheduler.run_until(lambda: False)
        assert process.error is None
        check_summary(process, journal)
        found = dict(lines_of(results) if results.suffix else files_of(results))
        assert found.keys() == settled.keys()
        for item, one in settled.items():
            assert found[item] == (f"result of {item}" if isinstance(one, events.Succeeded) else one.error)
    for one in settled.values():
        if isinstance(one, events.Succeeded):
            assert world.objects[S3Location.parse(one.output)].content == f"result of {one.item}".encode()


def lines_of(path: Path) -> Iterator[tuple[int, str]]:
    """Yield item and result or error of each line; an item may have one line only."""
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert len({line["item"] for line in lines}) == len(lines)
    yield from ((line["item"], line.get("text", line.get("error"))) for line in lines)


def files_of(path: Path) -> Iterator[tuple[int, str]]:
    """Yield item and result or error of each file; an item may have one file only."""
    files = [file for file in path.iterdir() if not file.name.startswith(".")]
    assert len({file.name.partition(".")[0] for file in files}) == len(files)
    for file in files:
        is_failure = file.name.endswith(".error.json")
        text = json.loads(file.read_text())["error"] if is_failure else file.read_text()
        yield int(file.name.partition(".")[0]), text


def check_summary(process: Process, journal: list[events.Event]) -> None:
    """The numbers are those of the journal."""
    kinds = Counter(type(one) for one in journal)
    sent: Counter[int] = Counter()
    sent.update(one.item for one in journal if isinstance(one, events.Accepted | events.Unknown))
    summary: Any = process.summary
    assert summary.succeeded == kinds[events.Succeeded]
    assert summary.failed == kinds[events.Failed]
    assert summary.submissions == sent.total()
    assert summary.unknown == kinds[events.Unknown]
    assert summary.resubmitted == sent.total() - len(sent)
    assert summary.submissions >= len(process.world.arrivals)
