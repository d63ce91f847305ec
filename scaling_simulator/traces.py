"""Traces of requests: when each arrives, how long the model works on it, how big it is."""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from scaling_simulator.exceptions import SimulationError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

COLUMNS: Final = ("time", "service_seconds", "bytes")
"""Of a trace file: seconds since its start, seconds of work, size of the input."""

LONGEST_SECONDS: Final = 366 * 86_400.0
"""Of a trace and of a simulation: beyond a year, a time is most likely one of the calendar."""

_EXPECTED: Final = f"expected CSV with the columns {', '.join(COLUMNS[:2])} and perhaps {COLUMNS[2]}"


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

    The lines may be in any order, as logs are that are written when a job ends. The last column may be missing, and
    others may be there.

    Raises:
        SimulationError: a column or value is missing, or a value is none that the column may have.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            requests = _requests(path, file)
    except OSError as error:
        raise SimulationError(f"{path}: {error.strerror}; {_EXPECTED}") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise SimulationError(f"{path}: is no CSV in UTF-8 ({error}); {_EXPECTED}") from error
    if not requests:
        raise SimulationError(f"{path}: line 2: there is no request; {_EXPECTED}")
    return sorted(requests, key=lambda request: request.time)


def _requests(path: Path, file: Iterable[str]) -> list[Request]:
    reader = csv.reader(file, skipinitialspace=True)
    columns = [column.strip() for column in next(reader, [])]
    if missing := [column for column in COLUMNS[:2] if column not in columns]:
        found = f"only {', '.join(columns)}" if columns else "nothing"
        raise SimulationError(f"{path}: line 1: has {found}, no {' and no '.join(missing)}; {_EXPECTED}")
    requests = []
    for cells in reader:
        try:
            if cells:
                requests.append(_request(columns, cells))
        except ValueError as error:
            raise SimulationError(f"{path}: line {reader.line_num}: {error}") from error
    return requests


def _request(columns: list[str], cells: list[str]) -> Request:
    if len(cells) != len(columns):
        raise ValueError(f"has {len(cells)} values, expected {len(columns)} as line 1 has")
    row = dict(zip(columns, cells, strict=True))
    time = _number(row, "time", LONGEST_SECONDS, "seconds since the trace's start, at most a year")
    seconds = _number(row, "service_seconds", math.inf, "seconds of work, 0 or more")
    size = _number({"bytes": "0"} | row, "bytes", math.inf, "a size of 0 or more")
    return Request(time=time, service_seconds=seconds, size_bytes=int(size))


def _number(row: dict[str, str], column: str, most: float, expected: str) -> float:
    try:
        number = float(row[column])
    except ValueError:
        number = math.nan
    if not (math.isfinite(number) and 0 <= number <= most):
        raise ValueError(f"{column} is {row[column]!r}, expected {expected}")
    return number
