"""What AWS leaves undocumented about scaling an asynchronous endpoint, each point a switch with a name.

Nothing that is computed with them is a statement about AWS: the defaults are what documentation or users say most, and
a design is judged under every combination. Smaller assumptions, which no design should depend on, are named where they
are made.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from scaling_engine.exceptions import require

LONGEST_OFFSET_SECONDS: Final = 60.0
"""Alarms are evaluated once a minute, so less than this long after the minute's end."""

MOST_EXTRA_DATAPOINTS: Final = 5
"""The furthest that an alarm may be assumed to look back beyond its evaluation periods."""


class ScaleIn(StrEnum):
    """What becomes of a job that runs on an instance which scale-in removes."""

    KILLS = "kills"
    DRAINS = "drains"
    REQUEUES = "requeues"


class Sampling(StrEnum):
    """What a minute's datapoint of a queue metric says."""

    INSTANT = "instant"
    """The state at the minute's end."""

    MINUTE_MAXIMUM = "maximum"
    """The largest value in the minute."""


class CooldownStart(StrEnum):
    """Where the cooldown of a scaling activity starts."""

    COMPLETION = "completion"
    """When the instances are in service or gone; until then the activity counts as in its cooldown."""

    DECISION = "decision"


@dataclass(frozen=True, kw_only=True, slots=True)
class Assumptions:
    """One answer to every undocumented question.

    Attributes:
        backlog_counts_running_work: whether the backlog metrics count jobs that are being processed. The documentation
            says so; one team measured zero while long jobs ran.
        backlog_per_instance_at_zero: whether ``ApproximateBacklogSizePerInstance`` has datapoints at zero instances.
            The documentation implies it; users report that it has none.
        zeros_while_idle: whether the queue metrics are published as zeros while no request waits or runs, or not at
            all.
        datapoints_before_first_request: whether the queue metrics exist before the endpoint's first request.
        sampling: what a datapoint says of its minute.
        publication_delay_seconds: from a minute's end until the datapoints of queue and clients can be read.
        instance_publication_delay_seconds: likewise those of instances, such as ``CPUUtilization``.
        evaluation_offset_seconds: from a minute's end until alarms are evaluated, less than 60.
        scale_in: what becomes of running work.
        cooldown_start: where a cooldown starts.
        blocked_while_updating: whether scaling policies have no effect while instances are launched or removed.
        aggregates_leave_out_missing: whether metric math such as ``MAX`` of several series leaves a missing datapoint
            out, rather than having none for the period. Users rely on it; the documentation does not say.
        extra_datapoints: how many periods an alarm looks back beyond its evaluation periods where some of those have
            no datapoint, 1 to 5. The documentation says that there are some, that their number depends on period and
            resolution, and has 2 (three evaluation periods, a range of five) in its examples.
    """

    backlog_counts_running_work: bool = True
    backlog_per_instance_at_zero: bool = False
    zeros_while_idle: bool = True
    datapoints_before_first_request: bool = True
    sampling: Sampling = Sampling.INSTANT
    publication_delay_seconds: float = 0.0
    instance_publication_delay_seconds: float = 0.0
    evaluation_offset_seconds: float = 0.0
    scale_in: ScaleIn = ScaleIn.KILLS
    cooldown_start: CooldownStart = CooldownStart.COMPLETION
    blocked_while_updating: bool = True
    aggregates_leave_out_missing: bool = True
    extra_datapoints: int = 2

    def __post_init__(self) -> None:
        for delay in (self.publication_delay_seconds, self.instance_publication_delay_seconds):
            require(delay >= 0, f"assumptions: a publication delay of {delay} s is negative")
        offset, extra = self.evaluation_offset_seconds, self.extra_datapoints
        require(
            0 <= offset < LONGEST_OFFSET_SECONDS,
            f"assumptions: an evaluation {offset} s after the minute's end is not within 0 and less than 60 s",
        )
        require(
            1 <= extra <= MOST_EXTRA_DATAPOINTS,
            f"assumptions: {extra} extra datapoints are not within 1 and {MOST_EXTRA_DATAPOINTS}",
        )


DEFAULTS: Final = Assumptions()
"""What documentation or users say most."""
