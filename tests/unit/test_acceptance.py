"""The list of promised behaviours names tests that exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]
ACCEPTANCE = TESTS.parent / "docs/acceptance.md"
NAMED = re.findall(r"`([\w/]+\.py)::(\w+)`", ACCEPTANCE.read_text())


@pytest.mark.parametrize(("path", "name"), NAMED)
def test_named_test_exists(path: str, name: str) -> None:
    """The file has a test of that name."""
    assert f"\ndef {name}(" in (TESTS / path).read_text()


def test_every_row_names_a_test() -> None:
    """No behaviour is promised without one."""
    rows = [line for line in ACCEPTANCE.read_text().splitlines() if line.startswith("| ") and "::" not in line]

    assert {"| behaviour | test |"} == set(rows)
