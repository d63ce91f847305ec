"""``async-inference submit``."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from async_inference.cli.fields import request_fields
from async_inference.cli.surroundings import Caller, caller_options, consumer_option
from async_inference.exceptions import InvalidRequest
from async_inference.locations import S3Location
from async_inference.submitting import payloads

if TYPE_CHECKING:
    from async_inference.submitting.payloads import Payload


@click.command()
@click.argument("inputs", nargs=-1, required=True, metavar="INPUT...")
@request_fields
@click.option("--inference-id", metavar="ID", help="A label of your own, up to 64 characters; by default a new one.")
@consumer_option
@caller_options
def submit(
    caller: Caller,
    inputs: tuple[str, ...],
    **fields: Any,  # noqa: ANN401 - those of AsyncEndpoint.submit
) -> None:
    """Submit files, and print one job document a line.

    INPUT is a file, - for standard input, or s3://BUCKET/KEY of the endpoint's own inputs. The jobs go on by
    themselves; async-inference wait takes their documents.
    """
    endpoint = caller.endpoint()
    for payload in [_payload(text) for text in inputs]:
        job = endpoint.submit(payload, **fields)
        # Whatever happens next, who submitted has this document: without it the result would be lost.
        click.echo(json.dumps(job.to_dict()))


def _payload(text: str) -> Payload:
    """Return the input, looked at before anything is submitted.

    Raises:
        InvalidRequest: it cannot be read, is empty or too large.
    """
    if text == "-":
        return sys.stdin.buffer
    if text.startswith("s3://"):
        return S3Location.parse(text, field="input")
    try:
        payloads.prepare(Path(text))
    except InvalidRequest as error:
        raise InvalidRequest(str(error) if text in str(error) else f"{text}: {error}") from error
    return Path(text)
