"""The state of a batch and its journal, kept in step: what happens is applied at once and written in groups."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from async_inference.batches.events import Intended, Unknown
from async_inference.batches.journal import Fenced

if TYPE_CHECKING:
    from collections.abc import Callable

    from async_inference.batches.events import Event
    from async_inference.batches.journal import Journal
    from async_inference.batches.state import State
    from async_inference.clock import Clock

_GATHERING_SECONDS: Final = 1.0
"""How long news may wait for others to be written with."""


class Ledger:
    """State and journal of one run."""

    def __init__(self, journal: Journal, state: State, clock: Clock) -> None:
        self._journal = journal
        self._clock = clock
        self._news: list[Event] = []
        self._has_intents = False
        self.state = state
        self.due_at = math.inf
        """The moment of the monotonic clock at which :meth:`record` should be called whatever else is under way."""

    @property
    def has_news(self) -> bool:
        """Whether anything is to be written."""
        return bool(self._news)

    def take_over(self, give_sign_of_life: Callable[[], None], is_stopping: Callable[[], bool]) -> bool:
        """Bring the state up to date and fence off every other owner.

        The attempts that somebody else intended, and of which he recorded nothing more, are unknown from then on.

        Args:
            give_sign_of_life: Is called all the time: reading the journal of a million items takes minutes.
            is_stopping: Likewise; once it is true, nothing more is read, and nothing was changed.

        Returns:
            Whether it was done: the state is incomplete otherwise.

        Raises:
            InvalidRequest: the journal is damaged or of a newer schema.
            PermissionDenied: it may not be read or written.
            EndpointUnavailable: S3 could not be asked.
        """
        while True:
            for event in self._journal.read():
                self.state.apply(event)
                give_sign_of_life()
                if is_stopping():
                    return False
            lost = [Unknown(one.item, one.attempt, self._clock.now()) for one in self.state.open_attempts()]
            if self.state.is_finished and not lost:
                return True
            try:
                self._journal.append(lost)
            except Fenced:
                continue  # an owner that is not dead yet was faster: what he wrote has to be read first
            for event in lost:
                self.state.apply(event)
            return True

    def note(self, event: Event) -> None:
        """Take up what happened; it is written with the next :meth:`record`."""
        self.state.apply(event)
        if not self._news:
            self.due_at = self._clock.monotonic() + _GATHERING_SECONDS
        self._news.append(event)
        self._has_intents |= isinstance(event, Intended)

    def is_due(self, *, more_to_come: bool) -> bool:
        """Whether it is time to write: intents at once, other news when there is enough of it."""
        if self._has_intents:
            return True
        return self.has_news and (not more_to_come or self._clock.monotonic() >= self.due_at)

    def record(self) -> list[Event]:
        """Write what happened and return it.

        Raises:
            Fenced: another owner has taken the batch over.
            PermissionDenied: the journal may not be written.
            EndpointUnavailable: S3 could not be reached.
        """
        news = self._news
        self._journal.append(news)
        self._news, self._has_intents, self.due_at = [], False, math.inf
        return news
