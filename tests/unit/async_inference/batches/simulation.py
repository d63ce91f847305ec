"""A world for the real code of batches: S3, SageMaker, time, and processes that crash and stall at any request.

Every process is a thread, but only one runs at a time: at each request it hands over to the scheduler, which lets any
of those go on that neither sleep nor stall, chosen by a seed. So two owners of one batch interleave in any way, and the
same seed gives the same run. Nobody sleeps: when all wait, time jumps.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Self

from botocore.exceptions import ClientError

from async_inference import (
    AsyncInferenceError,
    Clock,
    EndpointConfiguration,
    EndpointUnavailable,
    InvalidRequest,
    Job,
    PollingPolicy,
    RetryPolicy,
    S3Location,
)
from async_inference.batches import Context, find
from async_inference.configuration import Limits, Prefixes
from async_inference.results import ResultReader
from async_inference.storage import AlreadyExists, ListedPage, ObjectChanged, StoredObject
from async_inference.watching.in_flight import JobsInFlight

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from async_inference.batches import BatchSummary
    from async_inference.submitting.naming import OutputName

CONFIGURATION = EndpointConfiguration(
    endpoint_name="ocr-endpoint",
    region="eu-west-1",
    bucket="payloads-bucket",
    limits=Limits(max_job_seconds=300, request_ttl_seconds=600),
    prefixes=Prefixes(),
    consumers={},
)

MOST_REQUESTS = 20_000
"""Of one run of the world: it takes some hundreds."""


class Crash(BaseException):
    """The process is no more."""


@dataclass(frozen=True)
class Written:
    """An object, there from a moment on."""

    content: bytes
    content_type: str
    etag: str
    since: float


@dataclass(frozen=True)
class Arrival:
    """A request that SageMaker took up."""

    item: int
    attempt: int
    name: str
    payload: bytes


@dataclass
class Troubles:
    """How likely each trouble is, and how many there are left."""

    left: int = 0
    throttled: float = 0.0
    unknown_lost: float = 0.0
    unknown_arrived: float = 0.0
    invalid: float = 0.0
    lost_response: float = 0.0
    spurious: float = 0.0
    overlooked: float = 0.0


@dataclass
class World:
    """S3, SageMaker and time, for all processes."""

    random: random.Random
    troubles: Troubles = field(default_factory=Troubles)
    now: float = 1_800_000_000.0
    objects: dict[S3Location, Written] = field(default_factory=dict)
    arrivals: list[Arrival] = field(default_factory=list)
    requests: int = 0

    def happens(self, trouble: str) -> bool:
        """Whether a trouble happens now."""
        if self.troubles.left <= 0 or self.random.random() >= getattr(self.troubles, trouble):
            return False
        self.troubles.left -= 1
        return True

    def write(self, location: S3Location, content: bytes, content_type: str = "", *, after: float = 0.0) -> str:
        """Let an object appear."""
        etag = f'"{self.random.getrandbits(64):x}"'
        self.objects[location] = Written(content, content_type, etag, self.now + after)
        return etag

    def read(self, location: S3Location) -> Written | None:
        """Return an object that is there by now."""
        written = self.objects.get(location)
        return written if written is not None and written.since <= self.now else None

    def accept(self, arrival: Arrival, output: S3Location, failure: S3Location) -> None:
        """Take a request up, and decide what becomes of it, and when."""
        self.arrivals.append(arrival)
        outcome, after = self.random.random(), self.random.choice([0.0, 1.0, 20.0, 200.0, 880.0])
        if outcome < 0.6:
            self.write(output, f"result of {arrival.item}".encode(), "text/plain", after=after)
        elif outcome < 0.8:
            self.write(failure, b"cannot read the page", after=after)
        elif outcome < 0.9:
            self.write(output, b"", "text/plain", after=after)


@dataclass
class Body:
    """An object's content."""

    content: bytes

    def read(self, amt: int | None = None) -> bytes:
        """Return the next bytes."""
        taken = self.content if amt is None else self.content[:amt]
        self.content = self.content[len(taken) :]
        return taken


