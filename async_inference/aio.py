"""The same client for programs of :mod:`asyncio`: the same names, as coroutines, over the same core.

Requests are sent and outputs are read in threads of the event loop's own pool. Waiting costs one thread, however many
jobs are awaited: the endpoint's watcher looks for all of them. Cancelling an await forgets the wait, never the job,
which nothing can cancel. Batches and watches are the other client's: ``await asyncio.to_thread(batch.run)``.

::

    async with aio.AsyncEndpoint(configuration) as endpoint:
        jobs = [await endpoint.submit(page) for page in pages]
        async for job in aio.as_completed(jobs):
            print((await job.result()).json())
"""

# ruff: noqa: ASYNC109 - what has run out of time here is told apart from what was cancelled, as in the other client

from __future__ import annotations

import asyncio
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Self, TypeVar, Unpack, overload

import async_inference
from async_inference import futures, mapping, resubmission, results
from async_inference.exceptions import AsyncInferenceError, ResultTimeout
from async_inference.futures import ALL_COMPLETED, FIRST_COMPLETED, FIRST_EXCEPTION
from async_inference.job import watcher_of
from async_inference.waiting import patience
from async_inference.watching.waiter import Waiter

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping
    from pathlib import Path
    from types import TracebackType
    from typing import BinaryIO

    from async_inference import EndpointConfiguration, OutputName, Result, StoredObject
    from async_inference.endpoint import EndpointOptions, ParameterOptions
    from async_inference.results import Decoder
    from async_inference.submitting.payloads import Payload
    from async_inference.submitting.requests import RequestOptions
    from async_inference.watching.watcher import Watcher

__all__ = [
    "ALL_COMPLETED",
    "FIRST_COMPLETED",
    "FIRST_EXCEPTION",
    "AsyncEndpoint",
    "DoneAndNotDone",
    "Job",
    "as_completed",
    "wait",
]

Answer = TypeVar("Answer")
Decoded = TypeVar("Decoded")


@dataclass(frozen=True, slots=True)
class Job:
    """One submitted request, whose outcome can be awaited.

    Two are equal if their handles are.
    """

    handle: async_inference.Job
    """The same job for everybody else: its names, its locations, its deadline."""

    async def done(self) -> bool:
        """See :meth:`async_inference.Job.done`."""
        return await asyncio.to_thread(self.handle.done)

    @overload
    async def result(self, timeout: float | None = None, *, decoder: None = None) -> Result: ...

    @overload
    async def result(self, timeout: float | None = None, *, decoder: Decoder[Decoded]) -> Decoded: ...

    async def result(
        self, timeout: float | None = None, *, decoder: Decoder[Decoded] | None = None
    ) -> Result | Decoded:
        """See :meth:`async_inference.Job.result`."""
        result = await self._ask(self.handle.result, timeout)
        return result if decoder is None else result.decode(decoder)

    async def download(self, to: Path | BinaryIO, timeout: float | None = None) -> StoredObject:
        """See :meth:`async_inference.Job.download`; it goes on to its end even if the await is cancelled."""
        return await self._ask(lambda seconds: self.handle.download(to, seconds), timeout)

    async def locate(self, timeout: float | None = None) -> StoredObject:
        """See :meth:`async_inference.Job.locate`."""
        return await self._ask(self.handle.locate, timeout)

    async def exception(self, timeout: float | None = None) -> AsyncInferenceError | None:
        """See :meth:`async_inference.Job.exception`."""
        return await self._ask(self.handle.exception, timeout)

    def add_done_callback(self, callback: Callable[[Job], object]) -> None:
        """Call ``callback`` with this job, in the running event loop; see :meth:`async_inference.Job`."""
        loop = asyncio.get_running_loop()
        self.handle.add_done_callback(lambda _: loop.call_soon_threadsafe(callback, self))

    def to_dict(self) -> dict[str, Any]:
        """See :meth:`async_inference.Job.to_dict`."""
        return self.handle.to_dict()

    async def _ask(self, question: Callable[[float | None], Answer], timeout: float | None) -> Answer:
        """Ask once the job has ended, or a last time when ``timeout`` has passed."""
        with _Ends([self.handle], timeout) as ends:
            ended = await ends.next() is not None
        try:
            return await asyncio.to_thread(question, None if ended else 0)
        except ResultTimeout:
            raise results.timed_out(self.handle, timeout) from None


