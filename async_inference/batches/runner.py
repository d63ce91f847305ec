"""Working on a batch: submit, look, record, deliver, until every item is settled.

One thread keeps the state and writes the journal; a bounded pool submits, looks at outcomes and downloads. What a round
does, in this order::

    renew the lease ─▶ look what has ended ─▶ intend the next group ─▶ record ─▶ submit it, deliver ─▶ wait

The next group is intended only when nothing of the last is under way, so that its outcomes are recorded before or with
it: see :mod:`async_inference.batches.journal` for why.
"""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING, Final, Protocol, TypeVar

from botocore.exceptions import BotoCoreError

from async_inference.batches.events import Accepted, Failed, Intended, Succeeded, Unknown
from async_inference.batches.journal import GROUP_SIZE, Fenced
from async_inference.batches.patience import Patience
from async_inference.batches.waiting_room import Waited
from async_inference.batches.window import Window
from async_inference.exceptions import AsyncInferenceError, BatchBusy

if TYPE_CHECKING:
    from collections.abc import Callable
    from threading import Event as StopEvent

    from async_inference.batches.attempts import Attempts, Submission
    from async_inference.batches.deliveries import Deliveries
    from async_inference.batches.items import Item, ItemReader
    from async_inference.batches.lease import Lease
    from async_inference.batches.ledger import Ledger
    from async_inference.batches.waiting_room import WaitingRoom

Answer = TypeVar("Answer")

_OVERDUE_SECONDS: Final = 5.0
"""How long looking, which may take seconds where notices are waited for, is put off while other work is under way."""


class WorkersLike(Protocol):
    """What :class:`~async_inference.batches.workers.Workers` offers."""

    def start(self, task: Callable[[], Answer], then: Callable[[Answer], None]) -> None:
        """Run ``task`` somewhere, and ``then`` with its answer in :meth:`wait`."""
        ...  # pragma: no cover - a protocol

    def wait(self, seconds: float) -> None:
        """Deal with the answers that come within so many seconds, or with the first of them."""
        ...  # pragma: no cover - a protocol


