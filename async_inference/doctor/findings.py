"""What the doctor says."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from async_inference import remedies


class Level(StrEnum):
    """How much a finding matters."""

    OK = "ok"
    UNKNOWN = "unknown"
    """The caller may not look; whether it matters cannot be told."""

    WARNING = "warning"
    """It works, but not as well as it should, or not for long."""

    PROBLEM = "problem"
    """Calls fail, or wait for ever."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the doctor's report."""

    check: str
    """What was looked at, such as ``wake alarm``."""

    level: Level
    seen: str
    remedy: str | None = None
    """One of :mod:`async_inference.remedies`; ``None`` where nothing needs to be done."""

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON-able form."""
        return {"check": self.check, "level": str(self.level), "seen": self.seen, "remedy": self.remedy}


def ok(check: str, seen: str) -> Finding:
    """Return that all is well."""
    return Finding(check, Level.OK, seen)


def problem(check: str, seen: str, remedy: str) -> Finding:
    """Return what keeps calls from succeeding."""
    return Finding(check, Level.PROBLEM, seen, remedy)


def warning(check: str, seen: str, remedy: str) -> Finding:
    """Return what calls get by with."""
    return Finding(check, Level.WARNING, seen, remedy)


def cannot_tell(check: str, why: str) -> Finding:
    """Return that the caller may not look, and which action that would take."""
    return Finding(check, Level.UNKNOWN, f"cannot tell: {why}", remedies.CANNOT_TELL)
