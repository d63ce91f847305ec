"""The operators and functions of metric math, on values that are a number, a series, or an array of these.

A series is a list with one datapoint for each period, oldest first, ``None`` where it is missing. What is not in the
documentation's tables is named here as an assumption.
"""

from __future__ import annotations

import math
import operator
from statistics import fmean
from typing import TYPE_CHECKING, Final, TypeAlias

from scaling_engine.exceptions import ScalingConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from scaling_engine.assumptions import Assumptions

Series: TypeAlias = list[float | None]
Value: TypeAlias = "float | str | Series | tuple[Value, ...] | None"
"""A number, a word such as ``REPEAT``, a missing number, a series, or an array."""

REPEAT: Final = "REPEAT"
CONSTANTS: Final = {REPEAT: REPEAT}
"""Words that are no ids."""

_Scalar: TypeAlias = "float | None"


def elementwise(function: Callable[..., float | None], *values: Value) -> Value:
    """Return ``function`` of numbers, or of each period's datapoints; missing wherever one operand is missing."""
    length = max((len(value) for value in values if isinstance(value, list)), default=None)
    if length is None:
        return _of_scalars(function, [_number(value) for value in values])
    columns = [value if isinstance(value, list) else [_number(value)] * length for value in values]
    return [_of_scalars(function, list(row)) for row in zip(*columns, strict=True)]


def _of_scalars(function: Callable[..., float | None], operands: list[_Scalar]) -> _Scalar:
    return None if None in operands else function(*operands)


def _number(value: Value) -> _Scalar:
    if value is None or isinstance(value, float):
        return value
    raise ScalingConfigurationError(f"metric math: {value!r} is no number and no series")


def _divided(left: float, right: float) -> float | None:
    """Return the quotient; a division by zero is missing (assumption)."""
    return left / right if right else None


def _power(base: float, exponent: float) -> float | None:
    """Return the power; one that is no real number, or too large a one, is missing (assumption)."""
    try:
        power = base**exponent
    except (ZeroDivisionError, OverflowError):
        return None
    return power if isinstance(power, float) else None


def _truth(function: Callable[[float, float], bool]) -> Callable[[float, float], float]:
    return lambda left, right: float(function(left, right))


_AND: Final = _truth(lambda left, right: bool(left and right))
_OR: Final = _truth(lambda left, right: bool(left or right))

OPERATORS: Final[dict[str, Callable[[float, float], float | None]]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": _divided,
    "^": _power,
    "==": _truth(operator.eq),
    "!=": _truth(operator.ne),
    "<": _truth(operator.lt),
    "<=": _truth(operator.le),
    ">": _truth(operator.gt),
    ">=": _truth(operator.ge),
    "AND": _AND,
    "&&": _AND,
    "OR": _OR,
    "||": _OR,
}


def _fill(series: Value, filling: Value) -> Value:
    """Fill the missing datapoints with a number, or with the last one before them.

    Assumption: a series without any datapoint is filled too, by a number.
    """
    if not isinstance(series, list):
        return series if series is not None else filling
    if filling != REPEAT:
        number = _number(filling)
        return [number if value is None else value for value in series]
    filled: Series = []
    for value in series:
        filled.append(value if value is not None or not filled else filled[-1])
    return filled


def _if(condition: Value, then: Value, otherwise: Value = None) -> Value:
    """Choose, for each period, by whether the condition is there and not zero; missing where it is missing."""
    length = max((len(value) for value in (condition, then, otherwise) if isinstance(value, list)), default=None)
    if length is None:
        return None if condition is None else (then if condition else otherwise)
    columns = [
        value if isinstance(value, list) else [_number(value)] * length for value in (condition, then, otherwise)
    ]
    return [None if test is None else (yes if test else no) for test, yes, no in zip(*columns, strict=True)]


def aggregate(function: Callable[[list[float]], float], value: Value, assumptions: Assumptions) -> Value:
    """Return one number of a series, and one series of an array of series.

    A number is made of the datapoints that a series has. Whether a period of an array of series has a value where only
    some of them have a datapoint is an assumption.
    """

    def present(values: Sequence[_Scalar]) -> _Scalar:
        there = [value for value in values if value is not None]
        return float(function(there)) if there else None

    def of_period(values: tuple[_Scalar, ...]) -> _Scalar:
        number = present(values)
        if number is not None and None in values and not assumptions.aggregates_leave_out_missing:
            return None
        return number

    if isinstance(value, list):
        return present(value)
    if not isinstance(value, tuple):
        return value
    lengths = [len(item) for item in value if isinstance(item, list)]
    columns = [item if isinstance(item, list) else [_number(item)] * max(lengths, default=1) for item in value]
    return [of_period(row) for row in zip(*columns, strict=True)]


def _each(function: Callable[[float], float]) -> Callable[..., Value]:
    return lambda value: elementwise(lambda number: float(function(number)), value)


AGGREGATES: Final[dict[str, Callable[[list[float]], float]]] = {"AVG": fmean, "MAX": max, "MIN": min, "SUM": sum}
"""By name: what :func:`aggregate` makes numbers with."""

FUNCTIONS: Final[dict[str, tuple[Callable[..., Value], tuple[int, int]]]] = {
    "ABS": (_each(abs), (1, 1)),
    "CEIL": (_each(math.ceil), (1, 1)),
    "FILL": (_fill, (2, 2)),
    "FLOOR": (_each(math.floor), (1, 1)),
    "IF": (_if, (2, 3)),
}
"""By name: the others, and how many arguments they take at least and at most."""
