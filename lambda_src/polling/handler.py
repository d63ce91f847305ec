"""The entry point of the polling function.

**Events** have exactly one of

* ``payload``: any JSON value but ``null``; a string is sent as UTF-8 text, anything else as JSON,
* ``input_location``: ``s3://bucket/key`` below the endpoint's input prefix: for binary or large inputs,
* ``job``: what an earlier answer held, to go on waiting for it; nothing is submitted;

with ``payload`` and ``input_location`` also ``content_type``, ``accept``, ``custom_attributes``, ``inference_id``,
``invocation_timeout_seconds`` and ``request_ttl_seconds``, as :meth:`async_inference.AsyncEndpoint.submit` takes them.
Notice of the outcome reaches the queue of a consumer only if the ``inference_id`` starts with ``<consumer>-``.

**Answers** are

* ``{"status": "SUCCEEDED", "job": {...}, "result": {"location": "s3://...", "bytes": 9, "content_type": "..."}}``;
  ``result`` also has ``json`` (the decoded output) if the output is JSON, or ``text`` if it is other text. It has
  neither if the output is binary or does not fit into Lambda's 6 MB: then ``location`` is where to read it;
* ``{"status": "IN_PROGRESS", "job": {...}}`` when this invocation's time is nearly over: invoke again with that
  ``job``. An asynchronous invocation (type ``Event``) answers nobody: invoke the function synchronously, or give it an
  on-success destination, which receives the answer.

**Errors** are raised, so that ``errorType`` and ``errorMessage`` name the cause in one line: ``InvalidRequest`` for a
malformed event (nothing was submitted), ``ModelError`` for a failure of the model, and the others of
:mod:`async_inference.exceptions`. Lambda writes the message of a raised error to the function's log; that of a
``ModelError`` holds up to 300 characters of what the model said. Nothing else of a payload or result is logged. The
``SUBMITTED`` line of the log has the job as its ``document``: if an invocation is killed before it has answered, invoke
again with that as ``job``.

Callers set their read timeout above the function's and switch their retries off: a repeated event with a ``payload`` or
an ``input_location`` is another inference.
"""

from __future__ import annotations

import functools
import os
from typing import Any, Protocol

from async_inference import AsyncEndpoint

from .environment import Environment
from .polling import answer


class Context(Protocol):
    """What is used of Lambda's context object."""

    def get_remaining_time_in_millis(self) -> int:
        """Return the milliseconds until Lambda stops this invocation."""
        ...  # pragma: no cover - a protocol


def handler(event: object, context: Context) -> dict[str, Any]:
    """Answer one event; see the module."""
    return answer(event, endpoint=_endpoint(), seconds_left=lambda: context.get_remaining_time_in_millis() / 1_000)


@functools.cache
def _endpoint() -> AsyncEndpoint:
    """Return the endpoint, made once, and within an invocation so that its errors reach the caller."""
    return AsyncEndpoint(Environment.from_env(os.environ).endpoint)
