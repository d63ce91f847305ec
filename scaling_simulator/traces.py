"""Traces of requests: when each arrives, how long the model works on it, how big it is."""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from scaling_simulator.exceptions import SimulationError

if TYPE_CHECKING:
    from pathlib import Path

COLUMNS: Final = ("time", "service_seconds", "bytes")
"""Of a trace file: seconds since its start, seconds of work, size of the input."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """One request.

    Attributes:
        time: of its arrival, in seconds since the start.
        service_seconds: how long the model works on it.
        size_bytes: of its input.
    """

    time: float
    service_seconds: float
    size_bytes: int = 0


def read_trace(path: Path) -> list[Request]:
    """Return the requests of a CSV file with the columns :data:`COLUMNS`, in the order of their arrival.

    Raises:
        SimulationError: a column is missing, or a value is no number of 0 or more.
    """
    try:
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file)
            if missing := [column for column in COLUMNS[:2] if column not in (reader.fieldnames or ())]:
                raise SimulationError(f"{path}: no column {', '.join(missing)}; a trace has {', '.join(COLUMNS)}")
            requests = [_request(path, reader.line_num, row) for row in reader]
    except OSError as error:
        raise SimulationError(f"{path}: {error.strerror}") from error
    if not requests:
        raise SimulationError(f"{path}: no request in it")
    return sorted(requests, key=lambda request: request.time)


def _request(path: Path, line: int, row: dict[str, str]) -> Request:
    try:
        time, seconds, size = (float(row.get(column) or 0) for column in COLUMNS)
    except ValueError as error:
        raise SimulationError(f"{path}: line {line}: {error}") from error
    if not all(math.isfinite(value) and value >= 0 for value in (time, seconds, size)):
        raise SimulationError(f"{path}: line {line}: {row} has a value that is no number of 0 or more")
    return Request(time=time, service_seconds=seconds, size_bytes=int(size))