class Process(threading.Thread):
    """One process that works on the batch.

    Args:
        scheduler: Who decides when it goes on.
        batch_id: What it works on.
        results: Where it puts results.
        crash_at: The number of its own request at which it is killed.
        stall_at: The number of its own request at which it stalls.
        stall_seconds: For how long.
    """

    def __init__(
        self,
        scheduler: Scheduler,
        batch_id: str,
        results: Path | None,
        *,
        crash_at: int | None = None,
        stall_at: int | None = None,
        stall_seconds: float = 0.0,
    ) -> None:
        super().__init__(daemon=True)
        self.scheduler = scheduler
        self.world = scheduler.world
        self.go = _closed_gate()
        self.wake_at = 0.0
        self.is_stalled = False
        self.is_over = False
        self.summary: BatchSummary | None = None
        self.error: BaseException | None = None
        self._batch_id = batch_id
        self._results = results
        self._crash_at, self._stall_at, self._stall_seconds = crash_at, stall_at, stall_seconds
        self._requests = 0

    def run(self) -> None:
        """Resume the batch and work on it."""
        self.go.acquire()
        try:
            batch = find(self.context(), self._batch_id, take_over=True)
            self.summary = batch.run(results=self._results)
        except (AsyncInferenceError, Crash) as error:
            self.error = error
        except BaseException as error:
            self.error = error
            raise
        finally:
            self.end()

    def end(self) -> None:
        """Say that this is over, and let others go on: the thread itself is alive for a moment yet."""
        self.is_over = True
        self.scheduler.back.release()

    def request(self) -> None:
        """Be about to send a request, or to get its answer: others go on meanwhile, and it may be the end."""
        self.world.requests += 1
        self._requests += 1
        if self._crash_at is not None and self._requests >= self._crash_at:
            raise Crash
        if self._requests == self._stall_at:
            self.is_stalled = True
            self.sleep(self._stall_seconds)
            self.is_stalled = False
        else:
            self.sleep(0.0)

    def sleep(self, seconds: float) -> None:
        """Let time pass, and others."""
        self.wake_at = self.world.now + seconds
        if not self.scheduler.goes_on(self):
            self.scheduler.back.release()
            self.go.acquire()

    def context(self) -> Context:
        """Return the endpoint as this process sees it."""
        world = self.world
        clock = Clock(now=lambda: world.now, monotonic=lambda: world.now, sleep=self.sleep, random=world.random.random)
        objects: Any = Objects(self)
        watcher: Any = SimpleNamespace(
            require_open=lambda: None,
            watches=SimpleNamespace(
                reported_failure=lambda _: None,
                dealt_with=lambda _: None,
                in_flight=JobsInFlight(None, endpoint_name=CONFIGURATION.endpoint_name, clock=clock),
            ),
        )
        reader = ResultReader(objects, polling=PollingPolicy(), clock=clock, watcher=watcher)
        service = Service(self, reader)
        watch: Any = lambda: Watch(self)  # noqa: E731 - as long as the real one is not
        return Context(
            configuration=CONFIGURATION,
            consumer=None,
            objects=objects,
            clock=clock,
            retry=RetryPolicy(),
            require_open=lambda: None,
            submit=service.submit,
            job=lambda document: Job.from_dict(document, reader),
            watch=watch,
        )


def _closed_gate() -> threading.Lock:
    """Return what one thread waits at until another opens it: a lock is far cheaper than a semaphore."""
    gate = threading.Lock()
    gate.acquire()
    return gate


class Scheduler:
    """Lets one process run at a time."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.back = _closed_gate()
        self.processes: list[Process] = []

    def start(self, process: Process) -> None:
        """Let a process take part."""
        self.processes.append(process)
        process.start()

    def goes_on(self, process: Process) -> bool:
        """Let a process go on at once if it is the only one: changing threads is what takes the time here."""
        if process.is_stalled or any(other.is_alive() for other in self.processes if other is not process):
            return False
        self._check()
        self.world.now = process.wake_at
        return True

    def _check(self) -> None:
        assert self.world.requests < MOST_REQUESTS, "the batch does not come to its end"

    def run_until(self, is_enough: Callable[[], bool]) -> None:
        """Let processes go on until it is enough, or none is left."""
        while (alive := [process for process in self.processes if process.is_alive()]) and not is_enough():
            ready = [process for process in alive if process.wake_at <= self.world.now]
            if not ready:
                self.world.now = min(process.wake_at for process in alive)
                continue
            self._check()
            chosen = self.world.random.choice(ready)
            chosen.go.release()
            self.back.acquire()
            if chosen.is_over:
                chosen.join()


class Objects:
    """S3, as one process sees it."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._world = process.world

    def get(self, location: S3Location, take: Callable[[StoredObject, Body], Any], **_: Any) -> Any:  # noqa: ANN401
        """Return what ``take`` makes of an object."""
        self._process.request()
        written = self._world.read(location)
        if written is None:
            return None
        age = self._world.now - written.since
        stored = StoredObject(location, len(written.content), written.content_type, written.etag, age)
        return take(stored, Body(written.content))

    def list_page(self, bucket: str, prefix: str, *, start_after: str = "", **_: object) -> ListedPage:
        """Return the next keys; pages are short here."""
        self._process.request()
        keys = sorted(
            location.key
            for location in self._world.objects
            if location.bucket == bucket and location.key.startswith(prefix) and location.key > start_after
        )
        return ListedPage(tuple(keys[:3]), len(keys) > 3)

    def put(self, source: bytes, location: S3Location, *, content_type: str | None) -> None:
        """Write an object."""
        self._process.request()
        self._world.write(location, source, content_type or "")

    def create(self, location: S3Location, content: bytes, *, content_type: str) -> str:
        """Write an object where there is none; the answer may be lost."""
        self._process.request()
        if location in self._world.objects:
            raise AlreadyExists
        etag = self._world.write(location, content, content_type)
        self._answer()
        return etag

    def replace(self, location: S3Location, content: bytes, *, etag: str, content_type: str) -> str:
        """Write an object in place of another; the answer may be lost."""
        self._process.request()
        written = self._world.objects.get(location)
        if written is None or written.etag != etag:
            raise ObjectChanged
        new = self._world.write(location, content, content_type)
        self._answer(ObjectChanged)
        return new

    def _answer(self, repeated: type[Exception] = AlreadyExists) -> None:
        """Answer a write: or not, and then the store asks again and finds it done, or gives up."""
        self._process.request()
        if self._world.happens("lost_response"):
            raise self._world.random.choice([repeated(), EndpointUnavailable("S3 does not answer")])


