"""Checks that refuse a setting at synth with one line: the setting, the value, and what is allowed."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any, Final

from async_inference.limits import Bounds

COUNT: Final = Bounds(1, 2**31 - 1)
"""A whole number of at least 1 that CloudFormation can carry."""

MAX_OWN_TAGS: Final = 47
"""Tags that a team may add.

Source: 50 a resource (*Tag naming limits and requirements*), less two of this app's and one of the CDK's on buckets
that it empties.
"""

_TAG_TEXT: Final = r"[A-Za-z0-9 _.:/=+@-]"
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
    if isinstance(values, str):
        raise SettingError(settings, name, values, f"a tuple, also of one, with a comma behind it: ({values!r},)")
    if not isinstance(values, tuple) or not least <= len(values) <= most:
        raise SettingError(settings, name, values, f"a tuple of {least} to {most} names, each once")
    for value in values:
        if not isinstance(value, str) or re.fullmatch(pattern, value, re.ASCII) is None:
            raise SettingError(settings, name, value, allowed)
    if len(set(values)) != len(values):
        raise SettingError(settings, name, values, f"a tuple of {least} to {most} names, each once")


def require_tags(settings: object, name: str, reserved: str) -> None:
    """Require that the setting maps at most :data:`MAX_OWN_TAGS` keys to values that every service takes for tags.

    No key begins with ``aws:`` or ``reserved``, and no two differ in their case alone, which IAM takes for the same.
    Source: *Tag naming limits and requirements* of the Tagging guide, whose characters are those that all services
    take; *Tags for AWS Identity and Access Management resources*.
    """
    tags = getattr(settings, name)
    if not isinstance(tags, Mapping) or len(tags) > MAX_OWN_TAGS:
        raise SettingError(settings, name, tags, f"a mapping of at most {MAX_OWN_TAGS} keys to values")
    for key, value in tags.items():
        _require_tag(settings, name, key, value, reserved)
    if len({key.lower() for key in tags}) != len(tags):
        raise SettingError(settings, name, list(tags), "keys that differ in more than their case")


def _require_tag(settings: object, name: str, key: object, value: object, reserved: str) -> None:
    if (
        not isinstance(key, str)
        or key.lower().startswith(("aws:", reserved))
        or re.fullmatch(_TAG_TEXT + "{1,128}", key) is None
    ):
        allowed = f"keys of 1 to 128 letters, digits, spaces and _.:/=+-@ that do not begin with aws: or {reserved}"
        raise SettingError(settings, name, key, allowed)
    if not isinstance(value, str) or re.fullmatch(_TAG_TEXT + "{0,256}", value) is None:
        allowed = "at most 256 letters, digits, spaces and _.:/=+-@"
        raise SettingError(settings, f"{name}[{key}]", value, allowed)
