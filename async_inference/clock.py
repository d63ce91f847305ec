"""Time and chance, in one place, so that tests need neither."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, kw_only=True, slots=True)
class Clock:
    """The time, a way to let it pass, and the randomness of back-off.

    A job's deadline is a moment of wall time: the job goes on while the caller's machine sleeps, and the deadline means
    the same to every process that picks it up. A caller's timeout is not: somebody may set the wall clock back.

    Example:
        >>> slept: list[float] = []
        >>> Clock(sleep=slept.append).sleep(30)    # at once
        >>> slept
        [30]
    """

    now: Callable[[], float] = time.time
    """Seconds since the epoch."""

    monotonic: Callable[[], float] = time.monotonic
    """Seconds since some moment, which nobody can set back."""

    sleep: Callable[[float], None] = time.sleep
    """Let that many seconds pass."""

    random: Callable[[], float] = random.random
    """A number from 0 to 1, evenly distributed."""
