"""Every combination of the answers to what AWS leaves undocumented."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Final

from scaling_engine.assumptions import Assumptions, CooldownStart, Sampling, ScaleIn

if TYPE_CHECKING:
    from collections.abc import Iterator

DELAYS_SECONDS: Final = (0.0, 60.0, 120.0)
"""From a minute's end until its datapoints can be read."""

OFFSETS_SECONDS: Final = (0.0, 59.0)
"""From a minute's end until alarms are evaluated."""

ANSWERS: Final = {
    "backlog_counts_running_work": (True, False),
    "backlog_per_instance_at_zero": (False, True),
    "zeros_while_idle": (True, False),
    "datapoints_before_first_request": (True, False),
    "sampling": tuple(Sampling),
    "publication_delay_seconds": DELAYS_SECONDS,
    "evaluation_offset_seconds": OFFSETS_SECONDS,
    "scale_in": tuple(ScaleIn),
    "cooldown_start": tuple(CooldownStart),
    "blocked_while_updating": (True, False),
}
"""By the name of the switch; the first answer is the default."""


def every_combination(**fixed: object) -> Iterator[Assumptions]:
    """Yield all assumptions, with those given by name held fixed."""
    answers = {name: (fixed[name],) if name in fixed else values for name, values in ANSWERS.items()}
    for combination in product(*answers.values()):
        yield Assumptions(**dict(zip(answers, combination, strict=True)))  # type: ignore[arg-type]
