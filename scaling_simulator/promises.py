"""What scaling promises, checked against a run: nothing stranded, back at zero, no job cut off that was seen."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from scaling_engine.assumptions import ScaleIn

if TYPE_CHECKING:
    from scaling_simulator.outcome import Job, Run

MINUTE: Final = 60.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Promises:
    """Of a scaling that rests at zero.

    Attributes:
        wake_seconds: the longest from a request at zero instances until one is wanted.
        rest_seconds: the longest from the end of the last job until none is wanted; ``None`` where it may never rest.
        max_job_seconds: the longest that a job takes.
        protects_running_jobs: whether no job is cut off that was there at a metric sample which had reached
            CloudWatch. Not so where neither the backlog nor a metric of the clients counts running work.
        protects_waiting_jobs: whether at least no job is cut off that such a sample saw waiting before it was begun.
        kept_until: until when a schedule keeps instances, in seconds.
    """

    wake_seconds: float
    rest_seconds: float | None
    max_job_seconds: float
    protects_running_jobs: bool = True
    protects_waiting_jobs: bool = True
    kept_until: float = 0.0

    def broken_by(self, run: Run) -> list[str]:
        """Return what ``run`` did not keep, one line each; nothing if it kept everything."""
        broken = [f"request {job.number} of {job.arrived:.0f} s is stranded" for job in run.stranded()]
        waited = run.longest_wait_without_capacity
        if waited > self.wake_seconds and waited > self._wake_limit(run):
            broken.append(f"requests waited {waited:.0f} s and no instance was wanted")
        broken += self._broken_rest(run)
        if self.protects_running_jobs:
            broken += [
                f"job {job.number} of {job.arrived:.0f} s was cut off at {cut:.0f} s although a sample had it"
                for job in run.jobs
                for cut in job.cuts
                if was_seen(job, cut, run.options.assumptions.publication_delay_seconds)
            ]
        if self.protects_waiting_jobs:
            broken += [
                f"job {job.number} of {job.arrived:.0f} s was cut off at {cut:.0f} s although a sample saw it waiting"
                for job in run.jobs
                for cut in job.cuts
                if was_seen_waiting(job, cut, run.options.assumptions.publication_delay_seconds)
            ]
        return broken

    def _wake_limit(self, run: Run) -> float:
        """Draining counts as an update: where updates block scaling, it does so until the longest job is done."""
        assumptions = run.options.assumptions
        may_block = assumptions.scale_in is ScaleIn.DRAINS and assumptions.blocked_while_updating
        return self.wake_seconds + (self.max_job_seconds if may_block else 0.0)

    def _broken_rest(self, run: Run) -> list[str]:
        ends = (run.horizon if job.ended is None else job.ended for job in run.jobs)
        work_ended = max(ends, default=0.0)
        wanted = max((minute.time for minute in run.minutes if minute.desired), default=0.0)
        if self.rest_seconds is None or wanted <= max(work_ended, self.kept_until) + self.rest_seconds:
            return []
        launched = 0.0
        if run.options.assumptions.blocked_while_updating:
            launched = max((life.in_service or 0.0 for life in run.instances), default=0.0)
        if wanted <= max(work_ended, self.kept_until, launched) + self.rest_seconds:
            return []
        return [f"instances were wanted until {wanted:.0f} s, {wanted - work_ended:.0f} s after the last job"]


def was_seen(job: Job, cut: float, delay_seconds: float) -> bool:
    """Return whether a sample that had ``job`` could be read when the decision to cut it off fell."""
    return job.arrived <= (cut - delay_seconds) // MINUTE * MINUTE


def was_seen_waiting(job: Job, cut: float, delay_seconds: float) -> bool:
    """Return whether a sample saw ``job`` wait for the work that was cut off, and could be read when that fell."""
    first_sample = math.ceil(job.arrived / MINUTE) * MINUTE
    return job.started is not None and first_sample < job.started <= cut and first_sample <= cut - delay_seconds


def exposure(run: Run) -> float:
    """Return the longest that a job had been there, waiting and running, when it was cut off, in seconds.

    Where every job that a sample has seen is safe, it is the time before a rest in which a job arrives unseen.
    """
    return max((cut - job.arrived for job in run.jobs for cut in job.cuts), default=0.0)
