"""The event loop: requests, instances, minutes and alarms in the order of their times."""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable
from itertools import count
from typing import TYPE_CHECKING, Final

from scaling_simulator.endpoint import SimulatedEndpoint
from scaling_simulator.outcome import Job, Minute, Run
from scaling_simulator.sampling import Sampler
from scaling_simulator.scaler import Scaler

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scaling_simulator.options import Options
    from scaling_simulator.template import Deployment
    from scaling_simulator.traces import Request

MINUTE: Final = 60.0

_Event = tuple[float, int, int, Callable[[float], None]]

_FIRST, _AFTER_ALL = 0, 1
"""At the same moment, requests and instances change before the minute ends."""


def simulate(deployment: Deployment, requests: Sequence[Request], options: Options) -> Run:
    """Replay ``requests`` against ``deployment``.

    The simulation begins when the first deployment is complete: the initial instances are in service, no request was
    ever made, and every alarm is new.

    Args:
        deployment: what the template declares.
        requests: in the order of their arrival.
        options: what it does not say.
    """
    return _Simulation(deployment, requests, options).run()


class _Simulation:
    def __init__(self, deployment: Deployment, requests: Sequence[Request], options: Options) -> None:
        concurrency = deployment.max_concurrency or options.max_concurrency
        horizon = options.horizon(requests[-1].time if requests else 0.0)
        self._run = Run(options, concurrency, horizon, jobs=_jobs(requests, options))
        self._events: list[_Event] = []
        self._order = count()
        self._deployment = deployment
        self._without_capacity_since = math.inf
        self._endpoint = SimulatedEndpoint(options, concurrency, self._schedule, self._observe)
        self._scaler = Scaler(deployment, options, self._endpoint)
        self._sampler = Sampler(deployment, options, self._endpoint)

    def run(self) -> Run:
        self._endpoint.start_in_service(self._deployment.initial_instances, 0.0)
        self._schedule_minute(MINUTE)
        arrivals = iter(self._run.jobs)
        job = next(arrivals, None)
        while True:
            next_event = self._events[0][0]
            if job is not None and job.arrived <= next_event:
                self._endpoint.submit(job, job.arrived)
                job = next(arrivals, None)
                continue
            if next_event > self._run.horizon:
                break
            time, _, _, call = heapq.heappop(self._events)
            call(time)
        return self._finished()

    def _schedule(self, time: float, call: Callable[[float], None], order: int = _FIRST) -> None:
        heapq.heappush(self._events, (time, order, next(self._order), call))

    def _schedule_minute(self, minute_end: float) -> None:
        self._schedule(minute_end, self._end_minute, _AFTER_ALL)
        offset = self._run.options.assumptions.evaluation_offset_seconds
        self._schedule(minute_end + offset, self._scaler.evaluate, _AFTER_ALL)

    def _end_minute(self, now: float) -> None:
        endpoint = self._endpoint
        endpoint.expire(now)
        self._observe(now)
        self._scaler.publish(self._sampler.take(now))
        self._run.minutes.append(
            Minute(now, len(endpoint.queue), endpoint.running, endpoint.desired_count, endpoint.in_service_count)
        )
        self._schedule_minute(now + MINUTE)

    def _observe(self, now: float) -> None:
        self._scaler.observe(now)
        self._sampler.observe(now)
        if self._endpoint.queue and not self._endpoint.desired_count:
            self._without_capacity_since = min(self._without_capacity_since, now)
        elif self._without_capacity_since <= now:
            waited = now - self._without_capacity_since
            self._run.longest_wait_without_capacity = max(waited, self._run.longest_wait_without_capacity)
            self._without_capacity_since = math.inf

    def _finished(self) -> Run:
        run = self._run
        run.instances, run.activities = self._endpoint.lives, self._scaler.activities
        waited = run.horizon - self._without_capacity_since
        run.longest_wait_without_capacity = max(waited, run.longest_wait_without_capacity)
        return run


def _jobs(requests: Sequence[Request], options: Options) -> list[Job]:
    return [
        Job(
            number,
            request.time,
            request.size_bytes / options.bytes_per_second
            + min(request.service_seconds, options.invocation_timeout_seconds),
            request.service_seconds > options.invocation_timeout_seconds,
        )
        for number, request in enumerate(requests)
    ]
