"""The application on a socket: threads enough for health checks, and an end that lets documents finish."""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from typing import TYPE_CHECKING, Any, Final

import waitress

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

SPARE_THREADS: Final = 2
"""Threads beyond those that invocations can occupy: ``/ping`` has 2 s, and a busy server is a healthy one."""

DRAIN_SECONDS: Final = 25
"""SageMaker sends SIGKILL 30 s after SIGTERM."""

FLUSH_INTERVAL_SECONDS: Final = 0.05

STOP_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)

_LOGGER: Final = logging.getLogger(__name__)


def hold_stop_signals() -> None:
    """Keep SIGTERM and SIGINT for :func:`serve_until_stopped`, in this thread and all that it starts.

    Call it first. As process 1 of a container, Python would otherwise ignore a SIGTERM that comes while models load.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)


def serve_until_stopped(application: WSGIApplication, *, host: str, port: int, invocation_threads: int) -> None:
    """Answer requests until SIGTERM or SIGINT, then finish those at work for up to 25 s.

    Args:
        application: What answers.
        host: The address to listen on.
        port: The port to listen on.
        invocation_threads: Threads that invocations may occupy, at work or waiting.

    Raises:
        OSError: the address cannot be listened on.
    """
    server = waitress.create_server(
        application, host=host, port=port, threads=invocation_threads + SPARE_THREADS, ident=None
    )
    threading.Thread(target=_run, args=(server,), daemon=True).start()
    _LOGGER.info("ready", extra={"host": host, "port": port})
    signal.sigwait(STOP_SIGNALS)
    _LOGGER.info("stopping: finishing the invocations at work")
    if not _drained(server):
        _LOGGER.error("stopped with unfinished invocations: they took longer than %d s", DRAIN_SECONDS)
        logging.shutdown()
        # An orderly exit would wait for the workers.
        os._exit(1)
    _LOGGER.info("stopped")


def _run(server: Any) -> None:  # noqa: ANN401 - waitress has no types
    try:
        server.run()
    finally:
        # The loop ends by a fault alone. A server that cannot answer has to stop, so that it is replaced.
        os.kill(os.getpid(), signal.SIGTERM)


def _drained(server: Any) -> bool:  # noqa: ANN401 - waitress has no types
    """Let the threads finish what they do and the loop send it; return whether that came to an end in time."""
    deadline = time.monotonic() + DRAIN_SECONDS
    server.task_dispatcher.shutdown(timeout=DRAIN_SECONDS)
    while _unsent(server) and time.monotonic() < deadline:
        time.sleep(FLUSH_INTERVAL_SECONDS)
    return not (server.task_dispatcher.threads or _unsent(server))


def _unsent(server: Any) -> bool:  # noqa: ANN401 - waitress has no types
    return any(channel.total_outbufs_len for channel in list(server.active_channels.values()))
