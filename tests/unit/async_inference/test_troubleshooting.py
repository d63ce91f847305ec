"""The one table of troubles: complete, and the page that people read is this table."""

from __future__ import annotations

from pathlib import Path

import pytest

from async_inference import AsyncInferenceError, exceptions, remedies, troubleshooting

TABLE = (*troubleshooting.AT_RUN_TIME, *troubleshooting.SEEN_BY_THE_DOCTOR)
PAGE = Path(__file__).resolve().parents[3] / "docs/troubleshooting.md"


def test_the_page_is_the_table() -> None:
    """Write it with ``python -m async_inference.troubleshooting > docs/troubleshooting.md``."""
    assert troubleshooting.page() == PAGE.read_text()


@pytest.mark.parametrize("name", [name for name in vars(remedies) if name.isupper()])
def test_every_remedy_is_in_the_table(name: str) -> None:
    """None is given in a message and nowhere explained."""
    assert getattr(remedies, name) in {trouble.remedy for trouble in TABLE}


@pytest.mark.parametrize(
    "error",
    [
        value
        for value in vars(exceptions).values()
        if isinstance(value, type) and issubclass(value, AsyncInferenceError)
    ],
)
def test_every_error_is_in_the_table_with_its_usual_remedy(error: type[AsyncInferenceError]) -> None:
    """What a traceback says is what the page says."""
    sign = "any other error" if error is AsyncInferenceError else f"`{error.__name__}`"

    assert error.usual_remedy in {trouble.remedy for trouble in TABLE if trouble.sign.startswith(sign)}


@pytest.mark.parametrize("trouble", TABLE, ids=lambda trouble: trouble.sign)
def test_rows_fit_a_table(trouble: troubleshooting.Trouble) -> None:
    """One line, without what ends a cell, and causes that are sentences."""
    assert "|" not in f"{trouble.sign}{trouble.cause}{trouble.remedy}"
    assert f"{trouble.sign}{trouble.cause}".isprintable()
    assert trouble.cause.endswith(".")


def test_the_four_usual_errors_are_answered() -> None:
    """Model error, timeout, no such key while polling, access denied."""
    signs = " ".join(trouble.sign for trouble in TABLE)

    assert all(name in signs for name in ("ModelError", "ResultTimeout", "NoSuchKey", "AccessDenied"))
