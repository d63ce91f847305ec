"""Waiting for many jobs in the shape of :mod:`concurrent.futures`, in the caller's own thread."""

from __future__ import annotations

from concurrent.futures import ALL_COMPLETED, FIRST_COMPLETED, FIRST_EXCEPTION
from typing import TYPE_CHECKING, NamedTuple, Self

from async_inference.clock import Clock
from async_inference.exceptions import InvalidRequest, ResultTimeout
from async_inference.job import Job, watcher_of
from async_inference.messages import shown
from async_inference.waiting import patience
from async_inference.watching.watch import LONG_POLL_SECONDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from types import TracebackType

    from async_inference.watching.watch import Watch
    from async_inference.watching.watcher import Watcher

__all__ = ["ALL_COMPLETED", "FIRST_COMPLETED", "FIRST_EXCEPTION", "DoneAndNotDone", "as_completed", "wait"]


class DoneAndNotDone(NamedTuple):
    """What :func:`wait` returns.

    Example:
        >>> wait([job, queued_job], timeout=0).not_done == {queued_job}
        True
    """

    done: set[Job]
    """The jobs that have an outcome, or can have none any more."""

    not_done: set[Job]


def as_completed(jobs: Iterable[Job], timeout: float | None = None) -> Iterator[Job]:
    """Yield jobs as they end, each once, those that have ended already first.

    What a job came to is for :meth:`Job.result` to say. Where the endpoint has a consumer, the notice of a job is
    deleted when the next job is asked for.

    Args:
        jobs: Of any number of endpoints; one that is there twice counts once.
        timeout: Seconds from this call within which all must have ended; by default until each can have no outcome any
            more. 0 or less asks once.

    Raises:
        InvalidRequest: something else than a job is among them, or an endpoint was closed.
        ResultTimeout: while iterating: ``timeout`` passed. The jobs go on.
        PermissionDenied: likewise: listing was refused, twice in a row.
        EndpointUnavailable: likewise: S3 could not be asked.

    Example:
        >>> jobs = [endpoint.submit(page) for page in (b"page 1", b"page 2")]
        >>> for job in as_completed(jobs, timeout=600):
        ...     print(job.result().json()["text"])
        Grüße
        Grüße
    """
    return _as_completed(_Waiting(jobs, timeout), timeout)


def wait(jobs: Iterable[Job], timeout: float | None = None, return_when: str = ALL_COMPLETED) -> DoneAndNotDone:
    """Wait for jobs and return which have ended and which have not.

    Args:
        jobs: Of any number of endpoints; one that is there twice counts once.
        timeout: Seconds to wait at most; by default until each can have no outcome any more. 0 or less asks once.
        return_when: ``ALL_COMPLETED``; ``FIRST_COMPLETED``, to return as soon as one has ended; or
            ``FIRST_EXCEPTION``, to return as soon as one has ended without a result, which takes one more request for
            each that has ended.

    Raises:
        InvalidRequest: something else than a job is among them, ``return_when`` is none of these, or an endpoint was
            closed.
        PermissionDenied: listing was refused, twice in a row.
        EndpointUnavailable: S3 could not be asked.

    Example:
        >>> jobs = [endpoint.submit(page) for page in (b"page 1", b"page 2")]
        >>> done, not_done = wait(jobs, timeout=600)
        >>> len(done), len(not_done)
        (2, 0)
    """
    check_return_when(return_when)
    done: dict[Job, None] = {}
    with _Waiting(jobs, timeout) as waiting:
        for ended in waiting.rounds():
            done.update(dict.fromkeys(ended))
            failed = return_when == FIRST_EXCEPTION and any(job.exception(0) is not None for job in ended)
            for job in ended:  # S3 has the outcomes, and notices that are held for long become dead letters
                waiting.acknowledge(job)
            if failed or (return_when == FIRST_COMPLETED and done):
                break
    return DoneAndNotDone(set(done), waiting.jobs - set(done))


def check_return_when(return_when: object) -> None:
    """Refuse what is none of the constants.

    Raises:
        InvalidRequest: it is none.
    """
    known = (ALL_COMPLETED, FIRST_COMPLETED, FIRST_EXCEPTION)
    if return_when not in known:
        raise InvalidRequest(f"return_when: got {shown(return_when)}, expected one of {', '.join(known)}")


def timed_out(remaining: int, all_of_them: int, timeout: float | None) -> ResultTimeout:
    """Return what to raise where ``timeout`` has passed and some jobs have no outcome."""
    return ResultTimeout(
        f"{remaining} of {all_of_them} jobs have no outcome within {timeout:g} s: "
        "they may be queued, waiting for an instance, or running"
    )


def _as_completed(waiting: _Waiting, timeout: float | None) -> Iterator[Job]:
    with waiting:
        for ended in waiting.rounds():
            for job in ended:
                yield job
                waiting.acknowledge(job)
        if remaining := len(waiting):
            raise timed_out(remaining, len(waiting.jobs), timeout)


class _Waiting:
    """The jobs that one call waits for: a watch for each endpoint object, driven as one."""

    def __init__(self, jobs: Iterable[Job], timeout: float | None) -> None:
        self._watchers = {job: watcher_of(job) for job in jobs}
        for watcher in dict.fromkeys(self._watchers.values()):
            watcher.require_open()
        # One machine has one clock; only tests make others.
        self._clock = next((watcher.watches.clock for watcher in self._watchers.values()), Clock())
        self._until = self._clock.monotonic() + patience(timeout)
        self._watches: dict[Watcher, Watch] = {}

    def __len__(self) -> int:
        """Return how many have not ended."""
        return sum(map(len, self._watches.values()))

    @property
    def jobs(self) -> set[Job]:
        """All of them."""
        return set(self._watchers)

    def __enter__(self) -> Self:
        watchers = dict.fromkeys(self._watchers.values())
        # While one endpoint's notices are waited for, the others' wait.
        seconds = max(1, LONG_POLL_SECONDS // max(1, len(watchers)))
        self._watches = {watcher: watcher.watches.new(long_poll_seconds=seconds) for watcher in watchers}
        for job, watcher in self._watchers.items():
            self._watches[watcher].add(job)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for watch in self._watches.values():
            watch.close()

    def acknowledge(self, job: Job) -> None:
        """See :meth:`Watch.acknowledge`."""
        self._watches[self._watchers[job]].acknowledge(job)

    def rounds(self) -> Iterator[list[Job]]:
        """Yield what ended in each round, until all have, or until time is over: with one last look at everything."""
        while pending := [watch for watch in self._watches.values() if len(watch)]:
            last = self._clock.monotonic() >= self._until
            for watch in pending:
                if last or watch.pause() <= 0:
                    yield watch.tick(until=self._until)
            if last:
                return
            left = self._until - self._clock.monotonic()
            if len(self) and (pause := min(left, *(watch.pause() for watch in pending if len(watch)))) > 0:
                self._clock.sleep(pause)
