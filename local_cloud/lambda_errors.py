"""Gives the error of a Lambda function the type that AWS gives it: the class of the exception that was raised.

MiniStack calls every one ``Runtime.HandlerError``, but keeps the traceback in the function's log.
"""

from __future__ import annotations

import re
from typing import Any, Final

GENERIC_TYPE: Final = "Runtime.HandlerError"
"""What MiniStack calls every exception."""


def with_error_type(result: dict[str, Any]) -> dict[str, Any]:
    """Return the result of an invocation, with the exception's class as ``errorType`` if it failed with one."""
    body = result.get("body")
    if not (result.get("error") and isinstance(body, dict) and body.get("errorType") == GENERIC_TYPE):
        return result
    name = _raised(result.get("log", ""), body["errorMessage"])
    return result if name is None else result | {"body": body | {"errorType": name}}


def _raised(log: str, message: str) -> str | None:
    """Return the class in the line with which Python ends the traceback of an exception that says ``message``."""
    first_line = re.escape(message.partition("\n")[0])
    classes: list[str] = re.findall(rf"^(?:\w+\.)*(\w+): {first_line}$", log, re.MULTILINE)
    return classes[-1] if classes else None