class DoneAndNotDone(NamedTuple):
    """What :func:`wait` returns."""

    done: set[Job]
    not_done: set[Job]


def as_completed(jobs: Iterable[Job], timeout: float | None = None) -> AsyncIterator[Job]:
    """Yield jobs as they end; see :func:`async_inference.as_completed`."""
    remaining = {job.handle for job in jobs}
    return _as_completed(remaining, _Ends(frozenset(remaining), timeout), timeout)


async def wait(jobs: Iterable[Job], timeout: float | None = None, return_when: str = ALL_COMPLETED) -> DoneAndNotDone:
    """Wait for jobs; see :func:`async_inference.wait`."""
    futures.check_return_when(return_when)
    done: set[async_inference.Job] = set()
    not_done = {job.handle for job in jobs}
    with _Ends(not_done, timeout) as ends:
        while not_done and (ended := await ends.next()):
            done.add(ended)
            not_done.discard(ended)
            if return_when == FIRST_COMPLETED and not ends.are_at_hand:
                break
            if return_when == FIRST_EXCEPTION and await asyncio.to_thread(ended.exception, 0) is not None:
                break
        else:
            late = await _last_look(not_done)
            done, not_done = done | late, not_done - late
    return DoneAndNotDone({Job(job) for job in done}, {Job(job) for job in not_done})


async def _as_completed(remaining: set[async_inference.Job], ends: _Ends, timeout: float | None) -> AsyncIterator[Job]:
    number = len(remaining)
    with ends:
        while remaining and (ended := await ends.next()):
            remaining.discard(ended)
            yield Job(ended)
    for late in await _last_look(remaining):
        remaining.discard(late)
        yield Job(late)
    if remaining:
        raise futures.timed_out(len(remaining), number, timeout)


async def _last_look(jobs: Collection[async_inference.Job]) -> set[async_inference.Job]:
    """Return which have ended when time is over, whatever the watcher was doing."""
    return (await asyncio.to_thread(futures.wait, jobs, 0)).done if jobs else set()


class _Ends:
    """The ends of jobs, as the watchers of their endpoints tell of them."""

    def __init__(self, jobs: Iterable[async_inference.Job], timeout: float | None) -> None:
        self._jobs = jobs
        self._loop = asyncio.get_running_loop()
        self._until = self._loop.time() + patience(timeout)
        self._told: asyncio.Queue[async_inference.Job | Exception] = asyncio.Queue()
        self._waiters: list[Waiter] = []

    def __enter__(self) -> Self:
        self.add(*self._jobs)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for waiter in self._waiters:
            watcher_of(waiter.job).forget(waiter)

    def add(self, *jobs: async_inference.Job) -> None:
        """Be told of the ends of ``jobs`` too: at once, if they are known."""
        waiters: defaultdict[Watcher, list[Waiter]] = defaultdict(list)
        for job in jobs:
            watcher = watcher_of(job)
            if watcher.has_ended(job):
                self._told.put_nowait(job)
            else:
                waiters[watcher].append(Waiter(job, self._tell, self._tell))
        for watcher, several in waiters.items():
            watcher.wait_for(*several)
            self._waiters += several

    @property
    def are_at_hand(self) -> bool:
        """Whether :meth:`next` has something to tell at once."""
        return not self._told.empty()

    async def next(self) -> async_inference.Job | None:
        """Return the job that ended next, or ``None`` if time is over."""
        try:
            async with asyncio.timeout_at(self._until if self._until < float("inf") else None):
                told = await self._told.get()
        except TimeoutError:
            return None
        if isinstance(told, Exception):
            raise told
        return told

    def _tell(self, told: async_inference.Job | Exception) -> None:
        with suppress(RuntimeError):  # the loop has been closed: nobody awaits anything any more
            self._loop.call_soon_threadsafe(self._told.put_nowait, told)


