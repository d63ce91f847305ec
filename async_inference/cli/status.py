"""``async-inference status``."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from async_inference.cli.jobs import read_jobs
from async_inference.cli.surroundings import Caller, caller_options
from async_inference.cli.text import columns, observed, summary_line

if TYPE_CHECKING:
    from async_inference.endpoint import AsyncEndpoint
    from async_inference.job import Job
    from async_inference.observation import Observation


@click.command()
@click.argument("subject", required=False, metavar="[JOB|BATCH_ID]")
@caller_options
def status(caller: Caller, subject: str | None) -> None:
    """Say what is known of jobs, of a batch or of the endpoint.

    JOB is a file of what submit printed, or - for standard input; BATCH_ID is what batch printed. Without
    either it is the endpoint. SageMaker has no status API: what is concluded from the endpoint's state is marked as
    inferred.
    """
    endpoint = caller.endpoint()
    if subject is None:
        _tell_endpoint(caller, endpoint)
    elif subject == "-" or (Path(subject).exists() and not Path(subject).is_dir()):
        _tell_jobs(caller, endpoint, read_jobs(subject, endpoint))
    else:
        _tell_batch(caller, endpoint, subject)


def _tell_endpoint(caller: Caller, endpoint: AsyncEndpoint) -> None:
    seen = _observe(caller, endpoint)
    name = endpoint.configuration.endpoint_name
    caller.tell({"endpoint": {"name": name} | seen.to_dict()}, *columns([("endpoint", name), *observed(seen)]))


def _tell_batch(caller: Caller, endpoint: AsyncEndpoint, batch_id: str) -> None:
    summary = endpoint.batch_summary(batch_id)
    caller.tell({"batch": asdict(summary)}, summary_line(summary))


def _tell_jobs(caller: Caller, endpoint: AsyncEndpoint, jobs: list[Job]) -> None:
    from async_inference.status import ended, under_way  # noqa: PLC0415 - loads what --help does without

    seen: Observation | None = None
    rows, documents = [], []
    for job in jobs:
        known = ended(job)
        if known is None:
            seen = seen or _observe(caller, endpoint)
            age = caller.surroundings.clock.now() - job.submitted_at.timestamp()
            known = under_way(age, job.request_ttl_seconds, seen)
        # What is not known is not inferred either.
        mark = " (inferred)" if known.inferred and known.state != "unknown" else ""
        rows.append((job.inference_id, f"{known.state}{mark}", known.reason))
        documents.append({"inference_id": job.inference_id} | known.to_dict())
    document = {"jobs": documents, "endpoint": None if seen is None else seen.to_dict()}
    notes = () if seen is None else (f"note: {reason}" for reason in seen.unknown)
    caller.tell(document, *columns(rows), *notes)


def _observe(caller: Caller, endpoint: AsyncEndpoint) -> Observation:
    return caller.observer(endpoint.configuration).observe()
