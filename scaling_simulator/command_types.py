"""What the options of the command ``simulate`` take, as types of Click."""

from __future__ import annotations

import math
from typing import Any

import click

from scaling_engine.assumption_arguments import Answer, parse_assumption, switches
from scaling_engine.assumptions import Assumptions
from scaling_simulator.durations import Distribution
from scaling_simulator.exceptions import SimulationError


class FiniteRange(click.FloatRange):
    """A number within bounds; neither infinity nor NaN, which a range lets through."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:  # noqa: ANN401 - Click's signature
        """Return the number."""
        number: float = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"{value} is not a finite number.", param, ctx)
        return number


class DurationType(click.ParamType[Distribution]):
    """A distribution of seconds."""

    name = "seconds"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Distribution:  # noqa: ANN401 - Click's signature
        """Return what the text means."""
        if isinstance(value, Distribution):
            return value
        try:
            return Distribution.parse(value)
        except SimulationError as error:
            self.fail(str(error), param, ctx)


class AssumptionType(click.ParamType[tuple[str, Answer]]):
    """A switch of the scaling engine with its answer, ``NAME=VALUE``."""

    name = "name=value"

    def convert(
        self,
        value: Any,  # noqa: ANN401 - Click's signature
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> tuple[str, Answer]:
        """Return the name and the answer."""
        if isinstance(value, tuple):
            return value
        try:
            return parse_assumption(value, switches(Assumptions))
        except ValueError as error:
            self.fail(str(error), param, ctx)


class PairType(click.ParamType[tuple[str, str]]):
    """A name with any value, ``NAME=VALUE``."""

    name = "name=value"

    def convert(
        self,
        value: Any,  # noqa: ANN401 - Click's signature
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> tuple[str, str]:
        """Return the name and the value."""
        if isinstance(value, tuple):
            return value
        name, separator, text = value.partition("=")
        if not name or not separator:
            self.fail(f"{value!r} is not NAME=VALUE.", param, ctx)
        return name, text
