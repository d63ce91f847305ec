"""What a subject says about its wait, on its standard output."""

from __future__ import annotations

import json
import sys
import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.subjects.answering import AnsweringAws


def report(aws: AnsweringAws, wait: Callable[[], object]) -> None:
    """Let a client wait, and say how that ended; what it leaves behind goes on until the program ends."""
    try:
        wait()
        ending = "result"
    except Exception as error:  # noqa: BLE001 - how a peer reports an error is what is measured
        ending = type(error).__name__
    said = {
        "ending": ending,
        "late_seconds": time.monotonic() - aws.appeared_at,
        "requests": aws.requests["wait"] + aws.requests["upload"] + aws.requests["submit"],
        "threads_left": threading.active_count() - 1,
    }
    for thread in threading.enumerate():
        if thread is not threading.current_thread() and not thread.daemon:
            thread.join()
    said["requests_in_the_end"] = aws.requests["wait"] + aws.requests["upload"] + aws.requests["submit"]
    said["exit_late_seconds"] = time.monotonic() - aws.appeared_at
    json.dump(said, sys.stdout)
