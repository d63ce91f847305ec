"""A log line is one JSON object."""

from __future__ import annotations

import json
import logging
import sys
from typing import Any

from model_server.log import JsonFormatter


def formatted(message: str, **attributes: object) -> Any:  # noqa: ANN401 - JSON
    """Return a record as the formatter writes it, decoded."""
    record = {"name": "model_server.serve", "levelname": "INFO", "created": 0.0, "msg": message}
    line = JsonFormatter().format(logging.makeLogRecord(record | attributes))
    assert "\n" not in line
    return json.loads(line)


def test_fields() -> None:
    """The line has when, how bad, where from and what, and the fields given with ``extra``."""
    expected = {
        "time": "1970-01-01T00:00:00.000+00:00",
        "level": "INFO",
        "logger": "model_server.serve",
        "message": "invocation",
        "status": 200,
    }
    assert expected == formatted("invocation", status=200)


def test_hostile_field() -> None:
    """A line break in a field starts no new line."""
    assert formatted("invocation", inference_id='a\n{"status": 200}')["inference_id"] == 'a\n{"status": 200}'


def test_traceback() -> None:
    """A traceback stays within the line."""
    try:
        raise ValueError("reason")  # noqa: TRY301 - a traceback is wanted
    except ValueError:
        document = formatted("failed", exc_info=sys.exc_info())

    assert document["exception"].endswith("ValueError: reason")
