"""Submitting again after a timeout: what retry loops around a call do, as an explicit choice.

It is no retry: SageMaker does not recognise a repeated request, and the earlier one goes on. So every attempt is looked
at until the end, the first that succeeds wins, and each further submission is said in the log. An attempt that fails,
or cannot be submitted, ends the submitting, and is raised only if none of the others succeeds.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from async_inference.exceptions import AsyncInferenceError, InvalidRequest, ModelError, RequestExpired, ResultCorrupt
from async_inference.futures import FIRST_COMPLETED, wait
from async_inference.results import timed_out
from async_inference.waiting import patience

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

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


class Attempts:
    """The attempts of one invocation: which are under way, and what to raise if none of them succeeds.

    Args:
        most: How many requests to submit at most.
        timeout: Seconds to wait after each.
    """

    def __init__(self, most: int, timeout: float | None) -> None:
        self.outstanding: dict[Job, None] = {}
        """Those that have not ended, in the order of their submission."""

        self._most = most
        self._timeout = timeout
        self._last: Job | None = None
        self._refusal: AsyncInferenceError | None = None
        self._failure: AsyncInferenceError | None = None
        self._expiry: RequestExpired | None = None

    def numbers(self) -> Iterator[int]:
        """Yield the number of each attempt to make: none after one that failed or was not submitted."""
        for number in range(1, self._most + 1):
            if self._failure is not None or self._refusal is not None:
                return
            yield number

    def submitted(self, job: Job, number: int) -> None:
        """Take note of a submission, and say in the log that it was another inference, if it was."""
        self.outstanding[job] = None
        self._last = job
        if number > 1:
            _LOGGER.warning(
                "no outcome yet: submitted again as inference id %s, attempt %d of %d",
                job.inference_id,
                number,
                self._most,
            )

    def refused(self, error: AsyncInferenceError) -> None:
        """Take note that a submission failed.

        Raises:
            AsyncInferenceError: the error, if it was the first.
        """
        if self._last is None:
            raise error
        self._refusal, error.job = error, self._last
        _LOGGER.warning(  # without its words, which may quote what was sent
            "submitting again failed with %s: inference id %s is waited for, alone",
            type(error).__name__,
            ", ".join(job.inference_id for job in self.outstanding) or "none",
        )

    def outcome(self, job: Job) -> Result | None:
        """Return the result of a job that has ended, ``None`` if it has none."""
        self.outstanding.pop(job, None)
        try:
            return job.result()
        except RequestExpired as error:
            self._expiry = error
        except (ModelError, ResultCorrupt) as error:
            self._failure = self._failure or error
        return None

    def error(self) -> AsyncInferenceError:
        """Return what to raise if none has succeeded, from what says most to what says least."""
        error = self._failure or self._refusal
        if error is None and self._last is not None and self.outstanding:
            error = timed_out(self._last, self._timeout)
        if error is None:
            error = self._expiry
        assert error is not None  # noqa: S101 - there was an attempt, and it is under way, or has ended in one of these
        return error


def first_result(submit: Callable[[], Job], clock: Clock, timeout: float | None, attempts: int) -> Result:
    """Return the first result of up to ``attempts`` submissions; see :meth:`AsyncEndpoint.invoke`."""
    if attempts == 1:
        return submit().result(timeout)
    made = Attempts(attempts, timeout)
    for number in made.numbers():
        try:
            made.submitted(submit(), number)
        except AsyncInferenceError as error:
            made.refused(error)
        result = _first(made, clock, clock.monotonic() + patience(timeout))
        if result is not None:
            return result
    raise made.error()


def _first(made: Attempts, clock: Clock, until: float) -> Result | None:
    """Return the first result, or ``None`` if time is over or nothing is outstanding any more.

    An attempt that fails ends nothing as long as another is under way. Of those that end at once the earliest counts.
    """
    while made.outstanding:
        left = until - clock.monotonic()
        done, _ = wait(made.outstanding, left, FIRST_COMPLETED)
        for job in [job for job in made.outstanding if job in done]:
            result = made.outcome(job)
            if result is not None:
                return result
        if left <= 0:
            break
    return None
