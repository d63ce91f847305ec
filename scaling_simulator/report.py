"""What a run comes to: the figures by which one scaling is compared with another."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Final

from scaling_simulator.outcome import Fate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scaling_simulator.outcome import Run

HOUR: Final = 3_600.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """The figures of one run.

    Attributes:
        initial_instances: in service at the beginning, as after a deployment.
        requests: that arrived.
        completed: the model finished its work on them.
        timed_out: their invocation timeout ended the work.
        expired: their time to live ended in the queue, while there were instances at least for a time.
        stranded: no instance took them because none was wanted for as long as they waited.
        unfinished: waiting or running at the end.
        killed: lost with an instance that scale-in removed.
        restarted: begun again after scale-in, once or more often.
        repeated_hours: work thrown away by scale-in.
        wait_p50_seconds: median time from arrival until an instance took it, of those that one took; ``None`` where one
            took none.
        wait_p95_seconds: 95th percentile of it.
        wait_max_seconds: longest of it.
        cold_starts: scale-outs from zero.
        instance_hours: from the decision to launch an instance until it was gone.
        busy_share: of these, the share in which slots worked.
        hours: from the beginning to the end.
        rests_at_end: whether no instance was wanted at the end.
        cost: of the instance hours at the price given, ``None`` without one.
        always_on_cost: of one instance, or as many as were asked for, throughout.
    """

    initial_instances: int
    requests: int
    completed: int
    timed_out: int
    expired: int
    stranded: int
    unfinished: int
    killed: int
    restarted: int
    repeated_hours: float
    wait_p50_seconds: float | None
    wait_p95_seconds: float | None
    wait_max_seconds: float | None
    cold_starts: int
    instance_hours: float
    busy_share: float
    hours: float
    rests_at_end: bool
    cost: float | None = None
    always_on_cost: float | None = None

    def to_dict(self) -> dict[str, float | int | bool | None]:
        """Return the figures by name, rounded, for a machine."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: round(value, 4) if isinstance(value, float) else value for name, value in values.items()}


def report(run: Run, *, price_per_hour: float | None = None, always_on: int = 1) -> Report:
    """Return the figures of ``run``.

    Args:
        run: a finished simulation.
        price_per_hour: of an instance, in any currency.
        always_on: how many instances the cost is compared with.
    """
    waits = sorted(wait for job in run.jobs if (wait := job.wait_seconds) is not None)
    stranded = len(run.stranded())
    unfinished = len(run.with_fate(Fate.WAITING, Fate.RUNNING))
    stranded_at_end = sum(job.fate is Fate.WAITING for job in run.stranded())
    hours = _instance_hours(run)
    initial = sum(life.in_service == 0.0 for life in run.instances)
    busy = sum(life.busy_seconds for life in run.instances) / HOUR / run.max_concurrency
    return Report(
        initial_instances=initial,
        requests=len(run.jobs),
        completed=len(run.with_fate(Fate.COMPLETED)),
        timed_out=len(run.with_fate(Fate.TIMED_OUT)),
        expired=len(run.with_fate(Fate.EXPIRED)) - (stranded - stranded_at_end),
        stranded=stranded,
        unfinished=unfinished - stranded_at_end,
        killed=len(run.with_fate(Fate.KILLED)),
        restarted=sum(job.restarts > 0 for job in run.jobs),
        repeated_hours=sum(job.lost_seconds for job in run.jobs) / HOUR,
        wait_p50_seconds=percentile(waits, 0.5),
        wait_p95_seconds=percentile(waits, 0.95),
        wait_max_seconds=percentile(waits, 1.0),
        cold_starts=sum(activity.from_capacity == 0 for activity in run.activities),
        instance_hours=hours,
        busy_share=busy / hours if hours else 0.0,
        hours=run.horizon / HOUR,
        rests_at_end=run.minutes[-1].desired == 0 if run.minutes else not initial,
        cost=None if price_per_hour is None else hours * price_per_hour,
        always_on_cost=None if price_per_hour is None else run.horizon / HOUR * price_per_hour * always_on,
    )


def percentile(ordered: Sequence[float], share: float) -> float | None:
    """Return the least value that ``share`` of the ``ordered`` values do not exceed; ``None`` of none."""
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else None


def _instance_hours(run: Run) -> float:
    ends = (run.horizon if life.removed is None else min(life.removed, run.horizon) for life in run.instances)
    return sum(end - life.launched for life, end in zip(run.instances, ends, strict=True)) / HOUR
