"""Failures of the local cloud itself: reported, survived, and remembered so that nobody overlooks them."""

from __future__ import annotations

import logging
from collections import deque
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

REMEMBERED: Final = 100
"""How many errors are remembered, the last ones."""

logger = logging.getLogger(__name__)


class InternalErrors(logging.Handler):
    """Remembers what was logged as an error."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self._messages: deque[str] = deque(maxlen=REMEMBERED)

    @property
    def messages(self) -> list[str]:
        """What happened, one line each, oldest first."""
        return list(self._messages)

    def emit(self, record: logging.LogRecord) -> None:
        """Remember an error."""
        error = record.exc_info[1] if record.exc_info else None
        cause = f": {type(error).__name__}: {error}" if error is not None else ""
        self._messages.append(" ".join(f"{record.getMessage()}{cause}".split()))


@contextmanager
def reported(what: str) -> Iterator[None]:
    """Let whatever is raised end the context alone, and log that ``what`` failed with the traceback."""
    try:
        yield
    except Exception:
        logger.exception("%s failed", what)
