"""Scheduled actions of a scalable target: at which minutes they change its limits.

Source: *Application Auto Scaling User Guide*, "Scheduled scaling" and "Schedule recurring scaling actions using cron
expressions". Supported are cron expressions of numbers, names of days and months, lists, ranges, steps, ``*`` and
``?``, and rates; ``L``, ``W`` and ``#`` are refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from scaling_engine.exceptions import ScalingConfigurationError, require
from scaling_engine.member_reader import MemberReader, Members

_ACTION_MEMBERS: Final = frozenset(
    {"ScheduledActionName", "Schedule", "Timezone", "ScalableTargetAction", "StartTime", "EndTime"}
)
_LIMIT_MEMBERS: Final = frozenset({"MinCapacity", "MaxCapacity"})
_DAYS: Final = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_MONTHS: Final = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_FIELDS: Final = (("minute", 0, 59), ("hour", 0, 23), ("day", 1, 31), ("month", 1, 12), ("weekday", 1, 7))
_RATE: Final = re.compile(r"rate\((\d+) (minute|hour|day)s?\)")
_SECONDS: Final = {"minute": 60, "hour": 3_600, "day": 86_400}


@dataclass(frozen=True, kw_only=True, slots=True)
class ScheduledAction:
    """A recurring change of a scalable target's limits.

    Attributes:
        name: of the action.
        schedule: ``cron(...)`` or ``rate(...)``.
        timezone: in which a cron expression is meant.
        min_capacity: from then on; ``None`` leaves it.
        max_capacity: from then on; ``None`` leaves it.

    Raises:
        ScalingConfigurationError: the schedule is not one of those supported, or the time zone not known.
    """

    name: str
    schedule: str
    timezone: str = "UTC"
    min_capacity: int | None = None
    max_capacity: int | None = None
    _fields: tuple[frozenset[int], ...] | None = field(init=False, repr=False, compare=False)
    _rate_seconds: int = field(init=False, repr=False, compare=False)
    _zone: ZoneInfo = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        rate = _RATE.fullmatch(self.schedule)
        object.__setattr__(self, "_rate_seconds", int(rate[1]) * _SECONDS[rate[2]] if rate else 0)
        object.__setattr__(self, "_zone", _zone(self.name, self.timezone))
        object.__setattr__(self, "_fields", None if rate else _cron_fields(self.name, self.schedule))

    def is_due(self, minute: datetime, elapsed_seconds: float) -> bool:
        """Return whether the action happens at the start of ``minute``.

        Args:
            minute: with a time zone.
            elapsed_seconds: since the target was registered, from where rates count.
        """
        if self._fields is None:
            return elapsed_seconds > 0 and elapsed_seconds % self._rate_seconds < _SECONDS["minute"]
        local = minute.astimezone(self._zone)
        weekday = local.isoweekday() % 7 + 1
        present = (local.minute, local.hour, local.day, local.month, weekday)
        return all(value in allowed for value, allowed in zip(present, self._fields, strict=True))


def scheduled_action_from_api(members: Members) -> ScheduledAction:
    """Return what ``PutScheduledAction``, or an entry of a scalable target in CloudFormation, describes.

    ``StartTime`` and ``EndTime`` are read over: a simulation has no date.
    """
    reader = MemberReader(members, "scheduled action", _ACTION_MEMBERS, name_member="ScheduledActionName")
    limits = reader.nested("ScalableTargetAction", _LIMIT_MEMBERS)
    return ScheduledAction(
        name=reader.text("ScheduledActionName"),
        schedule=reader.text("Schedule"),
        timezone=reader.text("Timezone") if reader.has("Timezone") else "UTC",
        min_capacity=limits.integer("MinCapacity") if limits.has("MinCapacity") else None,
        max_capacity=limits.integer("MaxCapacity") if limits.has("MaxCapacity") else None,
    )


def calendar_minute(start: datetime, elapsed_seconds: float) -> datetime:
    """Return the date and time ``elapsed_seconds`` after ``start``."""
    return start + timedelta(seconds=elapsed_seconds)


def _zone(name: str, timezone: str) -> ZoneInfo:
    try:
        return ZoneInfo(timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ScalingConfigurationError(f"scheduled action {name}: no time zone {timezone!r} is known here") from error


def _cron_fields(name: str, schedule: str) -> tuple[frozenset[int], ...]:
    match = re.fullmatch(r"cron\((.+)\)", schedule)
    parts = match[1].split() if match else []
    require(len(parts) == len(_FIELDS) + 1, f"scheduled action {name}: {schedule!r} is no cron(...) of six fields")
    require(parts[-1] == "*", f"scheduled action {name}: year {parts[-1]!r} not supported, use *")
    try:
        return tuple(_values(part, *bounds) for part, bounds in zip(parts, _FIELDS, strict=False))
    except (ValueError, KeyError) as error:
        raise ScalingConfigurationError(f"scheduled action {name}: {schedule!r} is not supported: {error}") from error


def _values(part: str, unit: str, low: int, high: int) -> frozenset[int]:
    values: set[int] = set()
    for item in part.split(","):
        span, _, step = item.partition("/")
        first, last = (low, high) if span in ("*", "?") else _span(span, unit)
        last = high if step and first == last else last
        values.update(range(first, last + 1, int(step or 1)))
    if not values or min(values) < low or max(values) > high:
        raise ValueError(f"{unit} {part} is not within {low} and {high}")
    return frozenset(values)


def _span(span: str, unit: str) -> tuple[int, int]:
    first, _, last = span.partition("-")
    return _number(first, unit), _number(last or first, unit)


def _number(text: str, unit: str) -> int:
    names = {"weekday": _DAYS, "month": _MONTHS}.get(unit, ())
    return names.index(text.upper()) + 1 if text.upper() in names else int(text)
