"""Reads ``NAME=VALUE``, one answer to an undocumented question, as command lines take it.

The fields of a dataclass say which names there are, and their types which values: ``true`` or ``false``, a number, or
one of an enumeration. So a field that is added is a switch of every command line at once.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields
from enum import StrEnum
from typing import TYPE_CHECKING, Final, get_type_hints

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Answer = bool | int | float | StrEnum
Switches = Mapping[str, type[Answer]]
"""The type of a switch's answer, by the switch's name."""

_BOOLEANS: Final = {"true": True, "false": False}


def switches(assumptions: type[DataclassInstance]) -> dict[str, type[Answer]]:
    """Return the fields of a dataclass that an answer can be written for, in their order.

    Fields of other types than those of :data:`Answer`, such as another dataclass, are left out.
    """
    types = get_type_hints(assumptions)
    return {
        field.name: types[field.name]
        for field in fields(assumptions)
        if isinstance(types[field.name], type) and issubclass(types[field.name], (bool, int, float, StrEnum))
    }


def parse_assumption(text: str, known: Switches) -> tuple[str, Answer]:
    """Return the name and the answer in ``NAME=VALUE``.

    Raises:
        ValueError: there is no such switch, or it has no such answer; the one line says what there is.
    """
    name, _, value = text.partition("=")
    if name not in known:
        raise ValueError(f"{name!r} is no assumption: choose among {', '.join(known)}")
    kind = known[name]
    try:
        return name, _answer(value, kind)
    except (KeyError, ValueError) as error:
        raise ValueError(f"{value!r} is no value of {name}: choose among {values(kind)}") from error


def values(kind: type[Answer]) -> str:
    """Return in words what may be written for an answer of the type."""
    if issubclass(kind, StrEnum):
        return ", ".join(kind)
    if kind is bool:
        return ", ".join(_BOOLEANS)
    return "whole numbers" if kind is int else "numbers"


def _answer(value: str, kind: type[Answer]) -> Answer:
    if kind is bool:
        return _BOOLEANS[value]
    answer = kind(value)
    if isinstance(answer, float) and not math.isfinite(answer):
        raise ValueError(value)
    return answer
