"""The simulated endpoint: a queue, and instances that are launched, loaded, busy, drained and removed."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from random import Random
from typing import TYPE_CHECKING

from scaling_engine.assumptions import ScaleIn
from scaling_engine.gauges import QueueState
from scaling_simulator.outcome import Fate, InstanceLife, Job

if TYPE_CHECKING:
    from scaling_simulator.options import Options

Schedule = Callable[[float, Callable[[float], None]], None]
"""Calls a function, with the time, at a time."""


@dataclass(slots=True, eq=False)
class Instance:
    """One instance."""

    life: InstanceLife
    jobs: list[Job] = field(default_factory=list)
    in_service: bool = False
    draining: bool = False


class SimulatedEndpoint:
    """An endpoint.

    Args:
        options: how long things take.
        max_concurrency: invocations per instance.
        schedule: calls back later.
        changed: called after each change of the queue or of the instances, with the time.

    Attributes:
        queue: jobs that wait, in the order in which they are taken.
        running: how many jobs run.
        had_requests: whether there was a request yet.
        lives: of all instances that there ever were.
    """

    def __init__(
        self, options: Options, max_concurrency: int, schedule: Schedule, changed: Callable[[float], None]
    ) -> None:
        self.queue: deque[Job] = deque()
        self.running = 0
        self.had_requests = False
        self.lives: list[InstanceLife] = []
        self._options = options
        self._max_concurrency = max_concurrency
        self._schedule = schedule
        self._changed = changed
        self._instances: list[Instance] = []
        self._draining: set[Instance] = set()
        self._random = Random(options.seed)  # noqa: S311 - chance that repeats

    @property
    def desired_count(self) -> int:
        """How many instances there should be."""
        return len(self._instances)

    @property
    def in_service_count(self) -> int:
        """How many instances take requests."""
        return sum(instance.in_service for instance in self._instances)

    @property
    def updating(self) -> bool:
        """Whether instances are being launched or drained."""
        return bool(self._draining) or any(not instance.in_service for instance in self._instances)

    def busy_slots(self) -> list[int]:
        """Return how many jobs run on each instance in service."""
        return [len(instance.jobs) for instance in self._instances if instance.in_service]

    def state(self, now: float) -> QueueState:
        """Return the queue as its metrics see it."""
        return QueueState(
            waiting=len(self.queue),
            running=self.running,
            instances=self.in_service_count,
            oldest_age_seconds=now - self.queue[0].arrived if self.queue else 0.0,
            had_requests=self.had_requests,
        )

    def submit(self, job: Job, now: float) -> None:
        """Queue ``job``; an idle instance takes it at once."""
        self.had_requests = True
        self.queue.append(job)
        self._dispatch(now)
        self._changed(now)

    def expire(self, now: float) -> None:
        """Drop the requests whose time to live has passed."""
        while self.queue and self.queue[0].arrived + self._options.request_ttl_seconds <= now:
            job = self.queue.popleft()
            job.fate, job.ended = Fate.EXPIRED, job.arrived + self._options.request_ttl_seconds

    def start_in_service(self, count: int, now: float) -> None:
        """Add ``count`` instances that are there already."""
        for _ in range(count):
            self._add(now).in_service = True
        for life in self.lives:
            life.in_service = now

    def resize(self, count: int, now: float) -> None:
        """Launch or remove instances; the oldest go first, whether they work or not."""
        surplus = max(0, len(self._instances) - count)
        removed, self._instances = self._instances[:surplus], self._instances[surplus:]
        for instance in removed:
            self._remove(instance, now)
        for _ in range(count - len(self._instances)):
            instance = self._add(now)
            options = self._options
            seconds = options.launch.sample(self._random) + options.model_load.sample(self._random)
            self._schedule(now + seconds, partial(self._arrive, instance))
        self._changed(now)

    def _add(self, now: float) -> Instance:
        instance = Instance(InstanceLife(launched=now))
        self.lives.append(instance.life)
        self._instances.append(instance)
        return instance

    def _arrive(self, instance: Instance, now: float) -> None:
        if instance.life.removed is not None:
            return
        instance.in_service, instance.life.in_service = True, now
        self._dispatch(now)
        self._changed(now)

    def _remove(self, instance: Instance, now: float) -> None:
        instance.life.unwanted = now
        if instance.jobs and self._options.assumptions.scale_in is ScaleIn.DRAINS:
            instance.draining = True
            self._draining.add(instance)
            return
        instance.life.removed = now
        instance.in_service = False
        for job in reversed(instance.jobs):
            self._cut(instance, job, now)
        instance.jobs.clear()
        self._dispatch(now)

    def _cut(self, instance: Instance, job: Job, now: float) -> None:
        """End the work on ``job`` before its time: it is lost, or begins again."""
        self.running -= 1
        done = now - (now if job.started is None else job.started)
        instance.life.busy_seconds += done
        job.lost_seconds += done
        job.cuts.append(now)
        if self._options.assumptions.scale_in is ScaleIn.REQUEUES:
            job.fate = Fate.WAITING
            self.queue.appendleft(job)
        else:
            job.fate, job.ended = Fate.KILLED, now

    def _dispatch(self, now: float) -> None:
        self.expire(now)
        while self.queue and (instance := self._free_instance()):
            job = self.queue.popleft()
            job.started, job.fate = now, Fate.RUNNING
            self.running += 1
            instance.jobs.append(job)
            self._schedule(now + job.work_seconds, partial(self._finish, job, instance, len(job.cuts)))

    def _free_instance(self) -> Instance | None:
        limit = self._max_concurrency
        free = [one for one in self._instances if one.in_service and len(one.jobs) < limit]
        return min(free, key=lambda one: len(one.jobs), default=None)

    def _finish(self, job: Job, instance: Instance, attempt: int, now: float) -> None:
        if job.fate is not Fate.RUNNING or len(job.cuts) != attempt:
            return
        job.fate, job.ended = (Fate.TIMED_OUT if job.times_out else Fate.COMPLETED), now
        self.running -= 1
        instance.jobs.remove(job)
        instance.life.busy_seconds += job.work_seconds
        if instance.draining and not instance.jobs:
            instance.life.removed = now
            self._draining.discard(instance)
        self._dispatch(now)
        self._changed(now)