class Service:
    """SageMaker, as one process sees it."""

    def __init__(self, process: Process, reader: ResultReader) -> None:
        self._process = process
        self._world = process.world
        self._reader = reader

    def submit(self, payload: bytes, *, inference_id: str, output_name: OutputName, **_: Any) -> Job:  # noqa: ANN401
        """Take a request up, or not."""
        self._process.request()
        self._refuse(inference_id)
        item, attempt = map(int, output_name.filename.split("-"))
        output = S3Location(CONFIGURATION.bucket, f"output/{output_name.extension}/{output_name.filename}")
        failure = S3Location(CONFIGURATION.bucket, f"failure/{self._world.random.getrandbits(64):x}-error.out")
        self._world.accept(Arrival(item, attempt, output_name.filename, payload), output, failure)
        self._process.request()
        if self._world.happens("unknown_arrived"):
            raise EndpointUnavailable("no answer", submission_unknown=True, inference_id=inference_id)
        return Job(
            endpoint_name=CONFIGURATION.endpoint_name,
            inference_id=inference_id,
            output_location=output,
            failure_location=failure,
            submitted_at=datetime.fromtimestamp(self._world.now, UTC),
            request_ttl_seconds=600,
            invocation_timeout_seconds=300,
            results=self._reader,
        )

    def _refuse(self, inference_id: str) -> None:
        if self._world.happens("throttled"):
            throttling = {"Error": {"Code": "ThrottlingException"}, "ResponseMetadata": {"HTTPStatusCode": 400}}
            raise EndpointUnavailable("throttled") from ClientError(throttling, "InvokeEndpointAsync")  # type: ignore[arg-type]
        if self._world.happens("unknown_lost"):
            raise EndpointUnavailable("no answer", submission_unknown=True, inference_id=inference_id)
        if self._world.happens("invalid"):
            raise InvalidRequest("refused")


class Watch:
    """What waits for many jobs: it may overlook one for a while, or tell of one too early, or twice."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._world = process.world
        self._pending: dict[Job, None] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._pending.clear()

    def add(self, job: Job) -> None:
        """Wait for a job."""
        self._pending[job] = None

    def discard(self, job: Job) -> None:
        """Wait for it no longer."""
        self._pending.pop(job, None)

    def acknowledge(self, job: Job) -> None:
        """Its outcome is safe."""

    def pause(self) -> float:
        """Look again at once, soon, or when something else has to be done."""
        return self._world.random.choice([0.0, 5.0, 100.0])

    def tick(self) -> list[Job]:
        """Look once."""
        self._process.request()
        told: list[Job] = []
        for job in list(self._pending):
            has_ended = (
                self._world.read(job.output_location) is not None
                or (job.failure_location is not None and self._world.read(job.failure_location) is not None)
                or self._world.now >= job.deadline.timestamp()
            )
            if (has_ended and not self._world.happens("overlooked")) or self._world.happens("spurious"):
                told.append(job)
                if not self._world.happens("spurious"):
                    del self._pending[job]
        return told


class Workers:
    """Does one thing at a time, in any order, in the process itself."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._tasks: list[tuple[Callable[[], Any], Callable[[Any], None]]] = []

    def start(self, task: Callable[[], Any], then: Callable[[Any], None]) -> None:
        """Remember to do it."""
        self._tasks.append((task, then))

    def wait(self, seconds: float) -> None:
        """Do one or a few things, or let time pass."""
        if not self._tasks:
            self._process.sleep(seconds)
            return
        random = self._process.world.random
        for _ in range(random.randint(1, len(self._tasks))):
            task, then = self._tasks.pop(random.randrange(len(self._tasks)))
            then(task())

    def in_parallel(self, function: Callable[[Any], Any], arguments: Iterable[Any]) -> Iterable[Any]:
        """Apply a function, one after the other."""
        return map(function, arguments)

    def close(self) -> None:
        """Begin nothing more; what has begun comes to its end, and nobody takes note."""
        begun = [task for task, _ in self._tasks if self._process.world.random.random() < 0.5]
        self._tasks.clear()
        for task in begun:
            task()
