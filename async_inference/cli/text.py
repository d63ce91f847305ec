"""How numbers and tables are written for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from async_inference.batches import BatchSummary
    from async_inference.observation import Observation

UNKNOWN = "unknown"


def duration(seconds: float) -> str:
    """Return a length of time in its two largest units.

    Example:
        >>> duration(8), duration(80), duration(7_500), duration(180_000)
        ('8s', '1m 20s', '2h 5m', '2d 2h')
    """
    rest = max(0, round(seconds))
    parts = []
    for unit, size in (("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)):
        count, rest = divmod(rest, size)
        parts.append((count, unit))
    first = next((index for index, (count, _) in enumerate(parts) if count), len(parts) - 1)
    shown = [f"{count}{unit}" for count, unit in parts[first : first + 2] if count]
    return " ".join(shown) or "0s"


def columns(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return rows as lines in which each column is as wide as its longest cell.

    Example:
        >>> columns([("state", "running"), ("id", "7")])
        ['state  running', 'id     7']
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def counted(count: int, thing: str) -> str:
    """Return ``1 job`` or ``2 jobs``."""
    return f"{count:,} {thing}" if count == 1 else f"{count:,} {thing}s"


def instances(seen: Observation) -> str:
    """Return the instances of an endpoint, and how many are wanted where that differs."""
    if seen.instances is None:
        return UNKNOWN
    changing = seen.desired_instances is not None and seen.desired_instances != seen.instances
    return f"{seen.instances} of {seen.desired_instances} wanted" if changing else str(seen.instances)


def observed(seen: Observation) -> list[tuple[str, str]]:
    """Return an endpoint at one moment as rows of two columns."""
    backlog = UNKNOWN if seen.backlog is None else f"{seen.backlog:,}"
    oldest = UNKNOWN if seen.oldest_age_seconds is None else duration(seen.oldest_age_seconds)
    return [
        ("status", seen.status or UNKNOWN),
        ("instances", instances(seen)),
        ("backlog", backlog),
        ("oldest", oldest),
        *(("note", reason) for reason in seen.unknown),
    ]


def summary_line(summary: BatchSummary) -> str:
    """Return a batch in numbers; what is zero and usually is, is left out."""
    parts = [f"{summary.succeeded:,} succeeded", f"{summary.failed:,} failed"]
    for count, word in (
        (summary.unfinished, "unfinished"),
        (summary.unknown, "unknown submissions"),
        (summary.resubmitted, "submitted again"),
    ):
        if count:
            parts.append(f"{count:,} {word}")
    return f"{counted(summary.items, 'item')}: {', '.join(parts)}"
