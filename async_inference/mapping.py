"""Results in the order of their payloads, submitted no faster than the model keeps up."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

from async_inference.exceptions import AsyncInferenceError, InvalidRequest, ResultTimeout
from async_inference.waiting import patience

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from async_inference.job import Job
    from async_inference.results import Result
    from async_inference.submitting.payloads import Payload
    from async_inference.watching.watch import Watch
    from async_inference.watching.watcher import Watcher

MAX_UNFINISHED: Final = 100
"""Requests that may be queued or running at a time unless the caller says otherwise."""


class Mapping:
    """Which payload to submit next, and whose result is next.

    Args:
        payloads: Taken one by one, when there is room for another.
        max_unfinished: How many submitted jobs there is room for that have not ended.

    Raises:
        InvalidRequest: ``max_unfinished`` is no number of jobs.
    """

    def __init__(self, payloads: Iterable[Payload], max_unfinished: int) -> None:
        if type(max_unfinished) is not int or max_unfinished < 1:
            raise InvalidRequest(f"max_unfinished: got {max_unfinished!r:.20}, expected a whole number of at least 1")
        self._payloads = iter(payloads)
        self._max_unfinished = max_unfinished
        self._order: deque[Job | AsyncInferenceError] = deque()
        self._unfinished: set[Job] = set()
        self._exhausted = False

    def due(self) -> Iterator[Payload]:
        """Yield the payloads to submit now; each is to be followed by :meth:`submitted` or :meth:`refused`."""
        while not self._exhausted and len(self._unfinished) < self._max_unfinished:
            try:
                payload = next(self._payloads)
            except StopIteration:
                self._exhausted = True
                return
            yield payload

    def submitted(self, job: Job) -> None:
        """Take note of the job of the last payload."""
        self._order.append(job)
        self._unfinished.add(job)

    def refused(self, error: AsyncInferenceError) -> None:
        """Take note that the last payload was not submitted; that is raised when its turn comes."""
        self._order.append(error)
        self._exhausted = True

    def ended(self, job: Job) -> None:
        """Take note that a job has ended."""
        self._unfinished.discard(job)

    def first(self) -> Job | None:
        """Return the job whose result is the next in order, ``None`` if there is no more.

        Raises:
            AsyncInferenceError: its payload was not submitted.
        """
        if not self._order:
            return None
        if isinstance(self._order[0], AsyncInferenceError):
            raise self._order[0]
        return self._order[0]

    def waits_for(self, job: Job) -> bool:
        """Whether ``job`` has not ended."""
        return job in self._unfinished

    def yielded(self) -> None:
        """Go on to the next result."""
        self._order.popleft()


def results(
    mapping: Mapping, submit: Callable[[Payload], Job], watcher: Watcher, timeout: float | None
) -> Iterator[Result]:
    """Yield the results of payloads in their order; see :meth:`AsyncEndpoint.map`."""
    return _results(mapping, submit, watcher, watcher.watches.clock.monotonic() + patience(timeout))


def timed_out(job: Job) -> ResultTimeout:
    """Return what to raise where time is over before ``job`` has ended."""
    return ResultTimeout(
        f"no outcome of inference id {job.inference_id}, the next in order, within the time for all: "
        "it may be queued, waiting for an instance, or running",
        job=job,
    )


def _results(mapping: Mapping, submit: Callable[[Payload], Job], watcher: Watcher, until: float) -> Iterator[Result]:
    with watcher.watches.new() as watch:
        while True:
            _submit_due(mapping, submit, watch)
            job = mapping.first()
            if job is None:
                return
            if mapping.waits_for(job):
                _look(mapping, job, watch, watcher, until)
                continue
            yield job.result()
            mapping.yielded()


def _submit_due(mapping: Mapping, submit: Callable[[Payload], Job], watch: Watch) -> None:
    for payload in mapping.due():
        try:
            job = submit(payload)
        except AsyncInferenceError as error:
            mapping.refused(error)
        else:
            mapping.submitted(job)
            watch.add(job)


def _look(mapping: Mapping, first: Job, watch: Watch, watcher: Watcher, until: float) -> None:
    """Look once for what has ended, and sleep until it is worthwhile to look again, if it is not the first."""
    clock = watcher.watches.clock
    last = clock.monotonic() >= until
    for job in watch.tick(until=until):
        mapping.ended(job)
        watch.acknowledge(job)  # S3 has its outcome, and a notice that is held for long becomes a dead letter
    if mapping.waits_for(first):
        if last:
            raise timed_out(first)
        clock.sleep(max(0.0, min(watch.pause(), until - clock.monotonic())))
