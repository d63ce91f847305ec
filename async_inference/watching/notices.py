"""Push: what a consumer's queue tells of the ends of requests.

The stack brings what SageMaker publishes to the queue of the consumer. Notices come at least once, in any order, and
not for certain; between them come test messages, whenever the endpoint changes, and notices of what other processes
wait for. So a notice only says when to look, and it is deleted when nothing depends on it any more.

An endpoint object has one :class:`Notices`, which its watches share: whichever of them asks the queue, each gets the
notices of its own jobs.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias, TypeVar

from async_inference.watching.consumer_queue import BATCH
from async_inference.watching.notice import TEST, Notice, read_message, read_notice

if TYPE_CHECKING:
    from collections import deque
    from collections.abc import Callable

    from types_boto3_sqs.type_defs import MessageTypeDef

    from async_inference.clock import Clock
    from async_inference.job import Job
    from async_inference.locations import S3Location
    from async_inference.watching.consumer_queue import ConsumerQueue

Key = TypeVar("Key")
Value = TypeVar("Value")

Inbox: TypeAlias = "deque[tuple[Job, Notice]]"
"""Where a watch gets the notices of its jobs."""

_VISIBILITY_SECONDS: Final = 120.0
"""How long a message that was received is hidden from everybody else, as the stack sets it."""

_WORTHWHILE: Final = 50
"""For how many messages the next request waits if they come fast enough."""

_LONGEST_HELD_SECONDS: Final = _VISIBILITY_SECONDS / 2
"""When deletions that fill no request are made all the same."""

_REMEMBERED_SECONDS: Final = 3_600.0
"""For how long duplicates of notices are recognised, and what failures without an object said."""

_MOST_IN_A_ROW: Final = 100
"""Requests for messages before those that came are looked at."""


class _Held(NamedTuple):
    """A notice that hides in the queue because this process received it."""

    notice: Notice
    handle: str
    since: float


class _Reported(NamedTuple):
    """Why a job failed that left no object."""

    reason: str
    since: float


class Notices:
    """The notices of one consumer.

    Args:
        queue: The consumer's.
        consumer: Its name, with which its inference ids start.
        clock: Time.
        gather_seconds: How long notices may lie in the queue, while many come, so that one request fetches several.
    """

    def __init__(self, queue: ConsumerQueue, *, consumer: str, clock: Clock, gather_seconds: float) -> None:
        self._queue = queue
        self._prefix = f"{consumer}-"
        self._clock = clock
        self._gather_seconds = gather_seconds
        self._lock = threading.Lock()
        self._subscriptions: defaultdict[str, list[tuple[Job, Inbox]]] = defaultdict(list)
        self._held: defaultdict[Job, list[_Held]] = defaultdict(list)
        self._unclaimed: dict[str, _Held] = {}
        self._acknowledged: dict[str, float] = {}
        self._deletable: list[tuple[float, str]] = []
        self._received_at = self._receive_at = clock.monotonic()
        self._reported: dict[S3Location, _Reported] = {}
        """By where the output would have been."""

    @property
    def available(self) -> bool:
        """Whether the queue can be relied on for now."""
        return self._queue.outage() == 0

    def are_sent_for(self, job: Job) -> bool:
        """Whether the queue gets a notice of ``job``."""
        return job.inference_id.startswith(self._prefix)

    def have_come_for(self, job: Job) -> bool:
        """Whether a notice of ``job``, or of its namesake, has been received, and may not come again."""
        with self._lock:
            return job in self._held or job.inference_id in self._acknowledged

    def subscribe(self, job: Job, inbox: Inbox) -> None:
        """Put the notices of ``job`` into ``inbox`` from now on, and the one that may have come before."""
        with self._lock:
            self._subscriptions[job.inference_id].append((job, inbox))
            held = self._unclaimed.get(job.inference_id)
            if held is not None and held.notice.may_be_about(job):
                del self._unclaimed[job.inference_id]
                self._held[job].append(held)
                inbox.append((job, held.notice))

    def unsubscribe(self, job: Job, inbox: Inbox) -> None:
        """Leave the notices of ``job`` alone, for whoever waits for it next."""
        with self._lock:
            for held in self._end(job, inbox):
                self._unclaimed[job.inference_id] = held

    def acknowledge(self, job: Job, inbox: Inbox) -> None:
        """Delete the notices of ``job``, soon, and those that are still to come."""
        with self._lock:
            self._deletable += [(held.since, held.handle) for held in self._end(job, inbox)]
            self._recognise(job)

    def dealt_with(self, job: Job) -> None:
        """Delete the notices of ``job`` that have come or are still to come, unless somebody waits for it: he decides.

        For whoever reads an outcome without a watch. It asks the queue for nothing: the next watch deletes.
        """
        with self._lock:
            if not self.are_sent_for(job) or job.inference_id in self._subscriptions:
                return
            self._recognise(job)
            held = self._unclaimed.get(job.inference_id)
            if held is not None and held.notice.may_be_about(job):
                del self._unclaimed[job.inference_id]
                self._deletable.append((held.since, held.handle))

    def reported_failure(self, job: Job) -> str | None:
        """Return why ``job`` failed, if a notice said so and S3 has nothing of it."""
        reported = self._reported.get(job.output_location)
        return None if reported is None else reported.reason

    def report(self, job: Job, notice: Notice) -> None:
        """Take ``notice``, if it is of a failure, for what became of a job of which S3 has nothing.

        An inference id is a label, which callers may use twice, and the notice of a failure names nothing else. It is
        taken unless this process knows of another request of that id, or it is of an earlier time. So it may still be
        about another one, if a caller gives one id to several requests within minutes and waits for them in several
        processes, or for one of them alone.
        """
        if notice.failure is None or not notice.is_of_the_time_of(job):
            return
        with self._lock:
            jobs = {subscribed for subscribed, _ in self._subscriptions[job.inference_id]}
            if jobs == {job} and job.inference_id not in self._acknowledged:
                now = self._clock.monotonic()
                self._forget(now)
                self._reported.setdefault(job.output_location, _Reported(notice.failure, now))

    def pause(self) -> float:
        """Return the seconds until asking the queue is worthwhile."""
        return max(self._queue.outage(), self._receive_at - self._clock.monotonic(), 0.0)

    def receive(self, patience: int) -> None:
        """Ask the queue for notices, if that is worthwhile, waiting ``patience`` seconds for the first."""
        if self.pause() > 0:
            return
        received = 0
        for request in range(_MOST_IN_A_ROW):
            messages = self._queue.receive(patience if request == 0 else 0)
            received += len(messages)
            with self._lock:
                for message in messages:
                    self._sort(message)
            if len(messages) < BATCH / 2:
                break
        self._gather(received)
        self._delete()

    def flush(self) -> None:
        """Delete what may be deleted now."""
        self._delete(everything=True)

    def _gather(self, received: int) -> None:
        """Let messages gather if they come so fast that one request could have fetched several."""
        now = self._clock.monotonic()
        rate = received / max(now - self._received_at, 1e-3)
        self._received_at = self._receive_at = now
        if rate * self._gather_seconds > 1:
            self._receive_at += min(self._gather_seconds, _WORTHWHILE / rate)

    def _sort(self, message: MessageTypeDef) -> None:
        """Bring one message to where it belongs; the lock is held."""
        now, handle = self._clock.monotonic(), message["ReceiptHandle"]
        content = read_message(message["Body"])
        notice = read_notice(content)
        if content.get("eventName") == TEST:
            self._deletable.append((now, handle))
        if notice is None:
            return
        held = _Held(notice, handle, now)
        takers = [taker for taker in self._subscriptions.get(notice.inference_id, ()) if notice.may_be_about(taker[0])]
        for job, inbox in takers:
            self._held[job].append(held)
            inbox.append((job, notice))
        if not takers and notice.inference_id in self._acknowledged:
            self._deletable.append((now, handle))
        elif not takers:
            self._unclaimed.pop(notice.inference_id, None)  # likewise
            self._unclaimed[notice.inference_id] = held
        self._forget(now)

    def _recognise(self, job: Job) -> None:
        """Delete notices of ``job`` when they come; the lock is held."""
        now = self._clock.monotonic()
        self._acknowledged.pop(job.inference_id, None)  # so that the newest are last
        self._acknowledged[job.inference_id] = now
        self._forget(now)

    def _forget(self, now: float) -> None:
        """Drop what is too old to matter; the lock is held."""
        _drop(self._unclaimed, lambda held: held.since < now - _VISIBILITY_SECONDS)
        _drop(self._acknowledged, lambda since: since < now - _REMEMBERED_SECONDS)
        _drop(self._reported, lambda reported: reported.since < now - _REMEMBERED_SECONDS)

    def _end(self, job: Job, inbox: Inbox) -> list[_Held]:
        """End a subscription and return the notices that came of it; the lock is held."""
        others = [taker for taker in self._subscriptions[job.inference_id] if taker[0] != job or taker[1] is not inbox]
        self._subscriptions[job.inference_id] = others
        if not others:
            del self._subscriptions[job.inference_id]
        return self._held.pop(job, [])

    def _delete(self, *, everything: bool = False) -> None:
        while True:
            with self._lock:
                old = bool(self._deletable) and (
                    self._clock.monotonic() - self._deletable[0][0] > _LONGEST_HELD_SECONDS
                )
                if not self._deletable or not (everything or old or len(self._deletable) >= BATCH):
                    return
                batch, self._deletable = self._deletable[:BATCH], self._deletable[BATCH:]
            self._queue.delete([handle for _, handle in batch])


def _drop(remembered: dict[Key, Value], is_old: Callable[[Value], bool]) -> None:
    """Drop from the beginning of what is in order of time."""
    while remembered and is_old(remembered[oldest := next(iter(remembered))]):
        del remembered[oldest]