class Runner:
    """One run of a batch by its owner.

    Args:
        ledger: State and journal, taken over already.
        lease: Renewed while the run lasts.
        items: The inputs.
        attempts: Submits them.
        room: What is waited for.
        deliveries: Where results go.
        workers: The threads.
        stop: Set to submit nothing more and come to an end.
        report: Is called after each round.
    """

    def __init__(
        self,
        *,
        ledger: Ledger,
        lease: Lease,
        items: ItemReader,
        attempts: Attempts,
        room: WaitingRoom,
        deliveries: Deliveries,
        workers: WorkersLike,
        stop: StopEvent,
        report: Callable[[], None],
    ) -> None:
        context = attempts.context
        self._clock = context.clock
        self._ledger = ledger
        self._state = ledger.state
        self._lease = lease
        self._items = items
        self._attempts = attempts
        self._room = room
        self._deliveries = deliveries
        self._workers = workers
        self._stop = stop
        self._report = report
        self._patience = Patience(context.retry, context.clock)
        self._window = Window(
            attempts.options.max_unfinished,
            request_ttl_seconds=attempts.request_ttl_seconds,
            invocation_timeout_seconds=attempts.longest_job_seconds,
        )
        self._intended: dict[Intended, Item] = {}
        self._submitting = 0
        self._looking = 0
        self._looked_at = -math.inf
        self._trouble: Exception | None = None
        self._error: Exception | None = None

    def run(self) -> None:
        """Work until every item is settled and delivered, or the run is stopped.

        Raises:
            BatchBusy: another process has taken the batch over.
            InvalidRequest: the batch is damaged, or results cannot be written.
            PermissionDenied: AWS refused an action.
            EndpointUnavailable: AWS failed, or submitting did for longer than the retry policy's budget.
        """
        for attempt in self._state.outstanding():
            self._try(self._lease.renew)
            if self._is_stopping:
                break
            self._wait_for(attempt, self._items.read(attempt.item).name)
        while not self._is_over():
            self._round()
        if self._error is not None:
            raise self._error

    def _round(self) -> None:
        self._try(self._lease.renew)
        self._try(self._look)
        self._try(self._intend)
        self._record()
        self._try(self._deliver)
        self._report()
        if not self._is_over():
            self._workers.wait(self._pause())

    @property
    def _is_stopping(self) -> bool:
        return self._error is not None or self._stop.is_set()

    def _is_over(self) -> bool:
        if self._submitting or self._ledger.has_news:
            return False
        return self._is_stopping or (self._state.is_finished and self._deliveries.is_done)

    def _try(self, step: Callable[[], None]) -> None:
        """Take a step, unless the run is stopping; an error stops it, in order, after what is under way."""
        if self._is_stopping:
            return
        try:
            step()
        except (AsyncInferenceError, BotoCoreError) as error:
            self._error = error

    def _start(self, task: Callable[[], Answer], then: Callable[[Answer | Exception], None]) -> None:
        def answer() -> Answer | Exception:
            try:
                return task()
            except (AsyncInferenceError, BotoCoreError) as error:
                return error

        self._workers.start(answer, then)

    def _fail(self, error: Exception) -> None:
        self._error = self._error or error

    def _look(self) -> None:
        # In this order: what is due now is due at a moment that the clock, read afterwards, has reached.
        if self._look_due() > self._clock.monotonic():
            return
        for waited in self._room.ended():
            self._looking += 1
            self._start(
                partial(self._attempts.outcome, waited.attempt, waited.job, waited.name), partial(self._looked, waited)
            )
        self._looked_at = self._clock.monotonic()

    def _look_due(self) -> float:
        """Return when to look: as the watch wants it, but rarely while there is work that notices would hold up."""
        if not self._room:
            return math.inf
        due = self._clock.monotonic() + self._room.pause()
        delivers = self._deliveries.under_way or self._deliveries.may_go_on
        busy = self._submitting or self._looking or delivers or self._may_submit()
        return max(due, self._looked_at + _OVERDUE_SECONDS) if busy else due

    def _looked(self, waited: Waited, outcome: Succeeded | Failed | Exception | None) -> None:
        self._looking -= 1
        if isinstance(outcome, Exception):
            self._fail(outcome)
        elif waited not in self._room:
            return  # said to have ended twice, or settled by another attempt
        elif outcome is None:
            self._room.put_back(waited)
        else:
            self._conclude(waited, outcome)

    def _conclude(self, waited: Waited, outcome: Succeeded | Failed) -> None:
        event = self._state.judge(outcome) if isinstance(outcome, Failed) else outcome
        if event is None:
            raise AssertionError(f"item {outcome.item}, attempt {outcome.attempt} is waited for, but does not matter")
        self._ledger.note(event)
        if isinstance(event, Succeeded | Failed):
            self._window.finished(self._clock.monotonic())
            self._room.settle(event.item, by=waited.job)
        else:
            self._room.forget(waited)

    def _room_to_submit(self) -> int:
        return min(GROUP_SIZE, self._window.size(self._clock.monotonic()) - self._state.on_its_way)

    def _may_submit(self) -> bool:
        if self._submitting or self._clock.monotonic() < self._patience.until:
            return False
        return any(True for _ in self._state.candidates(self._room_to_submit()))

    def _intend(self) -> None:
        if not self._may_submit():
            return
        for intended in list(self._state.candidates(self._room_to_submit())):
            item = self._items.read(intended.item)
            if item.problem is not None:
                self._ledger.note(Failed(intended.item, 0, item.name, "InvalidRequest", item.problem))
            else:
                self._intended[intended] = item
                self._ledger.note(intended)

    def _record(self) -> None:
        if not self._ledger.is_due(more_to_come=bool(self._submitting or self._looking)):
            return
        try:
            recorded = self._ledger.record()
        except Fenced as fence:
            raise BatchBusy(f"the batch was taken over by {fence.owner}", owner=str(fence.owner)) from None
        for event in recorded:
            if isinstance(event, Intended):
                self._submit(event)
            elif isinstance(event, Succeeded | Failed):
                self._room.acknowledge(event.item)
                self._deliveries.add(event)

    def _submit(self, intended: Intended) -> None:
        item = self._intended.pop(intended)
        self._submitting += 1
        self._workers.start(partial(self._attempts.submit, intended, item), partial(self._submitted, item))

    def _submitted(self, item: Item, submission: Submission) -> None:
        self._submitting -= 1
        for event in submission.events:
            if isinstance(event, Failed) and self._state.is_settled(event.item):
                continue  # the result of an earlier attempt, of which nobody knew whether it had arrived, was faster
            self._ledger.note(event)
            if isinstance(event, Accepted):
                self._window.submitted(self._clock.monotonic())
                self._patience.succeeded()
        for event in submission.events:
            if isinstance(event, Accepted | Unknown):
                self._wait_for(event, item.name)
            elif isinstance(event, Failed):
                self._room.settle(event.item)
        if submission.error is not None and not submission.may_pass:
            self._fail(submission.error)
        self._trouble = submission.error or self._trouble
        if not self._submitting and self._trouble is not None:
            if not self._patience.failed():
                self._fail(self._trouble)
            self._trouble = None

    def _wait_for(self, attempt: Accepted | Unknown, name: str) -> None:
        if not self._state.is_settled(attempt.item):
            self._room.add(Waited(attempt, self._attempts.job(attempt), name))

    def _deliver(self) -> None:
        while (settled := self._deliveries.next()) is not None:
            self._deliveries.under_way += 1
            self._start(partial(self._deliveries.deliver, settled), self._delivered)

    def _delivered(self, answer: Exception | None) -> None:
        self._deliveries.under_way -= 1
        if answer is not None:
            self._fail(answer)

    def _pause(self) -> float:
        """Return how long to wait at most for what is under way."""
        if self._is_stopping:  # nothing is begun any more, whatever is due
            return max(0.0, self._ledger.due_at - self._clock.monotonic())
        if self._may_submit() or self._deliveries.may_go_on:
            return 0.0
        moments = [self._lease.renew_at, self._ledger.due_at, self._look_due()]
        if self._patience.until > self._clock.monotonic():
            moments.append(self._patience.until)
        return max(0.0, min(moments) - self._clock.monotonic())
