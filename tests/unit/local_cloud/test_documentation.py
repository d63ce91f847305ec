"""docs/local-cloud.md says what there is: every behaviour with its test, and every switch."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest

from local_cloud.assumptions import DEFAULTS, assumption
from scaling_engine.assumptions import Assumptions as ScalingAssumptions

DOCS = Path(__file__).resolve().parents[3] / "docs"
PAGE = (DOCS / "local-cloud.md").read_text()


def rows(heading: str) -> list[list[str]]:
    """Return the cells of the table below a heading."""
    section = PAGE.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    table = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in table[2:]]


def test_every_row_names_a_test() -> None:
    """A behaviour without a test is a wish."""
    assert [row for row in (*rows("Assumptions"), *rows("Behaviours")) if ".py::test_" not in row[-1]] == []


def test_every_switch_is_listed_with_its_values() -> None:
    """What the page offers is taken, and nothing else is."""
    listed = {row[0].strip("`"): re.findall(r"`(\w+)`", row[1]) for row in rows("Assumptions")}
    with pytest.raises(ValueError, match="choose among ") as refusal:
        assumption("=")
    assert sorted(listed) == sorted(str(refusal.value).partition("choose among ")[2].split(", "))
    for name, values in listed.items():
        with pytest.raises(ValueError, match=name) as refusal:
            assumption(f"{name}=")
        choices = str(refusal.value).partition("choose among ")[2]
        numbers = choices == "whole numbers"
        assert all(map(str.isdigit, values)) if numbers else sorted(values) == sorted(choices.split(", "))
        assert (
            getattr(DEFAULTS if hasattr(DEFAULTS, name) else DEFAULTS.scaling, name)
            == assumption(f"{name}={values[0]}")[1]
        )


def test_every_switch_is_an_open_question() -> None:
    """Whoever meets one finds what is known of it, and what breaks if it is wrong."""
    questions = (DOCS / "open-questions.md").read_text()
    switches = {field.name for kind in (type(DEFAULTS), ScalingAssumptions) for field in fields(kind)} - {"scaling"}
    assert {name for name in switches if f"`{name}`" not in questions} == set()
