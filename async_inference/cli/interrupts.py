"""Ctrl-C: once to stop in order, twice to stop at once."""

from __future__ import annotations

import os
import signal
import sys
import threading
from typing import TYPE_CHECKING, Final, Self

from async_inference.cli.failures import ExitCode

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType, TracebackType

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)
"""What a terminal sends, and what whoever runs containers sends before it kills them."""

_SHOW_CURSOR: Final = "\x1b[?25h"


class Interrupts:
    """Turns the first interrupt into :attr:`stop`; a context manager, which must be entered by the main thread.

    Args:
        remark: Tells whoever interrupted what happens now.
    """

    def __init__(self, remark: Callable[[str], None]) -> None:
        self.stop = threading.Event()
        self._remark = remark
        self._earlier: list[signal._HANDLER] = []

    def __enter__(self) -> Self:
        self._earlier = [signal.signal(number, self._interrupt) for number in _SIGNALS]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for number, handler in zip(_SIGNALS, self._earlier, strict=True):
            signal.signal(number, handler)

    def _interrupt(self, _number: int, _frame: FrameType | None) -> None:
        if self.stop.is_set():
            # Requests under way would hold the interpreter up; the journal is written so that this does no harm.
            if sys.stderr.isatty():
                sys.stderr.write(_SHOW_CURSOR)
                sys.stderr.flush()
            os._exit(ExitCode.INTERRUPTED)
        self.stop.set()
        self._remark("interrupted: submitting no more, writing down what has happened; once more to stop at once")
