"""Checks that refuse a setting at synth with one line: the setting, the value, and what is allowed."""

from __future__ import annotations

import math
import re
from typing import Any, Final

from async_inference.limits import Bounds

COUNT: Final = Bounds(1, 2**31 - 1)
"""A whole number of at least 1 that CloudFormation can carry."""

_LONGEST_SHOWN: Final = 120


class SettingError(ValueError):
    """A setting has a value that AWS, or this app, does not allow."""

    def __init__(self, settings: object, name: str, value: object, allowed: str) -> None:
        owner = type(settings).__name__
        super().__init__(f"{owner}.{name} is {_shown(value)}, allowed is {allowed}")


def _shown(value: object) -> str:
    shown = repr(value)
    return shown if len(shown) <= _LONGEST_SHOWN else f"{shown[:_LONGEST_SHOWN]}…"


def require_within(settings: object, name: str, bounds: Bounds, unit: str = "") -> None:
    """Require that the setting is a whole number within ``bounds``."""
    value = getattr(settings, name)
    if value not in bounds:
        raise SettingError(settings, name, value, f"a whole number from {bounds} {unit}".rstrip())


def require_positive(settings: object, name: str) -> None:
    """Require that the setting is a number above 0."""
    value = getattr(settings, name)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < math.inf:
        raise SettingError(settings, name, value, "a number above 0")


def require_match(settings: object, name: str, pattern: str, allowed: str, *, max_length: int | None = None) -> None:
    """Require that the whole setting is text that matches ``pattern`` and is no longer than ``max_length``."""
    value = getattr(settings, name)
    too_long = max_length is not None and isinstance(value, str) and len(value) > max_length
    if not isinstance(value, str) or too_long or re.fullmatch(pattern, value, re.ASCII) is None:
        raise SettingError(settings, name, value, allowed)


def require_type(settings: object, name: str, *types: type[Any]) -> None:
    """Require that the setting is an instance of one of ``types``."""
    value = getattr(settings, name)
    if not isinstance(value, types):
        raise SettingError(settings, name, value, " or ".join(each.__name__ for each in types))


def require_names(settings: object, name: str, pattern: str, allowed: str, most: int, *, least: int = 1) -> None:
    """Require that the setting is a tuple of ``least`` to ``most`` names that match ``pattern``, none twice."""
    values = getattr(settings, name)
    if not isinstance(values, tuple) or not least <= len(values) <= most:
        raise SettingError(settings, name, values, f"a tuple of {least} to {most} names, each once")
    for value in values:
        if not isinstance(value, str) or re.fullmatch(pattern, value, re.ASCII) is None:
            raise SettingError(settings, name, value, allowed)
    if len(set(values)) != len(values):
        raise SettingError(settings, name, values, f"a tuple of {least} to {most} names, each once")
