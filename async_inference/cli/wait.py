"""``async-inference wait``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import click

from async_inference.cli.failures import ExitCode, Failure
from async_inference.cli.jobs import read_jobs
from async_inference.cli.pace import Counts
from async_inference.cli.surroundings import Caller, caller_options, consumer_option
from async_inference.cli.text import counted
from async_inference.exceptions import InvalidRequest, ModelError, RequestExpired, ResultCorrupt, ResultTimeout
from async_inference.waiting import patience

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from async_inference.cli.progress import Progress
    from async_inference.clock import Clock
    from async_inference.endpoint import AsyncEndpoint
    from async_inference.job import Job
    from async_inference.watching.watch import Watch

_ENDED_BADLY: Final = (ModelError, RequestExpired, ResultCorrupt)


@click.command()
@click.argument("source", default="-", metavar="[JOB|-]")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), help="A file for the result; for several jobs, a directory."
)
@click.option("--timeout", type=float, metavar="SECONDS", help="Wait no longer; by default as long as there is hope.")
@consumer_option
@caller_options
def wait(caller: Caller, source: str, output: Path | None, timeout: float | None) -> ExitCode:
    """Wait for jobs and write their results, byte for byte.

    JOB is a file of what submit printed, or - for standard input. The result of one job goes to standard output, or to
    the file that --output names. Several jobs need --output DIRECTORY: each result is a file there that has the job's
    inference id as its name. With --json, standard output has a line for each job instead of its result.

    After a timeout (exit code 4) the jobs go on: wait for them again.
    """
    endpoint = caller.endpoint()
    jobs = read_jobs(source, endpoint)
    if len(jobs) > 1 and output is None and not caller.as_json:
        raise InvalidRequest(f"{source}: has {len(jobs)} jobs, whose results need --output DIRECTORY")
    if len(jobs) > 1 and output is not None:
        output.mkdir(parents=True, exist_ok=True)
    collected = _Collection(caller, output, jobs)
    _wait(caller, endpoint, jobs, timeout, collected)
    return ExitCode.FAILED if collected.failed else ExitCode.DONE


class _Collection:
    """Takes the results of jobs as they end."""

    def __init__(self, caller: Caller, output: Path | None, jobs: list[Job]) -> None:
        self._caller = caller
        self._output = output
        self._names = dict(zip(jobs, _file_names(jobs), strict=True))
        self._total = len(jobs)
        self.to_terminal = output is None and not caller.as_json and is_terminal()
        self.succeeded = self.failed = 0

    def counts(self) -> Counts:
        """Return how many have ended, and how."""
        running = self._total - self.succeeded - self.failed
        return Counts(
            total=self._total, submitted=self._total, running=running, succeeded=self.succeeded, failed=self.failed
        )

    def take(self, job: Job, progress: Progress) -> None:
        """Write the result of a job that has ended, or say why there is none."""
        try:
            told = self._write(job)
        except _ENDED_BADLY as error:
            self.failed += 1
            failure = Failure.of(error)
            progress.remark(failure.lines() if self._total == 1 else failure.line())
            told = {"state": "failed"} | failure.document()
        else:
            self.succeeded += 1
        self._caller.tell({"inference_id": job.inference_id} | told)

    def _write(self, job: Job) -> dict[str, Any]:
        path = self._output
        if path is None and self._caller.as_json:
            stored = job.locate(timeout=0)
        elif path is None:
            stored = job.download(sys.stdout.buffer, timeout=0)
            if self.to_terminal:
                click.echo()  # so that what follows does not stand behind the result
        else:
            path = path / self._names[job] if self._total > 1 else path
            stored = job.download(path, timeout=0)
        return {
            "state": "done",
            "output_location": str(stored.location),
            "content_type": stored.content_type,
            "size": stored.size,
            "path": None if path is None else str(path),
        }


def is_terminal() -> bool:
    """Whether standard output is shown to somebody."""
    return sys.stdout.isatty()


def _file_names(jobs: list[Job]) -> list[str]:
    """Return a file's name for each job; inference ids are labels, so that several jobs may have the same."""
    names: dict[str, None] = {}
    for number, job in enumerate(jobs, 1):
        name = quote(job.inference_id, safe=" ")
        if name in {".", ".."}:  # folders; nothing else is called so, since a percent sign would be encoded
            name = name.replace(".", "%2E")
        # A plus sign is in no quoted name, so that this one is another than all of them.
        names[f"{name}+{number}" if name in names else name] = None
    return list(names)


def _wait(
    caller: Caller, endpoint: AsyncEndpoint, jobs: list[Job], timeout: float | None, collected: _Collection
) -> None:
    from async_inference.cli.progress import Progress  # noqa: PLC0415 - loads what --help does without

    observe = caller.observer(endpoint.configuration).observe
    # A drawing that is redrawn in place would erase a result that the same terminal shows.
    live = not caller.as_json and not collected.to_terminal
    with Progress(caller.surroundings, observe, live=live) as progress, endpoint.watch() as watch:
        for job in jobs:
            watch.add(job)
        for job in _ended(caller.surroundings.clock, watch, timeout, lambda: progress.show(collected.counts())):
            collected.take(job, progress)
            watch.acknowledge(job)


def _ended(clock: Clock, watch: Watch, timeout: float | None, show: Callable[[], None]) -> Iterator[Job]:
    """Yield jobs as they end, and show how many have.

    Raises:
        ResultTimeout: ``timeout`` passed first.
    """
    until = clock.monotonic() + patience(timeout)
    show()
    while len(watch):
        yield from watch.tick(until=until)
        show()
        if len(watch) and clock.monotonic() >= until:
            raise ResultTimeout(f"{counted(len(watch), 'job')} without an outcome within {timeout:g} s")
        if len(watch):
            clock.sleep(min(watch.pause(), until - clock.monotonic()))
