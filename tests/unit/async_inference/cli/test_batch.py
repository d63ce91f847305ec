"""``batch`` and ``resume``: what is said of a batch while it runs, when it ends, and when somebody interrupts it.

The batch itself is a scripted one here; ``tests/local/test_command_line.py`` has the real one.
"""

from __future__ import annotations

import json
import signal
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from async_inference import AsyncEndpoint, BatchBusy, EndpointUnavailable, InvalidRequest
from async_inference.batches import BatchProgress, BatchSummary
from tests.unit.async_inference.cli.fake_cloud import PARAMETER, CommandLine, FakeCloud

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from threading import Event

    from syrupy.assertion import SnapshotAssertion

BATCH_ID = "20270115-080000-1a2b3c"


@dataclass
class ScriptedBatch:
    """A batch of 500 items, a hundred of which end in each 5 seconds, and how it was called."""

    cloud: FakeCloud
    items: int = 500
    failed: int = 3
    unknown: int = 0
    error: Exception | None = None
    interrupts: int = 0
    upload_seconds: float = 0.0
    """For each input."""

    id: str = BATCH_ID
    recorded: list[tuple[str, Any]] = field(default_factory=list)
    options: dict[str, Any] = field(default_factory=dict)
    results: Path | None = None

    def run(self, *, results: Path, progress: Callable[[BatchProgress], None], stop: Event) -> BatchSummary:
        """Say how far it is, as a real one does, until it is finished or stopped."""
        self.results = results
        finished = 0
        while finished < self.items and not stop.is_set():
            progress(self._moment(finished))
            self.cloud.time.sleep(5.0)
            finished = min(self.items, finished + 100)
            for _ in range(self.interrupts):
                signal.raise_signal(signal.SIGINT)
        if self.error is not None:
            raise self.error
        progress(self._moment(finished))
        return self.summary(finished)

    def summary(self, finished: int | None = None) -> BatchSummary:
        """Return it in numbers."""
        finished = self.items if finished is None else finished
        failed = min(finished, self.failed)
        return BatchSummary(
            batch_id=self.id,
            items=self.items,
            succeeded=finished - failed,
            failed=failed,
            unfinished=self.items - finished,
            submissions=finished + self.unknown,
            unknown=self.unknown,
            resubmitted=self.unknown,
        )

    def _moment(self, finished: int) -> BatchProgress:
        failed, running = min(finished, self.failed), min(20, self.items - finished)
        return BatchProgress(
            batch_id=self.id,
            items=self.items,
            submitted=finished + running,
            running=running,
            succeeded=finished - failed,
            failed=failed,
            remaining=self.items - finished - running,
            started=self.cloud.time.now,
        )


