"""What one invocation does: submit or take up a job, wait while there is time, answer."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any, Final

from async_inference import AsyncInferenceError, EndpointUnavailable, PermissionDenied, ResultTimeout
from async_inference.clients import CONNECT_TIMEOUT_SECONDS, S3_READ_TIMEOUT_SECONDS, SUBMIT_READ_TIMEOUT_SECONDS

from . import responses
from .events import Continuation, parse

if TYPE_CHECKING:
    from collections.abc import Callable

    from async_inference import AsyncEndpoint, Job

RESPONSE_SECONDS: Final = 5.0
"""For turning up to 6 MB into the response."""

MARGIN_SECONDS: Final = 2 * (CONNECT_TIMEOUT_SECONDS + S3_READ_TIMEOUT_SECONDS) + RESPONSE_SECONDS
"""Kept back of the invocation's time when it waits: for a last round of two questions to a silent S3."""

SUBMISSION_SECONDS: Final = CONNECT_TIMEOUT_SECONDS + SUBMIT_READ_TIMEOUT_SECONDS + RESPONSE_SECONDS
"""What must be left when an attempt to submit starts: otherwise the job could be accepted and lost."""

logger = logging.getLogger(__name__)
logger.setLevel(logging.INFO)


def answer(event: object, *, endpoint: AsyncEndpoint, seconds_left: Callable[[], float]) -> dict[str, Any]:
    """Answer one event; see :func:`..handler.handler` for events, answers and errors.

    Args:
        event: As Lambda passes it.
        endpoint: Where to submit.
        seconds_left: How long this invocation may still run.
    """
    request = parse(event)
    if isinstance(request, Continuation):
        job = endpoint.job(request.job)
        return _logged(job, lambda: _wait(job, seconds_left))
    job = endpoint.submit(request.payload, timeout=seconds_left() - SUBMISSION_SECONDS, **request.fields)
    _log(job, "SUBMITTED", document=job.to_dict())  # as an event's job, it survives an invocation that is killed
    return _logged(job, lambda: _wait_without_losing(job, seconds_left))


def _wait(job: Job, seconds_left: Callable[[], float]) -> dict[str, Any]:
    try:
        stored = job.locate(timeout=seconds_left() - MARGIN_SECONDS)
        if not responses.may_fit(stored):
            return responses.succeeded(job, stored)
        result = job.result(timeout=seconds_left() - MARGIN_SECONDS)
        return responses.succeeded(job, stored, result.content)
    except ResultTimeout:
        return responses.in_progress(job)


def _wait_without_losing(job: Job, seconds_left: Callable[[], float]) -> dict[str, Any]:
    """Wait for a job that only this invocation knows: whatever prevents polling must not cost the caller the job.

    The caller meets the same error, if it lasts, when he passes the job back.
    """
    if seconds_left() < MARGIN_SECONDS:
        return responses.in_progress(job)
    try:
        return _wait(job, seconds_left)
    except (EndpointUnavailable, PermissionDenied) as error:
        _log(job, type(error).__name__)
        return responses.in_progress(job)


def _logged(job: Job, wait: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    try:
        response = wait()
    except AsyncInferenceError as error:
        _log(job, type(error).__name__)
        raise
    _log(job, response["status"])
    return response


def _log(job: Job, status: str, **details: object) -> None:
    """Log which job and what became of it; never what was sent or answered."""
    logger.info(json.dumps({"inference_id": job.inference_id, "status": status, **details}))
