"""The lists of promised behaviours name tests that exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]
ACCEPTANCE = TESTS.parent / "docs/acceptance.md"
LOCAL_CLOUD = TESTS.parent / "docs/local-cloud.md"
OPEN_QUESTIONS = TESTS.parent / "docs/open-questions.md"
_TEST = re.compile(r"`([\w/]+\.py)::(\w+)`")
NAMED = {
    *_TEST.findall(ACCEPTANCE.read_text()),
    *_TEST.findall(OPEN_QUESTIONS.read_text()),
    *((path if "/" in path else f"local/{path}", name) for path, name in _TEST.findall(LOCAL_CLOUD.read_text())),
}


@pytest.mark.parametrize(("path", "name"), sorted(NAMED))
def test_named_test_exists(path: str, name: str) -> None:
    """The file has a test of that name."""
    assert f"\ndef {name}(" in (TESTS / path).read_text()


def test_every_row_names_a_test() -> None:
    """No behaviour is promised without one."""
    rows = [line for line in ACCEPTANCE.read_text().splitlines() if line.startswith("| ") and "::" not in line]

    assert {"| behaviour | test |"} == set(rows)
