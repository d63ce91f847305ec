"""The one thread of an endpoint in which callbacks of its jobs are called.

It starts when there is something to wait for and ends when there is nothing, so that an endpoint that nobody closes
leaves nothing behind. Ten thousand jobs cost one thread.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Final
from weakref import WeakSet

if TYPE_CHECKING:
    from async_inference.job import Job
    from async_inference.watching.waiter import Waiter
    from async_inference.watching.watch import Watch, Watches

LONG_POLL_SECONDS: Final = 2
"""How long one request of the thread waits for notices: so long closing may take, since nothing can interrupt it."""

_BREATH_SECONDS: Final = 0.1
"""Between an error and the next question, whatever the error is."""

_LOGGER: Final = logging.getLogger(__name__)


class _ClosedError(Exception):
    """The endpoint was closed while a question was to be repeated."""


class Watcher:
    """Waits for jobs in a thread of its own.

    Args:
        watches: Makes the watch that the thread drives.
    """

    def __init__(self, watches: Watches) -> None:
        self.watches = watches
        self._endpoint_name = watches.endpoint_name
        self._lock = threading.Lock()
        self._waiting: dict[Job, list[Waiter]] = {}
        self._changed: deque[Job] = deque()
        self._ended: WeakSet[Job] = WeakSet()
        self._wake = threading.Event()
        self._closing = watches.closing
        self._thread: threading.Thread | None = None
        self._complained = False

    def require_open(self) -> None:
        """Refuse to go on with an endpoint that was closed.

        Raises:
            InvalidRequest: it was.
        """
        self.watches.require_open()

    def has_ended(self, job: Job) -> bool:
        """Whether the thread has seen the end of ``job``, which somebody still holds; asks nobody.

        Raises:
            InvalidRequest: the endpoint was closed.
        """
        with self._lock:
            self.require_open()
            return job in self._ended

    def wait_for(self, *waiters: Waiter) -> None:
        """Call ``callback`` of each in the thread once its job has ended, or soon if it has; one look is for them all.

        Raises:
            InvalidRequest: the endpoint was closed.
        """
        with self._lock:
            self.require_open()
            for waiter in waiters:
                self._waiting.setdefault(waiter.job, []).append(waiter)
                self._changed.append(waiter.job)
            if self._thread is None:
                thread = threading.Thread(target=self._run, name=f"async-inference {self._endpoint_name}", daemon=True)
                thread.start()
                self._thread = thread
        self._wake.set()

    def forget(self, waiter: Waiter) -> None:
        """Call nothing for ``waiter`` any more; the job itself goes on."""
        with self._lock, suppress(KeyError, ValueError):
            self._waiting[waiter.job].remove(waiter)
            self._changed.append(waiter.job)
            if not self._waiting[waiter.job]:
                del self._waiting[waiter.job]
        self._wake.set()

    def close(self) -> None:
        """Call nothing any more and end the thread; ``on_error`` of those who still wait is told."""
        with self._lock:
            self._closing.set()
            forsaken = [waiter for several in self._waiting.values() for waiter in several]
            self._waiting.clear()
            thread = self._thread
        self._wake.set()
        if thread is not None and thread is not threading.current_thread():
            thread.join()
        for waiter in forsaken:
            if waiter.on_error is not None:
                waiter.on_error(self.watches.closed())

    def _run(self) -> None:
        try:
            clock = replace(self.watches.clock, sleep=self._sleep)
            with self.watches.new(clock, long_poll_seconds=LONG_POLL_SECONDS) as watch:
                while self._is_needed(watch):
                    pause = watch.pause()
                    if pause > 0:
                        self._wake.wait(pause)
                    else:
                        self._round(watch)
        finally:
            with self._lock:
                if self._thread is threading.current_thread():
                    self._thread = None

    def _is_needed(self, watch: Watch) -> bool:
        """Let the watch wait for what is waited for now; the thread ends where that is nothing."""
        self._wake.clear()
        with self._lock:
            while self._changed:
                job = self._changed.popleft()
                (watch.add if job in self._waiting else watch.discard)(job)
            if self._closing.is_set() or not self._waiting:
                self._thread = None
            return self._thread is not None

    def _round(self, watch: Watch) -> None:
        try:
            ended = watch.tick()
        except _ClosedError:
            return
        except Exception as error:  # noqa: BLE001 - whatever it is, others still wait, until their deadlines at least
            if not self._closing.is_set():  # otherwise nobody waits any more
                self._failed(error)
            return
        self._complained = False
        for job in ended:
            with self._lock:
                several = self._waiting.pop(job, [])
                self._ended.add(job)
            for waiter in several:
                _call(waiter)
            watch.acknowledge(job)

    def _failed(self, error: Exception) -> None:
        """Say once that AWS cannot be asked, and tell those who want to know."""
        if not self._complained:
            _LOGGER.warning("jobs of endpoint %s are waited for, but: %s", self._endpoint_name, error)
            self._complained = True
        with self._lock:
            told = [waiter for several in self._waiting.values() for waiter in several if waiter.on_error is not None]
        for waiter in told:
            self.forget(waiter)
            if waiter.on_error is not None:
                waiter.on_error(error)
        self._closing.wait(_BREATH_SECONDS)

    def _sleep(self, seconds: float) -> None:
        """Sleep between repeated questions, but not beyond the end."""
        if self._closing.wait(seconds):
            raise _ClosedError


def _call(waiter: Waiter) -> None:
    try:
        waiter.callback(waiter.job)
    except BaseException as error:  # noqa: BLE001 - the thread is everybody's
        # Its words may quote what the model answered.
        _LOGGER.error(  # noqa: TRY400 - likewise its traceback
            "a callback of inference id %s raised %s", waiter.job.inference_id, type(error).__name__
        )
