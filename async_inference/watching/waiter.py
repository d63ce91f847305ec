"""One who waits for a job without blocking."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable

    from async_inference.job import Job

Callback: TypeAlias = "Callable[[Job], object]"
"""What is called with a job that has ended."""


@dataclass(frozen=True, slots=True, eq=False)
class Waiter:
    """Who is told of the end of a job; each is its own, whatever it calls."""

    job: Job
    callback: Callback
    on_error: Callable[[Exception], object] | None = None
    """Is told that AWS cannot be asked, and that is the end of it; without it, the wait goes on until the deadline."""
