"""Figures as text: one column for each template, for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from scaling_simulator.report import Report


def duration(seconds: float | None) -> str:
    """Return seconds the way people say them, such as ``7 min 30 s``; a dash where there are none."""
    if seconds is None:
        return "-"
    whole = round(seconds)
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def _money(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


ROWS: Final[tuple[tuple[str, Callable[[Report], str]], ...]] = (
    ("instances at start", lambda report: str(report.initial_instances)),
    ("requests", lambda report: str(report.requests)),
    ("completed", lambda report: str(report.completed)),
    ("timed out", lambda report: str(report.timed_out)),
    ("expired", lambda report: str(report.expired)),
    ("stranded at zero", lambda report: str(report.stranded)),
    ("not finished", lambda report: str(report.unfinished)),
    ("killed by scale-in", lambda report: str(report.killed)),
    ("begun again", lambda report: str(report.restarted)),
    ("work thrown away", lambda report: f"{report.repeated_hours:.2f} h"),
    ("wait, median", lambda report: duration(report.wait_p50_seconds)),
    ("wait, 95 %", lambda report: duration(report.wait_p95_seconds)),
    ("wait, longest", lambda report: duration(report.wait_max_seconds)),
    ("cold starts", lambda report: str(report.cold_starts)),
    ("hours simulated", lambda report: f"{report.hours:.1f}"),
    ("instance-hours", lambda report: f"{report.instance_hours:.1f}"),
    ("busy", lambda report: f"{report.busy_share:.0%}"),
    ("at zero in the end", lambda report: "yes" if report.rests_at_end else "no"),
    ("cost", lambda report: _money(report.cost)),
    ("cost always on", lambda report: _money(report.always_on_cost)),
)
"""Headings with what they show of a report. Rows that are empty for every template are left out."""


def table(reports: Mapping[str, Report]) -> str:
    """Return one column for each of ``reports``, by name."""
    rows = [["", *reports]]
    for heading, shown in ROWS:
        cells = [shown(report) for report in reports.values()]
        if any(cells):
            rows.append([heading, *cells])
    return aligned(rows)


def aligned(rows: Sequence[Sequence[str]]) -> str:
    """Return ``rows`` as lines, the first column to the left, the others to the right."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if column else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )
