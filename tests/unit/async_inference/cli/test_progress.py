"""Progress between the changes: the heartbeat, the endpoint, remarks out of a signal handler."""

from __future__ import annotations

import re
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from async_inference.cli.failures import EXIT_CODES_HELP, ExitCode
from async_inference.cli.heartbeat import each_second
from async_inference.cli.pace import Counts
from async_inference.cli.progress import Progress
from async_inference.cli.surroundings import Surroundings
from async_inference.observation import Observation, Observer
from tests.unit.async_inference.cli.fake_cloud import FakeCloud, session
from tests.unit.async_inference.fake_aws import ENDPOINT, FakeTime, service_error

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Heart:
    """A heartbeat that a test beats."""

    def __init__(self) -> None:
        self.beat: Callable[[], None] = lambda: None

    @contextmanager
    def __call__(self, beat: Callable[[], None]) -> Iterator[None]:
        """Take note of what to call."""
        self.beat = beat
        yield


@pytest.fixture
def heart() -> Heart:
    """Beats by hand."""
    return Heart()


@pytest.fixture
def surroundings(heart: Heart) -> Surroundings:
    """A script's, on fake time."""
    return Surroundings(clock=FakeTime().clock, heartbeat=heart, is_terminal=lambda: False)


def test_the_endpoint_is_looked_at_now_and_then(surroundings: Surroundings, heart: Heart) -> None:
    """Not with every beat: its metrics change once a minute."""
    looks = []

    def observe() -> Observation:
        looks.append(surroundings.clock.monotonic())
        return Observation()

    with Progress(surroundings, observe):
        for _ in range(61):
            heart.beat()
            surroundings.clock.sleep(1.0)

    assert [look - looks[0] for look in looks] == [0.0, 20.0, 40.0, 60.0]


def test_a_script_gets_a_line_now_and_then(
    surroundings: Surroundings, heart: Heart, capsys: pytest.CaptureFixture[str]
) -> None:
    """However often something changes, and the same line never twice in a row."""
    with Progress(surroundings, Observation) as progress:
        for finished in range(25):
            progress.show(Counts(total=100, succeeded=finished))
            surroundings.clock.sleep(1.0)
        surroundings.clock.sleep(600.0)
        heart.beat()

    lines = capsys.readouterr().err.splitlines()
    assert [re.sub(r"Z (\d+)/.*", r" \1", line) for line in lines] == [
        "2027-01-15T08:00:00 0",
        "2027-01-15T08:00:10 10",
        "2027-01-15T08:00:20 20",
        "2027-01-15T08:10:25 24",
    ]


def test_a_remark_waits_for_the_next_beat(
    surroundings: Surroundings, heart: Heart, capsys: pytest.CaptureFixture[str]
) -> None:
    """A signal handler may interrupt a write, in the middle of which another would be an error."""
    with Progress(surroundings, Observation) as progress:
        progress.remark("interrupted")
        assert capsys.readouterr().err == ""

        heart.beat()
        assert capsys.readouterr().err == "interrupted\n"


def test_a_remark_is_not_lost_at_the_end(surroundings: Surroundings, capsys: pytest.CaptureFixture[str]) -> None:
    """There is no beat after the last."""
    with Progress(surroundings, Observation) as progress:
        progress.remark("interrupted")

    assert capsys.readouterr().err == "interrupted\n"


def test_the_heartbeat_beats_at_once_and_leaves_no_thread() -> None:
    """While its context lasts."""
    beaten = threading.Event()

    with each_second(beaten.set):
        assert beaten.wait(10.0)

    assert "async-inference-heartbeat" not in {thread.name for thread in threading.enumerate()}


def test_a_question_that_failed_is_not_asked_again_soon(cloud: FakeCloud) -> None:
    """A network that reaches S3 alone must not cost seconds each time."""
    clock = cloud.time.clock
    observer = Observer.connect(ENDPOINT, "eu-west-1", session=session(), clock=clock)
    cloud.fail("DescribeEndpoint", service_error(400, "AccessDeniedException", "no"))
    cloud.fail("GetMetricData", service_error(500, "InternalFailure", "no"))

    observer.observe()
    clock.sleep(299.0)
    seen = observer.observe()
    assert (seen.instances, len(seen.unknown), len(cloud.requests)) == (None, 2, 2)

    clock.sleep(2.0)
    seen = observer.observe()
    assert (seen.instances, seen.unknown, len(cloud.requests)) == (1, (), 4)


def test_every_exit_code_is_documented() -> None:
    """In the help and in the guide."""
    page = (Path(__file__).resolve().parents[4] / "docs/command-line.md").read_text()
    in_help = {int(code) for code in re.findall(r"^ +(\d+) ", EXIT_CODES_HELP, re.MULTILINE)}
    in_page = {int(code) for code in re.findall(r"^\| (\d+) \|", page, re.MULTILINE)}

    assert in_help == in_page == {int(code) for code in ExitCode}
