"""Submitting again after a timeout: what retry loops around a call do, as an explicit choice.

It is no retry: SageMaker does not recognise a repeated request, and the earlier one goes on. So every attempt is looked
at until the end, the first that succeeds wins, and each further submission is said in the log.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from async_inference.exceptions import InvalidRequest, RequestExpired
from async_inference.futures import FIRST_COMPLETED, wait
from async_inference.results import timed_out
from async_inference.waiting import patience

if TYPE_CHECKING:
    from collections.abc import Callable

    from async_inference.clock import Clock
    from async_inference.job import Job
    from async_inference.results import Result

_LOGGER: Final = logging.getLogger(__name__)


def check_attempts(payload: object, attempts: object) -> None:
    """Refuse a number of attempts that there cannot be.

    Raises:
        InvalidRequest: it is one.
    """
    if type(attempts) is not int or attempts < 1:
        raise InvalidRequest(f"attempts: got {attempts!r:.20}, expected a whole number of at least 1")
    if attempts > 1 and hasattr(payload, "read"):
        raise InvalidRequest(f"attempts: got {attempts}, but the payload is a file object, which is read but once")


def log(job: Job, attempt: int, attempts: int) -> None:
    """Say that a request was submitted again: it is another inference."""
    if attempt > 1:
        _LOGGER.warning(
            "no outcome yet: submitted again as inference id %s, attempt %d of %d", job.inference_id, attempt, attempts
        )


def first_result(submit: Callable[[], Job], clock: Clock, timeout: float | None, attempts: int) -> Result:
    """Return the first result of up to ``attempts`` submissions; see :meth:`AsyncEndpoint.invoke`."""
    if attempts == 1:
        return submit().result(timeout)
    outstanding: set[Job] = set()
    for attempt in range(1, attempts + 1):
        job = submit()
        log(job, attempt, attempts)
        outstanding.add(job)
        result = _first(outstanding, clock, clock.monotonic() + patience(timeout))
        if result is not None:
            return result
    if not outstanding:
        return job.result(0)  # which says that it expired
    raise timed_out(job, timeout)


def _first(outstanding: set[Job], clock: Clock, until: float) -> Result | None:
    """Return the first result, or ``None`` if time is over or all have expired, which are no longer outstanding."""
    while outstanding:
        left = until - clock.monotonic()
        done, _ = wait(outstanding, left, FIRST_COMPLETED)
        for job in done:
            outstanding.discard(job)
            with suppress(RequestExpired):
                return job.result()
        if left <= 0:
            break
    return None
