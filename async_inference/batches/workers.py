"""The threads of a run: they submit and download, while one thread alone keeps the state and writes the journal."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from threading import Event

    from async_inference.clock import Clock

Argument = TypeVar("Argument")
Answer = TypeVar("Answer")

THREADS: Final = 10
"""As many as botocore keeps connections open by default."""

_STOP_NOTICED_SECONDS: Final = 0.5


class Workers:
    """A bounded pool of threads, whose answers are dealt with in the thread that waits for them.

    Args:
        clock: How to wait while nothing is under way.
        stop: Ends waiting early.
    """

    def __init__(self, clock: Clock, stop: Event) -> None:
        self._clock = clock
        self._stop = stop
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="batch")
        self._finished: SimpleQueue[tuple[Callable[[Any], None], Future[Any]]] = SimpleQueue()
        self._under_way = 0

    def start(self, task: Callable[[], Answer], then: Callable[[Answer], None]) -> None:
        """Run ``task`` in a thread, and ``then`` with its answer in the one that calls :meth:`wait`."""
        self._under_way += 1
        self._pool.submit(task).add_done_callback(lambda future: self._finished.put((then, future)))

    def wait(self, seconds: float) -> None:
        """Deal with the answers that are there, or with the first that comes within so many seconds.

        Raises:
            Exception: what a task raised.
        """
        until = self._clock.monotonic() + seconds
        was_stopped = self._stop.is_set()
        while not self._take():
            left = until - self._clock.monotonic()
            if left <= 0 or (self._stop.is_set() and not was_stopped):
                return
            self._let_pass(min(left, _STOP_NOTICED_SECONDS))

    def in_parallel(self, function: Callable[[Argument], Answer], arguments: Iterable[Argument]) -> Iterable[Answer]:
        """Apply a function in the threads and return the answers in the order of the arguments."""
        return self._pool.map(function, arguments)

    def close(self) -> None:
        """Let what has begun come to its end, begin nothing more, and leave no thread behind."""
        self._pool.shutdown(cancel_futures=True)

    def _take(self) -> bool:
        """Deal with all answers that are there; whether there were any."""
        taken = False
        while not self._finished.empty():
            self._deal_with(*self._finished.get())
            taken = True
        return taken

    def _let_pass(self, seconds: float) -> None:
        if not self._under_way:
            self._clock.sleep(seconds)
            return
        with suppress(Empty):
            self._finished.put(self._finished.get(timeout=seconds))

    def _deal_with(self, then: Callable[[Any], None], future: Future[Any]) -> None:
        self._under_way -= 1
        then(future.result())
