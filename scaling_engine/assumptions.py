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
        publication_delay_seconds: from a minute's end until its datapoints can be read.
        evaluation_offset_seconds: from a minute's end until alarms are evaluated, less than 60.
        scale_in: what becomes of running work.
        cooldown_start: where a cooldown starts.
        blocked_while_updating: whether scaling policies have no effect while instances are launched or removed.
    """

    backlog_counts_running_work: bool = True
    backlog_per_instance_at_zero: bool = False
    zeros_while_idle: bool = True
    datapoints_before_first_request: bool = True
    sampling: Sampling = Sampling.INSTANT
    publication_delay_seconds: float = 0.0
    evaluation_offset_seconds: float = 0.0
    scale_in: ScaleIn = ScaleIn.KILLS
    cooldown_start: CooldownStart = CooldownStart.COMPLETION
    blocked_while_updating: bool = True

    def __post_init__(self) -> None:
        delay, offset = self.publication_delay_seconds, self.evaluation_offset_seconds
        require(delay >= 0, f"assumptions: a publication delay of {delay} s is negative")
        require(
            0 <= offset < LONGEST_OFFSET_SECONDS,
            f"assumptions: an evaluation {offset} s after the minute's end is not within 0 and less than 60 s",
        )
