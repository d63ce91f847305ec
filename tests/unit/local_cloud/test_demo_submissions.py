"""What the demo makes of each document's fate."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from async_inference import ModelError
from local_cloud.demo.documents import Document
from local_cloud.demo.submissions import Submission, count

PAGE = Document(name="page.png", content=b"page", expected="first words")
BROKEN = Document(name="broken.png", content=b"", expected="cannot be decoded", broken=True)


@dataclass(frozen=True)
class Fake:
    """A sender with its answer ready."""

    answer: str | Exception
    name: str = "fake"

    def read(self, document: Document) -> str:
        """Answer, whatever the document."""
        assert document in (PAGE, BROKEN)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def _ended(document: Document, answer: str | Exception) -> Submission:
    submission = Submission.start(document, Fake(answer))
    submission.text.exception(timeout=10)
    return submission


@pytest.mark.parametrize(
    ("document", "answer", "as_expected"),
    [
        (PAGE, "the first words and more", True),
        (PAGE, "other words", False),
        (PAGE, ModelError("cannot be decoded"), False),
        (BROKEN, ModelError("the body cannot be decoded"), True),
        (BROKEN, ModelError("server error (0)"), False),
        (BROKEN, RuntimeError("cannot be decoded"), False),
        (BROKEN, "first words", False),
    ],
)
def test_only_what_was_to_come_is_as_expected(
    document: Document, answer: str | Exception, *, as_expected: bool
) -> None:
    """A page must have its text, and a broken one the model's own error."""
    assert _ended(document, answer).as_expected is as_expected


def test_successes_and_failures_are_counted() -> None:
    """Each ended document is one or the other."""
    assert count([_ended(PAGE, "first words"), _ended(PAGE, "other"), _ended(BROKEN, ModelError("x"))]) == (2, 1)


def test_a_result_is_shown_shortly() -> None:
    """One line, whatever the text."""
    shown = str(_ended(PAGE, "first words\n" * 1_000))

    assert shown.startswith("page.png through the fake: first words first words")
    assert len(shown) < 150
