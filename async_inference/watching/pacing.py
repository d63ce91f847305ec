"""When to look again: how often S3 is listed for many jobs, and when their time is over."""

from __future__ import annotations

import math
from heapq import heapify, heappop, heappush
from itertools import count
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Container

    from async_inference.clock import Clock
    from async_inference.job import Job
    from async_inference.waiting import PollingPolicy

FALLBACK_SECONDS: Final = 60.0
"""How often S3 is listed where notices say when to look: they can be lost, which nobody tells the one who waits.
Also the longest that a failure may go unseen because looking for failures is expensive."""


class Pace:
    """Intervals between listings that adapt: shorter while jobs end, longer while none does."""

    def __init__(self, polling: PollingPolicy, clock: Clock) -> None:
        self._polling = polling
        self._clock = clock
        self._interval = polling.initial_seconds
        self._spacing = self._drawn()
        self._listed_at = self._failures_listed_at = -math.inf
        self._rests = 0

    def restart(self) -> None:
        """Begin with short intervals again: there is a new job, which may be a short one."""
        self._interval = self._polling.initial_seconds
        self._spacing = min(self._spacing, self._drawn())

    def due(self, *, fallback: bool) -> float:
        """Return the moment of the monotonic clock at which to list; ``fallback`` if notices are relied on."""
        return self._listed_at + (FALLBACK_SECONDS if fallback else self._spacing)

    def failures_are_due(self) -> bool:
        """Whether to look for failures too.

        They may lie among everybody's, and then cost more requests than the outputs. So looking for them rests for as
        many listings as it took requests: they cost what the outputs cost, at most.
        """
        return self._rests <= 0 or self._clock.monotonic() >= self._failures_listed_at + FALLBACK_SECONDS

    def listing(self) -> None:
        """Take note that S3 is being listed, whatever comes of it: a question that fails is not repeated at once."""
        self._listed_at = self._clock.monotonic()
        self._rests -= 1

    def listed(self, *, found: bool) -> None:
        """Take note of whether a listing found anything."""
        factor = 1 / self._polling.factor if found else self._polling.factor
        longest = max(self._polling.initial_seconds, self._interval * factor)
        self._interval = min(longest, self._polling.maximum_seconds)
        self._spacing = self._drawn()

    def failures_listed(self, requests: int) -> None:
        """Take note of how many requests looking for all failures took."""
        self._failures_listed_at = self._clock.monotonic()
        self._rests = requests

    def _drawn(self) -> float:
        """As :meth:`PollingPolicy.intervals` draws them, so that those who wait for one batch get out of step."""
        return self._interval * (0.5 + self._clock.random() / 2)


class Deadlines:
    """The deadlines of jobs, in order. Those of jobs that are no longer pending drop out by themselves."""

    def __init__(self, pending: Container[Job]) -> None:
        self._pending = pending
        self._heap: list[tuple[float, int, Job]] = []
        self._order = count()
        self._worth_clearing = 1_000

    def add(self, job: Job) -> None:
        """Take ``job`` in, once it is pending."""
        heappush(self._heap, (job.deadline.timestamp(), next(self._order), job))
        if len(self._heap) > self._worth_clearing:
            self._heap = [entry for entry in self._heap if entry[2] in self._pending]
            heapify(self._heap)
            self._worth_clearing = max(1_000, 2 * len(self._heap))

    def next(self) -> float:
        """Return the moment of wall time at which the next pending job's deadline passes."""
        while self._heap and self._heap[0][2] not in self._pending:
            heappop(self._heap)
        return self._heap[0][0] if self._heap else math.inf

    def passed(self, now: float) -> list[Job]:
        """Return the pending jobs whose deadline has passed, each once."""
        jobs: dict[Job, None] = {}
        while self.next() <= now:
            jobs[heappop(self._heap)[2]] = None
        return list(jobs)
