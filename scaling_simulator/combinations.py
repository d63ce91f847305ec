"""Every combination of the answers to what AWS leaves undocumented."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

from scaling_engine.assumptions import DEFAULTS, Assumptions, CooldownStart, Sampling, ScaleIn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

T = TypeVar("T")

DELAYS_SECONDS: Final = (0.0, 120.0)
"""From a minute's end until its datapoints can be read: the least, and the most that a design is judged under."""

OFFSETS_SECONDS: Final = (0.0, 59.0)
"""From a minute's end until alarms are evaluated."""

ANSWERS: Final[dict[str, tuple[Any, ...]]] = {
    "backlog_counts_running_work": (True, False),
    "backlog_per_instance_at_zero": (False, True),
    "zeros_while_idle": (True, False),
    "datapoints_before_first_request": (True, False),
    "sampling": tuple(Sampling),
    "publication_delay_seconds": DELAYS_SECONDS,
    "instance_publication_delay_seconds": DELAYS_SECONDS,
    "evaluation_offset_seconds": OFFSETS_SECONDS,
    "scale_in": tuple(ScaleIn),
    "cooldown_start": tuple(CooldownStart),
    "blocked_while_updating": (True, False),
    "aggregates_leave_out_missing": (True, False),
    "extra_datapoints": (2, 1),
}
"""By the name of the switch; the first answer is the default."""


def every_combination(**fixed: object) -> Iterator[Assumptions]:
    """Yield all assumptions, with those given by name held fixed."""
    answers = {name: (fixed[name],) if name in fixed else values for name, values in ANSWERS.items()}
    for combination in product(*answers.values()):
        yield Assumptions(**dict(zip(answers, combination, strict=True)))


def every_difference(
    result: Callable[[Assumptions], T], **fixed: object
) -> Iterator[tuple[Assumptions, frozenset[str], T]]:
    """Yield what ``result`` is under all assumptions, once for all those that it cannot tell apart.

    A computation that never asks for a switch is the same whatever its answer. So of all combinations only those are
    tried that differ in a switch which was asked for, given the answers that were got until then: together they stand
    for every combination, without an assumption about which switches matter.

    Args:
        result: computes something deterministic, and reads the assumptions from what it is given alone.
        **fixed: answers that are held fixed, by the name of the switch.

    Yields:
        The assumptions, the names of the switches that were asked for, and the result. It stands for all assumptions
        that agree with these in the named switches and in the fixed ones.
    """
    pending: list[dict[str, Any]] = [dict(fixed)]
    while pending:
        answered = pending.pop()
        assumptions = replace(DEFAULTS, **answered)
        asked = _Asked(assumptions)
        value = result(cast("Assumptions", asked))
        for name in asked.names:
            if name not in answered:
                pending += [{**answered, name: answer} for answer in ANSWERS[name][1:]]
                answered = {**answered, name: ANSWERS[name][0]}
        yield assumptions, frozenset(asked.names), value


class _Asked:
    """Assumptions that remember which switches were asked for, in the order of the first time."""

    def __init__(self, assumptions: Assumptions) -> None:
        self.names: list[str] = []
        self._assumptions = assumptions

    def __getattr__(self, name: str) -> object:
        answer = getattr(self._assumptions, name)
        self.names.append(name)
        # The next time the attribute is there, and nobody asks.
        setattr(self, name, answer)
        return answer