class AsyncEndpoint:
    """A deployed asynchronous endpoint; use it as an asynchronous context manager, or :meth:`close` it.

    Args:
        configuration: The endpoint, as the stack describes it.
        options: As :class:`async_inference.AsyncEndpoint` takes them. Making clients of boto3 takes some hundred
            milliseconds in which the event loop stands still; :meth:`from_parameter` does it in a thread.

    Raises:
        ConfigurationError: as there.

    Example:
        >>> from async_inference import aio
        >>> async def read(pages):
        ...     async with aio.AsyncEndpoint(configuration) as endpoint:
        ...         jobs = [await endpoint.submit(page) for page in pages]
        ...         return [(await job.result(timeout=600)).json()["text"] for job in jobs]
        >>> import asyncio
        >>> asyncio.run(read([b"page 1", b"page 2"]))
        ['Grüße', 'Grüße']
    """

    def __init__(self, configuration: EndpointConfiguration, **options: Unpack[EndpointOptions]) -> None:
        self._endpoint = async_inference.AsyncEndpoint(configuration, **options)

    @classmethod
    def of(cls, endpoint: async_inference.AsyncEndpoint) -> Self:
        """Return the same endpoint for coroutines; closing one closes both."""
        wrapped = cls.__new__(cls)
        wrapped._endpoint = endpoint  # noqa: SLF001 - its own
        return wrapped

    @classmethod
    async def from_parameter(cls, name: str, region: str | None = None, **options: Unpack[ParameterOptions]) -> Self:
        """See :meth:`async_inference.AsyncEndpoint.from_parameter`."""
        return cls.of(await asyncio.to_thread(async_inference.AsyncEndpoint.from_parameter, name, region, **options))

    @property
    def configuration(self) -> EndpointConfiguration:
        """The endpoint, as the stack describes it."""
        return self._endpoint.configuration

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    async def submit(
        self,
        payload: Payload,
        *,
        timeout: float | None = None,
        output_name: OutputName | None = None,
        **fields: Unpack[RequestOptions],
    ) -> Job:
        """See :meth:`async_inference.AsyncEndpoint.submit`. A cancelled submission may be accepted all the same."""
        return Job(
            await asyncio.to_thread(self._endpoint.submit, payload, timeout=timeout, output_name=output_name, **fields)
        )

    def job(self, document: Mapping[str, Any]) -> Job:
        """See :meth:`async_inference.AsyncEndpoint.job`."""
        return Job(self._endpoint.job(document))

    def map(
        self,
        payloads: Iterable[Payload],
        *,
        timeout: float | None = None,
        max_unfinished: int = mapping.MAX_UNFINISHED,
        **fields: Unpack[RequestOptions],
    ) -> AsyncIterator[Result]:
        """See :meth:`async_inference.AsyncEndpoint.map`."""
        return self._results(mapping.Mapping(payloads, max_unfinished), _Ends((), timeout), fields)

    async def invoke(
        self, payload: Payload, *, timeout: float | None = None, attempts: int = 1, **fields: Unpack[RequestOptions]
    ) -> Result:
        """See :meth:`async_inference.AsyncEndpoint.invoke`."""
        resubmission.check_attempts(payload, attempts)
        made = resubmission.Attempts(attempts, timeout)
        for number in made.numbers():
            try:
                made.submitted((await self.submit(payload, **fields)).handle, number)
            except AsyncInferenceError as error:
                made.refused(error)
            with _Ends(list(made.outstanding), timeout) as ends:
                while made.outstanding and (ended := await ends.next()):
                    result = await asyncio.to_thread(made.outcome, ended)
                    if result is not None:
                        return result
        raise made.error()

    async def close(self) -> None:
        """See :meth:`async_inference.AsyncEndpoint.close`. Whoever still awaits a job is told that it is closed."""
        await asyncio.to_thread(self._endpoint.close)

    async def _results(self, mapped: mapping.Mapping, ends: _Ends, fields: RequestOptions) -> AsyncIterator[Result]:
        with ends:
            while True:
                for payload in mapped.due():
                    try:
                        job = (await self.submit(payload, **fields)).handle
                    except AsyncInferenceError as error:
                        mapped.refused(error)
                    else:
                        mapped.submitted(job)
                        ends.add(job)
                first = mapped.first()
                if first is None:
                    return
                if not mapped.waits_for(first):
                    yield await asyncio.to_thread(first.result)
                    mapped.yielded()
                elif ended := await ends.next():
                    mapped.ended(ended)
                elif await _last_look({first}):
                    mapped.ended(first)
                else:
                    raise mapping.timed_out(first)
