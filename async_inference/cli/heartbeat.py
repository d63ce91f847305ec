"""Something to do each second while the main thread works."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_SECONDS: Final = 1.0


@contextmanager
def each_second(beat: Callable[[], None]) -> Iterator[None]:
    """Call ``beat`` now and each second, in a thread of its own, while the context lasts."""
    over = threading.Event()

    def run() -> None:
        beat()
        while not over.wait(_SECONDS):
            beat()

    thread = threading.Thread(target=run, name="async-inference-heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
