"""Reading the job documents that ``submit`` printed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from async_inference.exceptions import InvalidRequest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from async_inference.endpoint import AsyncEndpoint
    from async_inference.job import Job


def read_jobs(source: str, endpoint: AsyncEndpoint) -> list[Job]:
    """Take up the jobs of a file, or of standard input for ``-``.

    Raises:
        InvalidRequest: it cannot be read, has no job, or has something else; the message names the line.
    """
    jobs = []
    for number, line in _lines(source):
        try:
            jobs.append(endpoint.job(json.loads(line)))
        except (ValueError, RecursionError) as error:
            raise InvalidRequest(f"{source}, line {number}: is no JSON, expected what submit printed") from error
        except InvalidRequest as error:
            raise InvalidRequest(f"{source}, line {number}: {error}") from error
    if not jobs:
        raise InvalidRequest(f"{source}: is empty, expected what submit printed, one job a line")
    return list(dict.fromkeys(jobs))


def _lines(source: str) -> Iterator[tuple[int, str]]:
    try:
        with click.open_file(source, encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    yield number, line
    except OSError as error:
        raise InvalidRequest(f"{source}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise InvalidRequest(f"{source}: is no text, expected what submit printed") from error
