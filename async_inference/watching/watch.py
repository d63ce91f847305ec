"""Waiting for many jobs at once: which of them have ended since the last look.

A watch never sleeps: whoever drives it calls :meth:`Watch.tick`, deals with the jobs that it returns, lets
:meth:`Watch.pause` seconds pass as he likes, and goes on. It looks at S3 with one LIST per 1,000 pending jobs, at
intervals that adapt. Where the endpoint has a consumer, notices in its queue say when to look, and the listing goes on
at long intervals as their fallback. **S3 decides** in both modes, so both give the same answers, whatever becomes of a
notice, with one exception: a notice may tell of a failure that left no object.
"""

from __future__ import annotations

import math
import threading
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Self

from async_inference.exceptions import AsyncInferenceError, InvalidRequest, PermissionDenied
from async_inference.storage import ObjectStore
from async_inference.watching import listing
from async_inference.watching.pacing import FALLBACK_SECONDS, Deadlines, Pace

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import TracebackType

    from async_inference.clients import Clients
    from async_inference.clock import Clock
    from async_inference.job import Job
    from async_inference.locations import S3Location
    from async_inference.retrying import RetryPolicy
    from async_inference.waiting import PollingPolicy
    from async_inference.watching.in_flight import JobsInFlight
    from async_inference.watching.notice import Notice
    from async_inference.watching.notices import Inbox, Notices

LONG_POLL_SECONDS: Final = 20
"""How long one request waits for notices: the longest that SQS allows (SQS API reference, ReceiveMessage)."""


class Watch:
    """Jobs of one endpoint that are waited for.

    Made by :meth:`AsyncEndpoint.watch`. It belongs to one thread; several watches may be used at a time. Close it, or
    use it as a context manager, so that the queue's notices of its jobs are deleted.

    Example:
        >>> job = endpoint.submit(b"page")
        >>> with endpoint.watch() as watch:
        ...     watch.add(job)
        ...     while len(watch):
        ...         for done in watch.tick():
        ...             print(done == job)
        ...             watch.acknowledge(done)
        ...         time.sleep(watch.pause())
        True
    """

    def __init__(
        self,
        objects: ObjectStore,
        *,
        polling: PollingPolicy,
        clock: Clock,
        in_flight: JobsInFlight,
        require_open: Callable[[], None],
        notices: Notices | None = None,
        long_poll_seconds: int = LONG_POLL_SECONDS,
    ) -> None:
        self._objects = objects
        self._clock = clock
        self._in_flight = in_flight
        self._require_open = require_open
        self._notices = notices
        self._long_poll_seconds = long_poll_seconds
        self._pending: dict[Job, None] = {}
        self._unnotified: set[Job] = set()
        self._deadlines = Deadlines(self._pending)
        self._pace = Pace(polling, clock)
        self._inbox: Inbox = deque()
        self._noticed: dict[Job, Notice] = {}
        self._unacknowledged: set[Job] = set()
        self._hurry = self._refused = False
        in_flight.add(self)

    def __len__(self) -> int:
        return len(self._pending)

    def __contains__(self, job: Job) -> bool:
        return job in self._pending

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def add(self, job: Job) -> None:
        """Wait for ``job`` too; one that is waited for already stays as it is."""
        if job in self._pending:
            return
        self._pending[job] = None
        self._deadlines.add(job)
        self._pace.restart()
        if self._notices is None or not self._notices.are_sent_for(job):
            self._unnotified.add(job)
            return
        self._unacknowledged.add(job)
        # The notice may have come and gone: that of a job that was submitted long ago, or that somebody else waits for.
        is_old = self._clock.now() - job.submitted_at.timestamp() > FALLBACK_SECONDS
        self._hurry |= is_old or self._notices.have_come_for(job)
        self._notices.subscribe(job, self._inbox)

    def discard(self, job: Job) -> None:
        """Wait for ``job`` no longer; the job itself goes on. One that is not waited for is ignored."""
        self._settle(job)
        if self._notices is not None and job in self._unacknowledged:
            self._unacknowledged.discard(job)
            self._notices.unsubscribe(job, self._inbox)

    def tick(self, *, until: float = math.inf) -> list[Job]:
        """Look once and return the jobs that have ended; they are no longer waited for.

        A job has ended when its output or its failure is there, when a notice says that it failed without leaving
        either, or when its deadline has passed. What it came to is for :meth:`Job.result` to say.

        Where there are notices, a round waits up to 20 seconds for the first.

        Args:
            until: A moment of the monotonic clock. No retry goes beyond it, nor waiting for notices by more than a
                second, and a round that starts at or after it looks for everything.

        Raises:
            InvalidRequest: the endpoint was closed.
            PermissionDenied: listing was refused, twice in a row.
            EndpointUnavailable: S3 could not be asked. No job is lost by it: the next round looks again.
        """
        self._require_open()
        self._in_flight.publish()
        self._hear(until)
        ended = self._deadlines.passed(self._clock.now())
        for job in ended:
            self._settle(job)
        try:
            ended += self._look(until)
        except AsyncInferenceError:
            if not ended:  # otherwise these are told of now, and the next round meets the error again
                raise
        return ended

    def pause(self) -> float:
        """Return the seconds until the next round is worthwhile; 0 if it is now."""
        due = min(self._listing_due(), self._in_flight.due if self._pending else math.inf)
        moments = [due - self._clock.monotonic(), self._deadlines.next() - self._clock.now()]
        if self._notices is not None and not self._noticed:  # what could not be looked at waits for the next listing
            moments.append(0.0 if self._inbox else self._notices.pause())
        return max(0.0, min(moments))

    def acknowledge(self, job: Job) -> None:
        """Say that what became of ``job`` is safe with the caller, so that its notice may be deleted.

        Deleting is batched: it happens in a later round, or when the watch is closed.
        """
        if self._notices is not None and job in self._unacknowledged:
            self._unacknowledged.discard(job)
            self._notices.acknowledge(job, self._inbox)

    def close(self) -> None:
        """Wait for no job any more, and delete the notices of those that were acknowledged. May be repeated."""
        for job in [*self._pending, *self._unacknowledged]:
            self.discard(job)
        if self._notices is not None:
            self._notices.flush()

    def _settle(self, job: Job) -> None:
        self._pending.pop(job, None)
        self._unnotified.discard(job)
        self._noticed.pop(job, None)

    def _listing_due(self) -> float:
        """Return when to list all that is pending: at long intervals only if notices tell of everything."""
        notified = self._notices is not None and self._notices.available and not self._unnotified
        return self._pace.due(fallback=notified and not self._hurry)

    def _hear(self, until: float) -> None:
        """Take what notices there are, or wait for the first."""
        if self._notices is None:
            return
        patience = self._patience(until)
        if patience and not self._inbox and not self._noticed:
            self._notices.receive(patience)
        while self._inbox:
            job, notice = self._inbox.popleft()
            if job in self._pending:
                self._noticed[job] = notice

    def _patience(self, until: float) -> int:
        """Return for how many seconds notices may be waited for until there is something else to do."""
        now = self._clock.monotonic()
        left = min(until - now, self._listing_due() - now, self._deadlines.next() - self._clock.now())
        return math.ceil(max(0.0, min(left, self._long_poll_seconds)))

    def _look(self, until: float) -> list[Job]:
        """Look for all jobs, or for those of which there are notices, and return those that have ended."""
        now = self._clock.monotonic()
        last = now >= until
        everything = last or now >= self._listing_due()
        jobs = list(self._pending) if everything else list(self._noticed)
        if not jobs:
            return []
        failures_of = jobs if last or (everything and self._pace.failures_are_due()) else self._noticed_failures()
        if everything:
            self._pace.listing()
        hurry, self._hurry = self._hurry, True  # unless this look succeeds, the next one is for everything, and soon
        found = self._find(jobs, failures_of, until=until, last=last)
        if found is None:
            return []
        self._hurry = hurry and not everything
        if everything:
            self._pace.listed(found=bool(found))
        return self._ended(jobs, found)

    def _find(
        self, jobs: Sequence[Job], failures_of: Sequence[Job], *, until: float, last: bool
    ) -> set[S3Location] | None:
        """Return which outputs and failures are there, or ``None`` if asking was refused for the first time."""
        try:
            outputs = listing.find(self._objects, (job.output_location for job in jobs), until=until)
            failures = listing.find(
                self._objects,
                (
                    job.failure_location
                    for job in failures_of
                    if job.failure_location is not None and job.output_location not in outputs.locations
                ),
                until=until,
            )
        except PermissionDenied:
            # A new role's permissions take seconds to spread: one refusal is believed only with the next.
            if self._refused or last:
                raise
            self._refused = True
            return None
        self._refused = False
        if failures_of is jobs:
            self._pace.failures_listed(failures.requests)
        return outputs.locations | failures.locations

    def _noticed_failures(self) -> list[Job]:
        return [job for job, notice in self._noticed.items() if notice.failure is not None]

    def _ended(self, jobs: Sequence[Job], found: set[S3Location]) -> list[Job]:
        """Settle and return the jobs of which something was found, or whose notice is all that there will be."""
        if self._notices is not None:
            for job, notice in self._noticed.items():
                if job.output_location not in found and job.failure_location not in found:
                    self._notices.report(job, notice)
            found |= {job.output_location for job in jobs if self._notices.reported_failure(job) is not None}
        self._noticed.clear()
        ended = [job for job in jobs if job.output_location in found or job.failure_location in found]
        for job in ended:
            self._settle(job)
        return ended


