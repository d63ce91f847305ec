"""Progress on standard error: a bar for those who watch a terminal, a line now and then for everybody else."""

from __future__ import annotations

from collections import deque
from datetime import UTC, datetime
from threading import RLock
from typing import TYPE_CHECKING, Final, Self

import click

from async_inference.cli.pace import Counts, Pace
from async_inference.cli.text import duration, instances
from async_inference.observation import Observation

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from rich.console import RenderableType

    from async_inference.cli.surroundings import Surroundings
    from async_inference.clock import Clock

DRAW_SECONDS: Final = 0.1
"""Between one drawing and the next, at least: more than the eye takes in is work for nothing."""

LINE_SECONDS: Final = 10.0
"""Between one plain line and the next."""

OBSERVE_SECONDS: Final = 20.0
"""Between one look at the endpoint and the next; its metrics change once a minute."""

_BAR_WIDTH: Final = 32


class Progress:
    """Shows how far some work is; a context manager, which shows the last state when it ends.

    A heartbeat keeps it alive while nothing happens: each second it looks at the endpoint if it is time, and draws.

    Args:
        surroundings: The clock, the heartbeat, and whether there is a terminal.
        observe: Looks at the endpoint, and never fails.
        live: Whether a terminal may be drawn on; results that go to it would be mixed up with the drawing.
    """

    def __init__(self, surroundings: Surroundings, observe: Callable[[], Observation], *, live: bool = True) -> None:
        self._clock = surroundings.clock
        self._observe = observe
        self._pace: Pace | None = None
        self._counts: Counts | None = None
        self._seen = Observation()
        self._observe_at = self._draw_at = self._line_at = self._clock.monotonic()
        self._last_line = ""
        self._remarks: deque[str] = deque()
        self._lock = RLock()
        self._display = Display(surroundings.width) if live and surroundings.is_terminal() else None
        self._heartbeat = surroundings.heartbeat(self._beat)

    def __enter__(self) -> Self:
        self._heartbeat.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._heartbeat.__exit__(kind, error, traceback)
        self._draw_at = self._line_at = self._clock.monotonic()
        self._draw()
        if self._display is not None:
            self._display.close()

    def show(self, counts: Counts) -> None:
        """Say how far the work is now, whenever that has changed."""
        with self._lock:
            now = self._clock.monotonic()
            self._pace = self._pace or Pace(now, counts.finished)
            self._pace.note(now, counts.finished)
            self._counts = counts
        self._draw()

    def remark(self, line: str) -> None:
        """Write a line that stays, at the next moment that allows it: signal handlers may call this at any."""
        self._remarks.append(line)

    def _beat(self) -> None:
        if self._clock.monotonic() >= self._observe_at:
            self._seen = self._observe()
            self._observe_at = self._clock.monotonic() + OBSERVE_SECONDS
        self._draw()

    def _draw(self) -> None:
        with self._lock:
            while self._remarks:
                self._write(self._remarks.popleft())
            now = self._clock.monotonic()
            if self._counts is None or self._pace is None:
                return
            done = _done(self._counts)
            more = _more(self._counts, self._pace, self._seen, now)
            if self._display is not None:
                if now >= self._draw_at:
                    self._draw_at = now + DRAW_SECONDS
                    self._display.draw(_drawing(self._counts, "  ".join(done), "  ".join(more)))
            elif now >= self._line_at:
                self._line_at = now + LINE_SECONDS
                line = f"{self._counts.finished:,}/{self._counts.total:,}: {', '.join(done + more)}"
                if line != self._last_line:
                    self._write(stamped(self._clock, line))
                self._last_line = line

    def _write(self, line: str) -> None:
        if self._display is not None:
            self._display.write(line)
        else:
            click.echo(line, err=True)


def stamped(clock: Clock, line: str) -> str:
    """Return a line that says when it was written."""
    return f"{datetime.fromtimestamp(clock.now(), UTC):%Y-%m-%dT%H:%M:%SZ} {line}"


def _done(counts: Counts) -> list[str]:
    """Return where the items are."""
    return [
        f"{counts.submitted:,} submitted",
        f"{counts.running:,} running",
        f"{counts.succeeded:,} succeeded",
        f"{counts.failed:,} failed",
    ]


def _more(counts: Counts, pace: Pace, seen: Observation, now: float) -> list[str]:
    """Return how fast it goes, and the endpoint; what is not known is left out."""
    rate, rest = pace.rate(now), pace.remaining_seconds(now, counts)
    more = []
    if rate is not None:
        more.append(f"{rate:.1f}/s" if rate >= 1 else f"{rate * 60:.1f}/min")
    if rest:
        more.append(f"eta {duration(rest)}")
    if seen.instances is not None:
        more.append(f"instances {instances(seen)}")
    if seen.oldest_age_seconds:
        more.append(f"oldest {duration(seen.oldest_age_seconds)}")
    return more


class Display:
    """Something that a terminal shows, redrawn in place.

    Args:
        width: Columns of the terminal; ``None`` finds out.
    """

    def __init__(self, width: int | None) -> None:
        from rich.console import Console  # noqa: PLC0415 - only a terminal pays for it
        from rich.live import Live  # noqa: PLC0415 - likewise

        self._console = Console(stderr=True, force_terminal=True, width=width, highlight=False)
        # Results go to standard output as they are: nothing stands between.
        self._live = Live(
            console=self._console, auto_refresh=False, redirect_stdout=False, redirect_stderr=False, transient=False
        )
        self._live.start()

    def draw(self, what: RenderableType) -> None:
        """Replace what is shown."""
        self._live.update(what, refresh=True)

    def write(self, line: str) -> None:
        """Write a line above it."""
        self._console.print(line, markup=False, soft_wrap=True)

    def close(self) -> None:
        """Leave the last state where it is."""
        self._live.stop()


def one_line(text: str) -> RenderableType:
    """Return a text that is cut where it is too long, not wrapped: what is drawn keeps its height."""
    from rich.text import Text  # noqa: PLC0415 - likewise

    return Text(text, no_wrap=True, overflow="ellipsis")


def _drawing(counts: Counts, *lines: str) -> RenderableType:
    from rich.console import Group  # noqa: PLC0415 - likewise
    from rich.progress_bar import ProgressBar  # noqa: PLC0415 - likewise
    from rich.table import Table  # noqa: PLC0415 - likewise
    from rich.text import Text  # noqa: PLC0415 - likewise

    bar = Table.grid(padding=(0, 1))
    share = counts.finished / counts.total if counts.total else 1.0
    bar.add_row(
        ProgressBar(
            total=max(counts.total, 1),
            completed=counts.finished,
            width=_BAR_WIDTH,
            complete_style="green",
            finished_style="green",
        ),
        Text(f"{share:4.0%}"),
        Text(f"{counts.finished:,}/{counts.total:,}", style="bold"),
    )
    return Group(bar, *(one_line(line) for line in lines if line))
