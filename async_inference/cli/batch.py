"""``async-inference batch`` and ``async-inference resume``: many inputs, recorded so that nothing is lost."""

from __future__ import annotations

import shlex
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from async_inference.cli.failures import ExitCode
from async_inference.cli.fields import request_fields
from async_inference.cli.pace import Counts
from async_inference.cli.surroundings import Caller, caller_options, consumer_option
from async_inference.cli.text import summary_line
from async_inference.exceptions import InvalidRequest

if TYPE_CHECKING:
    from async_inference.batches import Batch, BatchProgress
    from async_inference.endpoint import AsyncEndpoint

_output = click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="Where results go as they come: a directory, or a file ending in .jsonl.  [default: a directory called as the "
    "batch]",
)


@click.command()
@click.argument("sources", nargs=-1, required=True, metavar="DIR|GLOB|MANIFEST")
@_output
@request_fields
@click.option("--batch-id", metavar="ID", help="A name of your own; by default a new one.")
@click.option("--max-unfinished", type=int, metavar="N", help="Submit at most N before the first ends.  [default: 100]")
@click.option("--max-attempts", type=int, metavar="N", help="Submit what expires up to N times.  [default: 1]")
@click.option(
    "--on-unknown",
    type=click.Choice(["resubmit", "wait"]),
    help="What to do where it cannot be known whether a request arrived.  [default: resubmit]",
)
@consumer_option
@caller_options
def batch(
    caller: Caller,
    sources: tuple[str, ...],
    output: Path | None,
    batch_id: str | None,
    **options: Any,  # noqa: ANN401 - those of AsyncEndpoint.batch
) -> ExitCode:
    """Submit many inputs and collect their results.

    DIR is taken with all folders below it, without hidden files. GLOB is a pattern in quotes, such as "pages/**/*.png".
    MANIFEST is a .jsonl file: the line {"schema": 1}, then one object a line with "input" (a file or s3:// URI) or
    "payload", and if wanted "name" and "content_type". Any number of files will do, too.

    The inputs are recorded in S3 first, then the batch has an id, and nothing of it is lost: after Ctrl-C, a crash or
    the end of this machine, async-inference resume ID goes on with it, here or elsewhere.
    """
    from async_inference.cli.inputs import find_inputs  # noqa: PLC0415 - loads what --help does without
    from async_inference.cli.recording import Recording  # noqa: PLC0415 - likewise

    if output is not None:
        _require_unused(output)
    endpoint = caller.endpoint()
    chosen = {name: value for name, value in options.items() if value is not None}
    inputs = find_inputs(sources)
    with Recording(caller.surroundings, live=not caller.as_json) as recording:
        recorded = endpoint.batch(recording.count(inputs), batch_id=batch_id, **chosen)
    again = _again(caller, recorded, output)
    caller.tell({"batch_id": recorded.id, "resume": again}, f"batch {recorded.id}", f"resume with: {again}")
    return _run(caller, endpoint, recorded, output)


@click.command()
@click.argument("batch_id", metavar="BATCH_ID")
@_output
@click.option("--take-over", is_flag=True, help="Go on although another process seems to work on it.")
@consumer_option
@caller_options
def resume(caller: Caller, batch_id: str, output: Path | None, *, take_over: bool) -> ExitCode:
    """Go on with a batch, here or on another machine.

    Results that are missing in the output are fetched again. Exits with 5 if another process works on the batch.
    """
    endpoint = caller.endpoint()
    return _run(caller, endpoint, endpoint.resume(batch_id, take_over=take_over), output)


def _require_unused(output: Path) -> None:
    """Refuse what a new batch cannot put its results into before its inputs are uploaded, which may take hours."""
    from async_inference.batches.batch import JSON_LINES_ENDING  # noqa: PLC0415 - likewise

    if output.is_dir():
        is_used = any(output.iterdir())
    else:
        is_used = output.exists() and (output.suffix != JSON_LINES_ENDING or output.stat().st_size > 0)
    if is_used:
        raise InvalidRequest(f"--output: {output} is in use: name a new one, or resume its batch")


def _run(caller: Caller, endpoint: AsyncEndpoint, recorded: Batch, output: Path | None) -> ExitCode:
    """Work on a batch until it is finished or interrupted, and say what came of it."""
    from async_inference.cli.interrupts import Interrupts  # noqa: PLC0415 - likewise
    from async_inference.cli.progress import Progress  # noqa: PLC0415 - likewise

    results = output or Path(recorded.id)
    observe = caller.observer(endpoint.configuration).observe
    with (
        Progress(caller.surroundings, observe, live=not caller.as_json) as progress,
        Interrupts(progress.remark) as interrupts,
    ):
        summary = recorded.run(
            results=results, progress=lambda moment: progress.show(_counts(moment)), stop=interrupts.stop
        )
    lines = [f"{summary_line(summary)}; results in {results}"]
    # Whoever interrupts may have all items settled, and yet not all results in his directory.
    is_interrupted = summary.unfinished > 0 or interrupts.stop.is_set()
    if is_interrupted:
        lines.append(f"resume with: {_again(caller, recorded, output)}")
    caller.tell({"summary": asdict(summary), "results": str(results)}, *lines)
    if is_interrupted:
        return ExitCode.INTERRUPTED
    return ExitCode.FAILED if summary.failed else ExitCode.DONE


def _again(caller: Caller, recorded: Batch, output: Path | None) -> str:
    """Return the command that goes on with the batch."""
    where = ["--output", str(output)] if output else []
    return shlex.join(["async-inference", "resume", recorded.id, *caller.options(), *where])


def _counts(moment: BatchProgress) -> Counts:
    return Counts(
        total=moment.items,
        submitted=moment.submitted,
        running=moment.running,
        succeeded=moment.succeeded,
        failed=moment.failed,
    )
