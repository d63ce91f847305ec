"""What happened in a simulation: every request, every instance, every scaling activity, every minute."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scaling_engine.scalable_target import ScalingActivity
    from scaling_simulator.options import Options


class Fate(StrEnum):
    """What has become of a request."""

    WAITING = "waiting"
    RUNNING = "running"
    COMPLETED = "completed"
    TIMED_OUT = "timed out"
    EXPIRED = "expired"
    KILLED = "killed"


@dataclass(slots=True)
class Job:
    """A request on its way.

    Attributes:
        number: position in the trace.
        arrived: seconds.
        work_seconds: how long it keeps an instance busy.
        times_out: whether its invocation timeout ends the work.
        fate: what has become of it.
        started: when an instance took it, the last time; ``None`` if none did.
        ended: when its fate was decided.
        cuts: when scale-in ended work on it; unless it was killed, it went back into the queue each time.
        lost_seconds: work on it that scale-in threw away.
    """

    number: int
    arrived: float
    work_seconds: float
    times_out: bool = False
    fate: Fate = Fate.WAITING
    started: float | None = None
    ended: float | None = None
    cuts: list[float] = field(default_factory=list)
    lost_seconds: float = 0.0

    @property
    def restarts(self) -> int:
        """How often it began again."""
        return len(self.cuts) - (self.fate is Fate.KILLED)

    @property
    def wait_seconds(self) -> float | None:
        """How long it waited before an instance took it; ``None`` if none did."""
        return None if self.started is None else self.started - self.arrived


@dataclass(slots=True)
class InstanceLife:
    """One instance from the decision to launch it until it is gone.

    Attributes:
        launched: seconds.
        in_service: when it came into service, ``None`` if it was removed before.
        unwanted: when scaling decided against it, ``None`` if it never did.
        removed: when it was gone, ``None`` if it was there at the end.
        busy_seconds: how long its slots were taken, added up.
    """

    launched: float
    in_service: float | None = None
    unwanted: float | None = None
    removed: float | None = None
    busy_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Minute:
    """The endpoint at a minute's end."""

    time: float
    waiting: int
    running: int
    desired: int
    in_service: int


@dataclass(slots=True)
class Run:
    """A finished simulation.

    Attributes:
        options: of it.
        max_concurrency: invocations per instance.
        horizon: its end, in seconds.
        jobs: in the order of their arrival.
        instances: in the order of their launch.
        activities: in the order of their decision.
        minutes: one after the other.
        longest_wait_without_capacity: the longest time in which requests waited and no instance was wanted, in seconds.
    """

    options: Options
    max_concurrency: int
    horizon: float
    jobs: list[Job] = field(default_factory=list)
    instances: list[InstanceLife] = field(default_factory=list)
    activities: list[ScalingActivity] = field(default_factory=list)
    minutes: list[Minute] = field(default_factory=list)
    longest_wait_without_capacity: float = 0.0

    def with_fate(self, *fates: Fate) -> list[Job]:
        """Return the jobs of these fates."""
        return [job for job in self.jobs if job.fate in fates]

    def stranded(self) -> list[Job]:
        """Return the jobs that no instance took because none was wanted for as long as they waited."""
        spans = [(life.launched, self.horizon if life.unwanted is None else life.unwanted) for life in self.instances]
        return [
            job
            for job in self.with_fate(Fate.WAITING, Fate.EXPIRED)
            if not any(start < (job.ended or self.horizon) and job.arrived < end for start, end in spans)
        ]