@dataclass(frozen=True, kw_only=True, slots=True)
class Watches:
    """Makes the watches of one endpoint; those of one object share its notices."""

    clients: Clients
    retry: RetryPolicy
    polling: PollingPolicy
    clock: Clock
    in_flight: JobsInFlight
    notices: Notices | None
    endpoint_name: str
    closing: threading.Event = field(default_factory=threading.Event)
    """Set for good once the endpoint is closed."""

    def new(self, clock: Clock | None = None, *, long_poll_seconds: int = LONG_POLL_SECONDS) -> Watch:
        """Return a watch; ``clock`` in place of the endpoint's."""
        clock = clock or self.clock
        return Watch(
            ObjectStore(self.clients, retry=self.retry, clock=clock),
            polling=self.polling,
            clock=clock,
            in_flight=self.in_flight,
            require_open=self.require_open,
            notices=self.notices,
            long_poll_seconds=long_poll_seconds,
        )

    def require_open(self) -> None:
        """Refuse to go on with an endpoint that was closed.

        Raises:
            InvalidRequest: it was.
        """
        if self.closing.is_set():
            raise self.closed()

    def closed(self) -> InvalidRequest:
        """Return what to raise where the endpoint was closed."""
        return InvalidRequest(f"endpoint {self.endpoint_name}: this object was closed, make another to go on")

    def reported_failure(self, job: Job) -> str | None:
        """Return why ``job`` failed, if that is known although it left no object."""
        return None if self.notices is None else self.notices.reported_failure(job)

    def dealt_with(self, job: Job) -> None:
        """Take note that the outcome of ``job`` was read, so that no notice of it is kept for anybody."""
        if self.notices is not None:
            self.notices.dealt_with(job)
