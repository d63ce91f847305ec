"""CloudWatch metric math, as far as scaling uses it: parsed once, evaluated on the datapoints of the last periods.

Source: *Amazon CloudWatch User Guide*, "Metric math syntax and functions". Supported are numbers, ids, arrays in square
brackets, ``+ - * / ^``, comparisons, ``AND``, ``OR``, and the functions of :mod:`scaling_engine.metric_math_functions`.
Anything else is refused rather than computed otherwise than CloudWatch would.
"""

from __future__ import annotations

import operator
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from scaling_engine.exceptions import ScalingConfigurationError
from scaling_engine.metric_math_functions import (
    AGGREGATES,
    CONSTANTS,
    FUNCTIONS,
    OPERATORS,
    Value,
    aggregate,
    elementwise,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from scaling_engine.assumptions import Assumptions

    Node = Callable[[Mapping[str, Value], Assumptions], Value]

__all__ = ["Expression", "Value", "compiled"]

_TOKEN: Final = re.compile(
    r"\s*(?:(?P<number>\d+(?:\.\d*)?|\.\d+)|(?P<name>[A-Za-z]\w*)|(?P<symbol><=|>=|==|!=|&&|\|\||[-+*/^<>()\[\],]))"
)
_COMPARISONS: Final = ("==", "!=", "<=", ">=", "<", ">")


@dataclass(frozen=True, slots=True)
class Expression:
    """A parsed expression.

    Attributes:
        names: the ids that it reads.
        value: its value, given the values of these ids, under assumptions.
        is_pointwise: whether each period's value depends on the datapoints of that period alone.
    """

    names: frozenset[str]
    value: Node
    is_pointwise: bool


@lru_cache(maxsize=1_024)
def compiled(text: str) -> Expression:
    """Return the parsed ``text``.

    Raises:
        ScalingConfigurationError: it is malformed or uses what the engine lacks.
    """
    parser = _Parser(text)
    node = parser.whole()
    return Expression(frozenset(parser.names), node, parser.is_pointwise)


def _tokens(text: str) -> list[tuple[str, str]]:
    tokens, position, end = [], 0, len(text.rstrip())
    while position < end:
        match = _TOKEN.match(text, position)
        if match is None:
            raise ScalingConfigurationError(f"metric math: {text!r} is not understood at {text[position:]!r}")
        tokens.append((str(match.lastgroup), match[str(match.lastgroup)]))
        position = match.end()
    return [*tokens, ("end", "the end")]


class _Parser:
    """Recursive descent, one method for each precedence, weakest first."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = _tokens(text)
        self._position = 0
        self.names: set[str] = set()
        self.is_pointwise = True

    def whole(self) -> Node:
        """Parse the whole text."""
        node = self._disjunction()
        if self._tokens[self._position][0] != "end":
            raise self._unexpected()
        return node

    def _disjunction(self) -> Node:
        return self._chain(self._conjunction, ("OR", "||"))

    def _conjunction(self) -> Node:
        return self._chain(self._comparison, ("AND", "&&"))

    def _comparison(self) -> Node:
        return self._chain(self._sum, _COMPARISONS)

    def _sum(self) -> Node:
        return self._chain(self._product, ("+", "-"))

    def _product(self) -> Node:
        return self._chain(self._negation, ("*", "/"))

    def _negation(self) -> Node:
        if not self._accept("-"):
            return self._chain(self._operand, ("^",))
        negated = self._negation()
        return lambda values, assumptions: elementwise(operator.neg, negated(values, assumptions))

    def _chain(self, operand: Callable[[], Node], operators: tuple[str, ...]) -> Node:
        node = operand()
        while (symbol := self._tokens[self._position][1]) in operators:
            self._position += 1
            node = _binary(OPERATORS[symbol], node, operand())
        return node

    def _operand(self) -> Node:
        kind, text = self._tokens[self._position]
        self._position += 1
        if kind == "number":
            number = float(text)
            return lambda _values, _assumptions: number
        if text == "(":
            node = self._disjunction()
            self._expect(")")
            return node
        if text == "[":
            return _array(self._arguments("]"))
        if kind != "name":
            self._position -= 1
            raise self._unexpected()
        return self._function(text) if self._accept("(") else self._named(text)

    def _named(self, name: str) -> Node:
        if name in CONSTANTS:
            constant = CONSTANTS[name]
            self.is_pointwise = False
            return lambda _values, _assumptions: constant
        self.names.add(name)
        return lambda values, _assumptions: values[name]

    def _function(self, name: str) -> Node:
        if name in AGGREGATES:
            return self._aggregate(name)
        if name not in FUNCTIONS:
            known = ", ".join(sorted({*FUNCTIONS, *AGGREGATES}))
            raise ScalingConfigurationError(f"metric math: {name} in {self._text!r} is not supported, use only {known}")
        function, (fewest, most) = FUNCTIONS[name]
        arguments = self._call(name, fewest, most)
        return lambda values, assumptions: function(*(argument(values, assumptions) for argument in arguments))

    def _aggregate(self, name: str) -> Node:
        function = AGGREGATES[name]
        self.is_pointwise &= self._tokens[self._position][1] == "["
        (argument,) = self._call(name, 1, 1)
        return lambda values, assumptions: aggregate(function, argument(values, assumptions), assumptions)

    def _call(self, name: str, fewest: int, most: int) -> list[Node]:
        arguments = self._arguments(")")
        if not fewest <= len(arguments) <= most:
            raise ScalingConfigurationError(
                f"metric math: {name} in {self._text!r} has {len(arguments)} arguments, not {fewest} to {most}"
            )
        return arguments

    def _arguments(self, closing: str) -> list[Node]:
        arguments = [self._disjunction()]
        while self._accept(","):
            arguments.append(self._disjunction())
        self._expect(closing)
        return arguments

    def _accept(self, symbol: str) -> bool:
        accepted = self._tokens[self._position][1] == symbol
        self._position += accepted
        return accepted

    def _expect(self, symbol: str) -> None:
        if not self._accept(symbol):
            raise self._unexpected(f", expected {symbol!r}")

    def _unexpected(self, instead: str = "") -> ScalingConfigurationError:
        found = self._tokens[self._position][1]
        return ScalingConfigurationError(f"metric math: unexpected {found!r} in {self._text!r}{instead}")


def _binary(function: Callable[[float, float], float | None], left: Node, right: Node) -> Node:
    return lambda values, assumptions: elementwise(function, left(values, assumptions), right(values, assumptions))


def _array(items: list[Node]) -> Node:
    return lambda values, assumptions: tuple(item(values, assumptions) for item in items)
