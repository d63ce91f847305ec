"""Answers to undocumented questions, as command lines take them."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from enum import StrEnum

import pytest

from scaling_engine.assumption_arguments import parse_assumption, switches
from scaling_engine.assumptions import Assumptions, ScaleIn


class Colour(StrEnum):
    """One of several."""

    RED = "red"
    GREEN = "green"


@dataclass(frozen=True)
class Everything:
    """A field of each kind."""

    shiny: bool = True
    count: int = 1
    seconds: float = 1
    colour: Colour = Colour.RED
    inner: Assumptions = field(default_factory=Assumptions)


SWITCHES = switches(Everything)


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("shiny=false", ("shiny", False)),
        ("count=3", ("count", 3)),
        ("seconds=2.5", ("seconds", 2.5)),
        ("seconds=2", ("seconds", 2.0)),
        ("colour=green", ("colour", Colour.GREEN)),
    ],
)
def test_an_answer_has_the_type_of_its_field(text: str, answer: tuple[str, object]) -> None:
    """The field's type, not that of its default: a number of seconds may be a whole one."""
    parsed = parse_assumption(text, SWITCHES)
    assert answer == parsed
    assert type(answer[1]) is type(parsed[1])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "'' is no assumption: choose among shiny, count, seconds, colour"),
        ("inner=x", "'inner' is no assumption: choose among shiny, count, seconds, colour"),
        ("shiny=yes", "'yes' is no value of shiny: choose among true, false"),
        ("shiny", "'' is no value of shiny: choose among true, false"),
        ("count=1.5", "'1.5' is no value of count: choose among whole numbers"),
        ("seconds=soon", "'soon' is no value of seconds: choose among numbers"),
        ("seconds=inf", "'inf' is no value of seconds: choose among numbers"),
        ("colour=RED", "'RED' is no value of colour: choose among red, green"),
    ],
)
def test_what_there_is_not_is_refused_with_what_there_is(text: str, message: str) -> None:
    """Whoever mistypes learns the choice."""
    with pytest.raises(ValueError, match=r"choose among") as raised:
        parse_assumption(text, SWITCHES)
    assert str(raised.value) == message


def test_every_assumption_of_the_engine_is_a_switch() -> None:
    """A new one needs nothing but its field."""
    assert list(switches(Assumptions)) == [each.name for each in fields(Assumptions)]
    assert parse_assumption("scale_in=requeues", switches(Assumptions)) == ("scale_in", ScaleIn.REQUEUES)
