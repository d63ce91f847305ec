"""Traces in files."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from scaling_simulator.exceptions import SimulationError
from scaling_simulator.traces import Request, read_trace

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    "content",
    [
        "time,service_seconds\n20,5\n10,7\n",
        "\ufefftime, service_seconds, bytes\r\n10, 7, 0\r\n\r\n20, 5, 0\r\n",
        "id,service_seconds,time\na,5,20\nb,7,10\n",
    ],
    ids=["in any order", "as a spreadsheet writes it", "with other columns"],
)
def test_a_trace_is_read_in_order_of_arrival(tmp_path: Path, content: str) -> None:
    """The size may be left out."""
    path = tmp_path / "trace.csv"
    path.write_text(content, encoding="utf-8", newline="")
    assert read_trace(path) == [Request(time=10, service_seconds=7), Request(time=20, service_seconds=5)]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "line 1: has nothing, no time and no service_seconds; expected CSV with the columns time, service"),
        ("time,bytes\n1,2\n", "line 1: has only time, bytes, no service_seconds; expected CSV"),
        ("time;service_seconds\n1;2\n", "line 1: has only time;service_seconds, no time and no service_seconds"),
        ("time,service_seconds\n", "line 2: there is no request; expected CSV"),
        ("time,service_seconds\nx,1\n", "line 2: time is 'x', expected seconds since the trace's start"),
        ("time,service_seconds\n1,1\n-1,1\n", "line 3: time is '-1', expected seconds since the trace's start"),
        ("time,service_seconds\n1700000000,1\n", "line 2: time is '1700000000', expected seconds since the trace's"),
        ("time,service_seconds\n1,nan\n", "line 2: service_seconds is 'nan', expected seconds of work, 0 or more"),
        ("time,service_seconds\n1,inf\n", "line 2: service_seconds is 'inf', expected seconds of work, 0 or more"),
        ("time,service_seconds\n,1\n", "line 2: time is '', expected seconds since the trace's start"),
        ("time,service_seconds\n1\n", "line 2: has 1 values, expected 2 as line 1 has"),
        ("time,service_seconds\n1,234,5\n", "line 2: has 3 values, expected 2 as line 1 has"),
        ("time,service_seconds,bytes\n1,2,1 MB\n", "line 2: bytes is '1 MB', expected a size of 0 or more"),
    ],
)
def test_a_malformed_trace_is_refused_by_line(tmp_path: Path, content: str, message: str) -> None:
    """In one line with the file, what is there and what was expected."""
    path = tmp_path / "trace.csv"
    path.write_text(content)
    with pytest.raises(SimulationError) as raised:
        read_trace(path)
    assert str(raised.value).startswith(f"{path}: {message}")
    assert "\n" not in str(raised.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    """With what was expected of it."""
    with pytest.raises(SimulationError, match=r"nowhere.csv: No such file or directory; expected CSV with"):
        read_trace(tmp_path / "nowhere.csv")


def test_a_file_that_is_no_text_is_named(tmp_path: Path) -> None:
    """Such as a spreadsheet's own format."""
    path = tmp_path / "trace.csv"
    path.write_bytes("time,service_seconds\n1,2\n".encode("utf-16"))
    with pytest.raises(SimulationError, match=r"trace.csv: is no CSV in UTF-8 .*; expected CSV with"):
        read_trace(path)
