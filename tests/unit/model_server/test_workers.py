"""Workers carry out tasks; what is more than they and the waiting room hold is refused at once."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from model_server.errors import InvalidImageError, InvocationTimeoutError, ServerBusyError
from model_server.workers import Workers


def test_result() -> None:
    """The caller gets what the task returns."""
    assert Workers(1, timeout_seconds=60).run(lambda: 42) == 42


def test_prepare() -> None:
    """Loading the model is done by a worker too, and has no time limit."""
    workers = Workers(1, timeout_seconds=0.0)

    assert workers.prepare(lambda: threading.current_thread().name) == "worker_0"


def test_error() -> None:
    """The caller gets what the task raises, and the worker goes on."""
    workers = Workers(1, timeout_seconds=60, waiting=0)

    def refuse() -> None:
        raise InvalidImageError("no image")

    with pytest.raises(InvalidImageError, match="no image"):
        workers.run(refuse)

    assert workers.run(lambda: "next") == "next"


def test_one_thread_per_worker() -> None:
    """However many threads call, the tasks run in as many threads as there are workers."""
    workers = Workers(1, timeout_seconds=60)
    with ThreadPoolExecutor(4) as callers:
        names = list(callers.map(lambda _: workers.run(lambda: threading.current_thread().name), range(8)))

    assert {"worker_0"} == set(names)


def test_full() -> None:
    """A full server refuses at once, and admits again when a place is free."""
    workers = Workers(1, timeout_seconds=60, waiting=0)
    begun, end = threading.Event(), threading.Event()

    def work() -> str:
        begun.set()
        end.wait()
        return "done"

    with ThreadPoolExecutor(1) as caller:
        first = caller.submit(workers.run, work)
        begun.wait()
        try:
            with pytest.raises(ServerBusyError, match=r"^1 invocations are here already: set MaxConcurrent"):
                workers.run(lambda: "second")
        finally:
            end.set()
        assert first.result() == "done"

    assert workers.run(lambda: "third") == "third"


def test_timeout() -> None:
    """An invocation that is not done in time is given up, with the remedy named."""
    workers = Workers(1, timeout_seconds=0.0)
    end = threading.Event()
    try:
        with pytest.raises(InvocationTimeoutError, match=r"^no result within 0 s.*SAGEMAKER_MODEL_SERVER_TIMEOUT$"):
            workers.run(end.wait)
    finally:
        end.set()
