"""How far recording a batch is, which takes as long as its inputs take to upload."""

from __future__ import annotations

from collections.abc import Sized
from typing import TYPE_CHECKING, Self

import click

from async_inference.cli.progress import DRAW_SECONDS, LINE_SECONDS, Display, one_line, stamped

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from types import TracebackType

    from async_inference.batches.inputs import BatchItem
    from async_inference.cli.surroundings import Surroundings


class Recording:
    """Shows how many inputs are recorded; a context manager, which leaves the last state where it is.

    A terminal has it in place, everybody else gets a line now and then: none at all if recording takes no time.

    Args:
        surroundings: The clock, and whether there is a terminal.
        live: Whether a terminal may be drawn on.
    """

    def __init__(self, surroundings: Surroundings, *, live: bool = True) -> None:
        self._clock = surroundings.clock
        self._text = ""
        self._display = Display(surroundings.width) if live and surroundings.is_terminal() else None
        self._show_at = self._clock.monotonic() + (0.0 if self._display else LINE_SECONDS)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._display is not None:
            if self._text:
                self._display.draw(one_line(self._text))
            self._display.close()

    def count(self, items: Iterable[BatchItem]) -> Iterator[BatchItem]:
        """Yield inputs to what records them: each is recorded when the next is asked for."""
        total = f" of {len(items):,}" if isinstance(items, Sized) else ""
        number = 0
        for number, item in enumerate(items, 1):
            self._show(f"inputs recorded: {number - 1:,}{total}")
            yield item
        self._show(f"inputs recorded: {number:,}{total}")

    def _show(self, text: str) -> None:
        self._text, now = text, self._clock.monotonic()
        if now < self._show_at:
            return
        if self._display is not None:
            self._show_at = now + DRAW_SECONDS
            self._display.draw(one_line(text))
        else:
            self._show_at = now + LINE_SECONDS
            click.echo(stamped(self._clock, text), err=True)
