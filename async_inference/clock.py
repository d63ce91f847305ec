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

    Wall time serves deadlines and timeouts alike: a job goes on while the caller's machine sleeps, and its deadline
    means the same moment to every process that picks it up.
    """

    now: Callable[[], float] = time.time
    """Seconds since the epoch."""

    sleep: Callable[[float], None] = time.sleep
    """Let that many seconds pass."""

    random: Callable[[], float] = random.random
    """A number from 0 to 1, evenly distributed."""
