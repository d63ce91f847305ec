"""What a benchmark found, and how it is shown."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Row:
    """One figure about one subject."""

    benchmark: str
    """What was run, such as ``waiting``."""

    subject: str
    """Who did it: this project or a peer, with its version."""

    figure: str
    """What was measured, in words."""

    unit: str
    """Of the value, such as ``s`` or ``requests``."""

    value: float


def text(rows: Sequence[Row]) -> str:
    """Return the rows as a table with a line for each, columns aligned."""
    header = ("benchmark", "subject", "figure", "value", "unit")
    lines = [header, *((row.benchmark, row.subject, row.figure, f"{row.value:,.4g}", row.unit) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if name == "value" else cell.ljust(width)
            for name, cell, width in zip(header, line, widths, strict=True)
        ).rstrip()
        for line in lines
    )


def write_json(rows: Sequence[Row], path: Path) -> None:
    """Write the rows as a list of objects; the folder is made if there is none."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps([asdict(row) for row in rows], indent=2) + "\n")
