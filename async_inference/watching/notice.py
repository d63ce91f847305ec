"""One notice of the end of a request, as SageMaker words it.

The forms are those that users have posted; AWS documents the successful one alone, and says nowhere that a failure's
notice names its location.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from async_inference.job import SLACK

if TYPE_CHECKING:
    from async_inference.job import Job

TEST: Final = "TestNotification"
"""The ``eventName`` of what SageMaker sends whenever an endpoint is created, changed or scaled."""

_RESULT: Final = "InferenceResult"


@dataclass(frozen=True, kw_only=True, slots=True)
class Notice:
    """What a notice says, as far as anything depends on it."""

    inference_id: str
    output: str | None
    """Where the output is; ``None`` in the notice of a failure."""

    failure: str | None
    """Why the request failed; ``None`` if it succeeded."""

    received_at: datetime | None
    """When SageMaker had received the request."""

    def may_be_about(self, job: Job) -> bool:
        """Whether it is about ``job``, or about another request of the same inference id."""
        return self.inference_id == job.inference_id and self.output in {None, str(job.output_location)}

    def is_of_the_time_of(self, job: Job) -> bool:
        """Whether it cannot be about an earlier request of the same inference id."""
        return self.received_at is not None and self.received_at >= job.submitted_at - SLACK


def read_message(body: str) -> dict[str, Any]:
    """Return what SageMaker published, whether the queue gets it raw or in the envelope of SNS; ``{}`` if neither."""
    message = _object(body)
    if message.get("Type") == "Notification" and isinstance(message.get("Message"), str):
        message = _object(message["Message"])
    return message


def read_notice(message: dict[str, Any]) -> Notice | None:
    """Return the notice that a message is, or ``None`` if it is something else."""
    inference_id, status = message.get("inferenceId"), message.get("invocationStatus")
    if message.get("eventName") != _RESULT or not isinstance(inference_id, str):
        return None
    if status not in {"Completed", "Failed"}:
        return None
    response = message.get("responseParameters")
    output = response.get("outputLocation") if isinstance(response, dict) else None
    return Notice(
        inference_id=inference_id,
        output=output if isinstance(output, str) else None,
        failure=str(message.get("failureReason") or "no explanation") if status == "Failed" else None,
        received_at=_moment(message.get("receivedTime")),
    )


def _object(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _moment(value: object) -> datetime | None:
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return moment if moment is not None and moment.tzinfo is not None else None
