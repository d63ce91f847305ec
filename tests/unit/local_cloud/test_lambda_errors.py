"""A Lambda function's error has the type that AWS gives it."""

from __future__ import annotations

from typing import Any

import pytest

from local_cloud.lambda_errors import GENERIC_TYPE, with_error_type

TRACEBACK = """Traceback (most recent call last):
  File "handler.py", line 1, in handler
    raise ModelError("the model failed: {'a': 1}")
polling.errors.ModelError: the model failed: {'a': 1}
remedy: look at the log
"""


def _failed(message: str, log: str) -> dict[str, Any]:
    return {"body": {"errorMessage": message, "errorType": GENERIC_TYPE}, "error": True, "log": log}


@pytest.mark.parametrize(
    ("message", "log", "expected"),
    [
        ("the model failed: {'a': 1}", TRACEBACK, "ModelError"),
        ("boom\nsecond line", "Traceback\nValueError: boom\nsecond line", "ValueError"),
        ("outer", "KeyError: 'inner'\n\nThe above exception …\n\na.b.Outer: outer\n", "Outer"),
        ("no such line", TRACEBACK, GENERIC_TYPE),
    ],
)
def test_the_type_is_the_class_of_the_exception(message: str, log: str, expected: str) -> None:
    """It is read from the end of the traceback, and left alone where there is none."""
    assert with_error_type(_failed(message, log))["body"] == {"errorMessage": message, "errorType": expected}


@pytest.mark.parametrize(
    "result",
    [
        {"body": {"errorType": GENERIC_TYPE, "errorMessage": "x"}, "log": "ValueError: x"},
        {"body": {"errorType": "Sandbox.Timedout", "errorMessage": "x"}, "error": True, "log": "ValueError: x"},
        {"body": None},
    ],
)
def test_anything_else_is_left_alone(result: dict[str, Any]) -> None:
    """A result that is no error, and an error that is no exception, pass as they are."""
    assert with_error_type(result) == result
