"""Who works now, who may wait and for how long, so that a health check never queues behind documents."""

from __future__ import annotations

import threading
from concurrent import futures
from typing import TYPE_CHECKING, Final, TypeVar

from model_server.errors import InvocationTimeoutError, ServerBusyError

if TYPE_CHECKING:
    from collections.abc import Callable

WAITING: Final = 32
"""Invocations that may wait for a worker. Each costs one idle thread; its body stays in a temporary file."""

Result = TypeVar("Result")


class Workers:
    """A fixed number of threads that recognize, and a bounded number of invocations that wait for one.

    Invocations occupy at most :attr:`capacity` threads of the HTTP server, so that the others are free for ``/ping``.

    The HTTP server's own threads could recognize too, but the allocator keeps the working memory of every thread that
    ever did: 60 MB each, measured.
    """

    def __init__(self, count: int, *, timeout_seconds: float, waiting: int = WAITING) -> None:
        """Start nothing yet.

        Args:
            count: Threads that recognize.
            timeout_seconds: How long an invocation may take, its waiting included.
            waiting: Invocations beyond ``count`` that may wait.
        """
        self.capacity: Final = count + waiting
        self._timeout_seconds = timeout_seconds
        self._admitted = threading.BoundedSemaphore(self.capacity)
        self._executor = futures.ThreadPoolExecutor(count, thread_name_prefix="worker")

    def prepare(self, task: Callable[[], Result]) -> Result:
        """Return what ``task`` returns, however long it takes: for loading the model.

        Done by a worker, so that the memory the model's first run takes is used again by the next ones.
        """
        return self._executor.submit(task).result()

    def run(self, task: Callable[[], Result]) -> Result:
        """Return what ``task`` returns, or raise what it raises, once a worker has carried it out.

        Raises:
            ServerBusyError: all places are taken.
            InvocationTimeoutError: the task was not done in time. One that had begun goes on: a thread cannot be
                stopped.
        """
        if not self._admitted.acquire(blocking=False):
            raise ServerBusyError(
                f"{self.capacity} invocations are here already: set MaxConcurrentInvocationsPerInstance below that"
            )
        try:
            return self._result(self._executor.submit(task))
        finally:
            self._admitted.release()

    def _result(self, future: futures.Future[Result]) -> Result:
        done, _ = futures.wait([future], timeout=self._timeout_seconds)
        if not done:
            future.cancel()
            raise InvocationTimeoutError(
                f"no result within {self._timeout_seconds:g} s, waiting included: lower "
                "MaxConcurrentInvocationsPerInstance or raise SAGEMAKER_MODEL_SERVER_TIMEOUT"
            )
        return future.result()
