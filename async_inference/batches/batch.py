"""A recorded batch as its caller works with it."""

from __future__ import annotations

from contextlib import ExitStack, suppress
from pathlib import Path
from threading import Event as StopEvent
from typing import TYPE_CHECKING, Final

from async_inference.batches.attempts import Attempts
from async_inference.batches.deliveries import Deliveries
from async_inference.batches.items import ItemReader
from async_inference.batches.journal import Journal
from async_inference.batches.json_lines import JsonLinesSink
from async_inference.batches.lease import Lease
from async_inference.batches.ledger import Ledger
from async_inference.batches.manifest import Manifest
from async_inference.batches.naming import Names, check_batch_id
from async_inference.batches.owner import Owner
from async_inference.batches.runner import Runner
from async_inference.batches.sinks import DirectorySink, Fetcher
from async_inference.batches.state import State
from async_inference.batches.summary import BatchProgress, BatchSummary
from async_inference.batches.waiting_room import WaitingRoom
from async_inference.batches.workers import Workers
from async_inference.exceptions import AsyncInferenceError, InvalidRequest

if TYPE_CHECKING:
    from collections.abc import Callable

    from async_inference.batches.context import Context
    from async_inference.batches.sinks import Sink

JSON_LINES_ENDING: Final = ".jsonl"

LONG_POLL_SECONDS: Final = 5
"""How long a run waits for notices at a time, during which it does nothing else."""


class Batch:
    """A batch that is recorded in S3.

    Made by :meth:`AsyncEndpoint.batch` and :meth:`AsyncEndpoint.resume`; it holds nothing that needs closing.
    """

    def __init__(self, context: Context, manifest: Manifest, *, take_over: bool = False) -> None:
        self._context = context
        self._manifest = manifest
        self._take_over = take_over
        self._names = Names(context.configuration, manifest.batch_id, manifest.recording, context.consumer)
        self._names.check()

    @property
    def id(self) -> str:
        """What :meth:`AsyncEndpoint.resume` takes, on any machine."""
        return self._manifest.batch_id

    def run(
        self,
        *,
        results: str | Path | None = None,
        progress: Callable[[BatchProgress], None] | None = None,
        stop: StopEvent | None = None,
    ) -> BatchSummary:
        """Work on the batch until every item has its result or its failure, and return what it came to.

        Whatever ends it before, an error, ``stop`` or the process's death, leaves a batch that can be resumed: nothing
        is lost, and at most 32 items are submitted again, those whose submission was under way at a death.

        Args:
            results: Where to put results: a path that ends with ``.jsonl`` gets a line for each item, see
                :mod:`async_inference.batches.json_lines`, any other is a directory that gets a file for each, see
                :mod:`async_inference.batches.sinks`. What an earlier run delivered stays; what is missing is fetched.
                ``None`` puts nothing anywhere.
            progress: Is called in this thread when numbers have changed.
            stop: Set it, from a signal handler or another thread, to submit nothing more, record what is under way, and
                return once downloads that have begun are done. Results that are not here yet come with the next run. If
                the journal was still being read, the summary is of what was read.

        Raises:
            BatchBusy: another process works on the batch, or has taken it over.
            InvalidRequest: the batch is damaged or of a newer version, or results cannot be written.
            PermissionDenied: AWS refused an action.
            EndpointUnavailable: AWS failed, or submitting did for longer than the retry policy's budget.
        """
        stop, owner = stop or StopEvent(), Owner.new()
        with ExitStack() as stack:
            sink = None if results is None else self._sink(Path(results))
            if sink is not None:
                stack.callback(sink.close)
            lease = Lease(self._context.objects, self._names, owner, self._context.clock)
            lease.acquire(take_over=self._take_over)
            stack.callback(_release, lease)
            self._take_over = False
            workers = Workers(self._context.clock, stop)
            stack.callback(workers.close)
            journal = Journal(self._context.objects, self._names, owner, in_parallel=workers.in_parallel)
            ledger = Ledger(journal, new_state(self._manifest), self._context.clock)
            if not ledger.take_over(lease.renew, stop.is_set):
                return summarise(self.id, ledger.state)
            Runner(
                ledger=ledger,
                lease=lease,
                items=ItemReader(self._context.objects, self._names, self._manifest.segments),
                attempts=Attempts(self._context, self._names, self._manifest.options),
                room=WaitingRoom(stack.enter_context(self._context.watch())),
                deliveries=Deliveries(sink, journal.read_again(journal.length)),
                workers=workers,
                stop=stop,
                report=_reporter(self.id, ledger.state, self._context.clock.now(), progress),
            ).run()
        return summarise(self.id, ledger.state)

    def summary(self) -> BatchSummary:
        """Return what the batch has come to, as far as its journal says, without working on it.

        Raises:
            InvalidRequest: the batch is damaged or of a newer version.
            PermissionDenied: it may not be read.
            EndpointUnavailable: S3 could not be asked.
        """
        state = new_state(self._manifest)
        for event in Journal(self._context.objects, self._names, Owner.new()).read():
            state.apply(event)
        return summarise(self.id, state)

    def _sink(self, results: Path) -> Sink:
        fetcher = Fetcher(self._context.objects, self._context.configuration)
        try:
            if results.suffix == JSON_LINES_ENDING and not results.is_dir():
                return JsonLinesSink(results, self.id, fetcher)
            return DirectorySink(results, self.id, fetcher, now=self._context.clock.now())
        except OSError as error:
            raise InvalidRequest(f"results: {results} cannot be used: {error.strerror or error}") from error


def find(context: Context, batch_id: str, *, take_over: bool = False) -> Batch:
    """Return a batch that was recorded before; raises what :meth:`AsyncEndpoint.resume` does."""
    names = Names(context.configuration, check_batch_id(batch_id))
    return Batch(context, Manifest.read(context.objects, names), take_over=take_over)


def new_state(manifest: Manifest) -> State:
    """Return the state of a batch of which nothing has happened."""
    options = manifest.options
    return State(manifest.items, on_unknown=options.on_unknown, max_attempts=options.max_attempts)


def summarise(batch_id: str, state: State) -> BatchSummary:
    """Return a state in numbers."""
    return BatchSummary(
        batch_id=batch_id,
        items=state.items,
        succeeded=state.succeeded,
        failed=state.failed,
        unfinished=state.items - state.succeeded - state.failed,
        submissions=state.submissions,
        unknown=state.unknown,
        resubmitted=state.resubmitted,
    )


def _reporter(
    batch_id: str, state: State, started: float, progress: Callable[[BatchProgress], None] | None
) -> Callable[[], None]:
    """Return what tells ``progress`` of each change."""
    last: BatchProgress | None = None

    def report() -> None:
        nonlocal last
        now = BatchProgress(
            batch_id=batch_id,
            items=state.items,
            submitted=state.submissions,
            running=state.on_its_way,
            succeeded=state.succeeded,
            failed=state.failed,
            remaining=state.items - state.succeeded - state.failed - state.on_its_way,
            started=started,
        )
        if progress is not None and now != last:
            progress(now)
        last = now

    return report


def _release(lease: Lease) -> None:
    # It ends by itself a minute later, and the run's own outcome says more than a failure to say goodbye.
    with suppress(AsyncInferenceError):
        lease.release()
