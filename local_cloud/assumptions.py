"""What AWS leaves undocumented and where two answers are plausible: switches, so that a client is tried under both.

``python -m local_cloud --assume NAME=VALUE`` sets one. Those about scaling are the scaling engine's own, so that the
simulator and the local cloud mean the same by them. What is decided once and for all stands in
:mod:`local_cloud.sagemaker.undocumented`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from scaling_engine.assumption_arguments import parse_assumption, switches
from scaling_engine.assumptions import Assumptions as ScalingAssumptions

if TYPE_CHECKING:
    from collections.abc import Iterable

_OF_SCALING: Final = (
    "backlog_counts_running_work",
    "backlog_per_instance_at_zero",
    "zeros_while_idle",
    "datapoints_before_first_request",
    "scale_in",
    "cooldown_start",
    "aggregates_leave_out_missing",
    "extra_datapoints",
)
"""What the local cloud offers of the scaling engine's switches. It samples and evaluates at each minute's end, and an
endpoint that is being updated cannot be scaled."""


class RepeatedFilename(StrEnum):
    """What becomes of a second output of the same name."""

    OVERWRITES = "overwrites"
    FAILS = "fails"


@dataclass(frozen=True, kw_only=True, slots=True)
class Assumptions:
    """One answer to every question.

    Attributes:
        repeated_filename: whether an output overwrites an older one of its name, or its job fails. The first is what a
            plain ``PutObject`` does.
        failures_follow_extension: whether ``S3OutputPathExtension`` is appended to the failure path as well. The
            service model speaks of the output path only.
        expiry_is_a_failure: whether a request whose time to live has passed leaves a failure object and an error
            notification. AWS documents both for its inference router, and neither for endpoints.
        submissions_are_throttled: whether an account's submissions beyond ten in a real second are refused with
            ``ThrottlingException``. AWS documents that calls are throttled, not how many of these are too many.
        scaling: answers to the scaling engine's questions: what queue metrics say, what becomes of running work at
            scale-in, where cooldowns start.
    """

    repeated_filename: RepeatedFilename = RepeatedFilename.OVERWRITES
    failures_follow_extension: bool = False
    expiry_is_a_failure: bool = False
    submissions_are_throttled: bool = False
    scaling: ScalingAssumptions = field(default_factory=ScalingAssumptions)


DEFAULTS: Final = Assumptions()
"""What holds where nothing else is said."""

_SWITCHES: Final = switches(Assumptions) | {name: switches(ScalingAssumptions)[name] for name in _OF_SCALING}


def assumption(text: str) -> tuple[str, Any]:
    """Return the name and the value in ``NAME=VALUE``.

    Raises:
        ValueError: there is no such switch, or it has no such value; the message says what there is.
    """
    pair = parse_assumption(text, _SWITCHES)
    assumptions([pair])
    return pair


def assumptions(pairs: Iterable[tuple[str, Any]]) -> Assumptions:
    """Return the defaults with ``pairs``, as :func:`assumption` returned them, in place of some."""
    answers = dict(pairs)
    scaling = {name: answers.pop(name) for name in _OF_SCALING if name in answers}
    return replace(DEFAULTS, **answers, scaling=replace(DEFAULTS.scaling, **scaling))
