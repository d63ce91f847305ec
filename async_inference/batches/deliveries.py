"""Handing settled items to the caller's sink: those of this run, and those of earlier runs that it does not have."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

from async_inference.batches.events import Failed, Succeeded
from async_inference.exceptions import InvalidRequest, ResultCorrupt

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from async_inference.batches.events import Event, Settled
    from async_inference.batches.sinks import Sink

CHUNK: Final = 1_000
"""Events of earlier runs that are looked at before everything else gets its turn."""

AT_A_TIME: Final = 8
"""Deliveries that are under way, so that threads are left for submissions."""


class Deliveries:
    """What is still to be delivered.

    Args:
        sink: Where to; ``None`` delivers nothing.
        history: All events of earlier runs, read as far as is needed; those are most when the sink was deleted.
    """

    def __init__(self, sink: Sink | None, history: Iterable[Event]) -> None:
        self._sink = sink
        self._earlier = iter(()) if sink is None else _missing(sink, history)
        self._is_caught_up = sink is None
        self._new: deque[Settled] = deque()
        self.under_way = 0

    def add(self, settled: Settled) -> None:
        """Take an item that was settled in this run and recorded."""
        if self._sink is not None:
            self._new.append(settled)

    def next(self) -> Settled | None:
        """Return what to deliver next, if anything has been found and if not too much is under way."""
        if self.under_way >= AT_A_TIME:
            return None
        if self._new:
            return self._new.popleft()
        for settled in self._earlier:
            return settled
        self._is_caught_up = True
        return None

    @property
    def may_go_on(self) -> bool:
        """Whether :meth:`next` is to be called again at once, whatever it returned."""
        return not self._is_caught_up and self.under_way < AT_A_TIME

    @property
    def is_done(self) -> bool:
        """Whether there is nothing to deliver, and nothing under way."""
        return self._is_caught_up and not self.under_way and not self._new

    def deliver(self, settled: Settled) -> None:
        """Deliver one item, in any thread.

        Raises:
            InvalidRequest: the sink cannot be written to.
            PermissionDenied: the output may not be read.
            EndpointUnavailable: S3 could not be asked.
        """
        if self._sink is None:
            return
        try:
            try:
                self._sink.deliver(settled)
            except ResultCorrupt as error:
                gone = Failed(settled.item, settled.attempt, settled.name, type(error).__name__, str(error))
                self._sink.deliver(gone)
        except OSError as error:
            raise InvalidRequest(
                f"results: item {settled.item} cannot be written: {error.strerror or error}"
                f"{f' ({error.filename})' if error.filename else ''}"
            ) from error


def _missing(sink: Sink, history: Iterable[Event]) -> Iterator[Settled | None]:
    """Yield what the sink does not have, and ``None`` now and then: a history takes minutes to read through."""
    for number, event in enumerate(history, 1):
        if isinstance(event, Succeeded | Failed) and not sink.has(event):
            yield event
        if number % CHUNK == 0:
            yield None
