"""Documents on their way, each on a thread of its own, and what became of them."""

from __future__ import annotations

import textwrap
from concurrent.futures import Future
from dataclasses import dataclass
from threading import Thread
from typing import TYPE_CHECKING

from async_inference import ModelError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from local_cloud.demo.documents import Document
    from local_cloud.demo.senders import Sender


@dataclass(frozen=True, slots=True)
class Submission:
    """One document on its way.

    Attributes:
        document: What was sent.
        sender: Through what.
        text: What the model read, once it has.
    """

    document: Document
    sender: Sender
    text: Future[str]

    @classmethod
    def start(cls, document: Document, sender: Sender) -> Submission:
        """Send ``document`` through ``sender``, on a thread that ends with the process: nobody waits for it."""
        text: Future[str] = Future()

        def read() -> None:
            try:
                text.set_result(sender.read(document))
            except Exception as error:  # noqa: BLE001 - whoever asks for the text gets it
                text.set_exception(error)

        Thread(target=read, daemon=True).start()
        return cls(document, sender, text)

    @property
    def as_expected(self) -> bool:
        """Whether the text, or for a broken document the model's error, is the one that was to come."""
        error = self.text.exception()
        if self.document.broken:
            return isinstance(error, ModelError) and self.document.expected in str(error)
        return error is None and self.document.expected in self.text.result()

    def __str__(self) -> str:
        error = self.text.exception()
        if error is None:
            said = textwrap.shorten(self.text.result(), 100)
        else:
            said = f"{'failed as it should' if self.as_expected else 'failed'}: {type(error).__name__}: {error}"
        return f"{self.document.name} through the {self.sender.name}: {said}"


def count(submissions: Sequence[Submission]) -> tuple[int, int]:
    """Return how many have succeeded and how many have failed so far."""
    ended = [submission.text for submission in submissions if submission.text.done()]
    failed = sum(text.exception() is not None for text in ended)
    return len(ended) - failed, failed