@pytest.fixture
def scripted(cloud: FakeCloud, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ScriptedBatch:
    """Stands in for recorded batches, in a folder with a directory of inputs."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pages").mkdir()
    for name in ("1.png", "2.png"):
        (tmp_path / "pages" / name).write_bytes(b"page")
    batch = ScriptedBatch(cloud)

    def record(_: AsyncEndpoint, items: Any, **options: Any) -> ScriptedBatch:  # noqa: ANN401 - as it is called
        for item in items:
            cloud.time.sleep(batch.upload_seconds)
            batch.recorded.append((item.name, item.payload))
        batch.options = options
        return batch

    def find(_: AsyncEndpoint, batch_id: str, **options: Any) -> ScriptedBatch:  # noqa: ANN401 - likewise
        batch.id, batch.options = batch_id, options
        return batch

    monkeypatch.setattr(AsyncEndpoint, "batch", record, raising=False)
    monkeypatch.setattr(AsyncEndpoint, "resume", find, raising=False)
    monkeypatch.setattr(AsyncEndpoint, "batch_summary", lambda *_: batch.summary(), raising=False)
    return batch


def test_a_batch_shows_its_progress_and_what_it_came_to(
    cloud: FakeCloud, scripted: ScriptedBatch, command_line: CommandLine, snapshot: SnapshotAssertion
) -> None:
    """Its id and how to resume it come first; some inputs failed, so the exit code is 1."""
    cloud.metrics(backlog=20.0, age=95.0)

    assert snapshot == command_line.golden("batch", "pages")
    assert [name for name, _ in scripted.recorded] == ["1.png", "2.png"]


@pytest.mark.parametrize("sources", ["pages", "inputs.jsonl"])
def test_a_batch_whose_inputs_take_long_to_upload_says_how_many_are_recorded(
    scripted: ScriptedBatch, command_line: CommandLine, snapshot: SnapshotAssertion, tmp_path: Path, sources: str
) -> None:
    """Of how many, where that is known before they are read."""
    for number in range(3, 8):
        (tmp_path / "pages" / f"{number}.png").touch()
    payloads = [{"payload": number} for number in range(7)]
    (tmp_path / "inputs.jsonl").write_text("\n".join(map(json.dumps, [{"schema": 1}, *payloads])))
    scripted.upload_seconds, scripted.items, scripted.failed = 4.0, 7, 0

    assert snapshot == command_line.golden("batch", sources)


def test_recording_that_fails_is_told_below_what_was_recorded(
    scripted: ScriptedBatch, command_line: CommandLine, snapshot: SnapshotAssertion, tmp_path: Path
) -> None:
    """Nothing of it exists, and the terminal is as it was."""
    (tmp_path / "inputs.jsonl").write_text('{"schema": 1}\n{"payload": 1}\n{"payload": }\n')

    assert snapshot == command_line.golden("batch", "inputs.jsonl")
    assert scripted.options == {}


def test_a_batch_for_programs(scripted: ScriptedBatch, command_line: CommandLine, snapshot: SnapshotAssertion) -> None:
    """Two lines of JSON: what was recorded, and what it came to."""
    scripted.failed = 0

    assert snapshot == command_line.golden("batch", "pages/*.png", "--output", "out.jsonl", "--json")


def test_an_interrupted_batch_says_how_to_go_on(
    scripted: ScriptedBatch, command_line: CommandLine, snapshot: SnapshotAssertion
) -> None:
    """With all options that it takes, and the exit code of an interrupt."""
    scripted.interrupts = 1
    before = signal.getsignal(signal.SIGINT)

    assert snapshot == command_line.golden("batch", "pages", "--output", "my results", "--region", "eu-west-1")
    assert signal.getsignal(signal.SIGINT) is before


def test_an_interrupt_while_the_last_results_arrive_says_how_to_get_them(
    scripted: ScriptedBatch, plain: CommandLine
) -> None:
    """Every item is settled, but not every result is here."""
    scripted.items = scripted.failed = 100
    scripted.interrupts = 1

    result = plain.run("resume", BATCH_ID)

    assert result.exit_code == 130
    assert f"resume with: async-inference resume {BATCH_ID} --endpoint {PARAMETER}" in result.stdout


@pytest.mark.parametrize(
    ("output", "there"), [("out", "out/notes.txt"), ("out.jsonl", "out.jsonl"), ("out.txt", "out.txt")]
)
def test_an_output_that_cannot_be_used_is_refused_before_anything_is_recorded(
    scripted: ScriptedBatch, plain: CommandLine, tmp_path: Path, output: str, there: str
) -> None:
    """Recording may upload for hours."""
    (tmp_path / there).parent.mkdir(exist_ok=True)
    (tmp_path / there).write_text("mine")

    result = plain.run("batch", "pages", "--output", output)

    assert result.exit_code == 2
    assert result.stderr.splitlines()[0] == f"error: --output: {output} is in use: name a new one, or resume its batch"
    assert scripted.recorded == []


@pytest.mark.parametrize("output", ["out", "out.jsonl"])
def test_an_output_may_be_there_while_it_is_empty(
    scripted: ScriptedBatch, plain: CommandLine, tmp_path: Path, output: str
) -> None:
    """Somebody has prepared it."""
    path = tmp_path / output
    if path.suffix:
        path.touch()
    else:
        path.mkdir()
    scripted.failed = 0

    assert plain.run("batch", "pages", "--output", output).exit_code == 0


def test_a_second_interrupt_ends_at_once(
    scripted: ScriptedBatch, plain: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without waiting for anything."""

    def exit_at_once(code: int) -> None:
        raise SystemExit(code + 1_000)

    monkeypatch.setattr("os._exit", exit_at_once)
    scripted.interrupts = 2

    assert plain.run("batch", "pages").exit_code == 1_130


def test_a_resumed_batch_goes_on(
    scripted: ScriptedBatch, command_line: CommandLine, snapshot: SnapshotAssertion
) -> None:
    """What a crash cost is in the summary."""
    scripted.unknown = 2

    assert snapshot == command_line.golden("resume", BATCH_ID)
    assert scripted.options == {"take_over": False}


def test_two_resumes_at_a_time_are_told_apart(
    scripted: ScriptedBatch, command_line: CommandLine, snapshot: SnapshotAssertion
) -> None:
    """The second is told who works on the batch."""
    scripted.error = BatchBusy(f"batch {BATCH_ID} is worked on by process 7 on host-a, seen 4 s ago", owner="host-a")

    assert snapshot == command_line.golden("resume", BATCH_ID)


def test_the_lease_is_taken_over_where_it_is_asked_for(scripted: ScriptedBatch, plain: CommandLine) -> None:
    """By an option of its own."""
    plain.run("resume", BATCH_ID, "--take-over")

    assert scripted.options == {"take_over": True}


def test_aws_that_fails_ends_the_run_with_what_to_do(scripted: ScriptedBatch, plain: CommandLine) -> None:
    """The resume command is there already."""
    scripted.error = EndpointUnavailable("sagemaker:InvokeEndpointAsync kept failing")

    result = plain.run("batch", "pages")

    assert result.exit_code == 3
    assert f"resume with: async-inference resume {BATCH_ID} --endpoint {PARAMETER}" in result.stdout
    assert result.stderr.splitlines()[-2] == "error: sagemaker:InvokeEndpointAsync kept failing"


def test_options_reach_the_batch(scripted: ScriptedBatch, plain: CommandLine) -> None:
    """Those that were given, under the names that the library has."""
    plain.run(
        *("batch", "pages", "--batch-id", "mine", "--max-unfinished", "7", "--max-attempts", "2"),
        *("--on-unknown", "wait", "--content-type", "image/png", "--accept", "a/b", "--custom-attributes", "c"),
        *("--invocation-timeout", "60", "--request-ttl", "61"),
    )

    assert scripted.options == {
        "batch_id": "mine",
        "max_unfinished": 7,
        "max_attempts": 2,
        "on_unknown": "wait",
        "content_type": "image/png",
        "accept": "a/b",
        "custom_attributes": "c",
        "invocation_timeout_seconds": 60,
        "request_ttl_seconds": 61,
    }


def test_results_go_where_they_are_wanted(scripted: ScriptedBatch, plain: CommandLine) -> None:
    """By default to a directory called as the batch."""
    plain.run("resume", BATCH_ID)
    assert str(scripted.results) == BATCH_ID

    plain.run("resume", BATCH_ID, "-o", "out.jsonl")
    assert str(scripted.results) == "out.jsonl"


@pytest.mark.parametrize("is_terminal", [False, True])
def test_the_state_of_a_batch(
    cloud: FakeCloud,
    scripted: ScriptedBatch,
    snapshot: SnapshotAssertion,
    is_terminal: bool,  # noqa: FBT001 - a table
) -> None:
    """As its journal has it."""
    assert scripted.items == 500
    command_line = CommandLine(cloud, is_terminal=is_terminal)

    assert snapshot == command_line.golden("status", BATCH_ID)
    assert snapshot == command_line.golden("status", BATCH_ID, "--json")


def test_an_unknown_batch_is_told_in_one_line(
    scripted: ScriptedBatch, plain: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the library words it."""

    def unknown(_: AsyncEndpoint, batch_id: str, **_options: object) -> ScriptedBatch:
        raise InvalidRequest(f"there is no batch {batch_id}")

    monkeypatch.setattr(AsyncEndpoint, "resume", unknown)

    result = plain.run("resume", scripted.id, "--json")

    assert result.exit_code == 2
    assert json.loads(result.stdout)["error"]["message"] == f"there is no batch {BATCH_ID}"
