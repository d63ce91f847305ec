"""What goes wrong with an asynchronous endpoint, why, and what to do about it: the one table that all messages share.

The exceptions carry the remedies; whatever else advises callers reads the same entries, so that two places of this
project never give two answers to one question.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, kw_only=True, slots=True)
class Advice:
    """One thing that goes wrong, as one row of the table."""

    symptom: str
    """What the caller sees."""

    cause: str
    """What is behind it."""

    remedy: str
    """What to do, as one sentence."""


UNEXPECTED: Final = Advice(
    symptom="an error without advice of its own",
    cause="the message says it",
    remedy="read the message and the error that it was raised from.",
)
CONFIGURATION: Final = Advice(
    symptom="ConfigurationError",
    cause="the endpoint's parameter or environment variable is missing, unreadable or of another version",
    remedy="deploy the stack again and use the async_inference that came with it.",
)
INVALID_REQUEST: Final = Advice(
    symptom="InvalidRequest",
    cause="a field of the request is outside what SageMaker or this endpoint allows",
    remedy="correct the field that the message names; nothing was submitted.",
)
MODEL_FAILED: Final = Advice(
    symptom="ModelError",
    cause="the model answered with an error or crashed",
    remedy="read the message and the endpoint's logs; check the input, or use a larger instance if memory ran out.",
)
EXPIRED: Final = Advice(
    symptom="RequestExpired",
    cause="the request waited in the queue for longer than its TTL, or its outcome was lost",
    remedy="check the metrics ExpiredRequests and InvocationFailures, raise the TTL or the capacity, and submit again.",
)
STILL_PROCESSING: Final = Advice(
    symptom="ResultTimeout, or NoSuchKey on a poll",
    cause="the request is still queued, waiting for an instance, or being worked on",
    remedy="call result() on the same job again with a longer timeout; do not submit again.",
)
ACCESS_DENIED: Final = Advice(
    symptom="PermissionDenied, or AccessDenied on a poll",
    cause="the caller lacks a permission; without s3:ListBucket, a result that is not there yet looks the same",
    remedy="grant the action that the message names on the resource that it names.",
)
CREDENTIALS_REFUSED: Final = Advice(
    symptom="PermissionDenied that names the credentials",
    cause="the caller's credentials have expired, are wrong, or the machine's clock is",
    remedy="renew the credentials, check the clock, and take the job up again with endpoint.job(document).",
)
RESULT_CORRUPT: Final = Advice(
    symptom="ResultCorrupt",
    cause="the model's answer is empty or not what its content type says",
    remedy="look at the bytes that the error keeps, and at what the model writes for this input.",
)
UNAVAILABLE: Final = Advice(
    symptom="EndpointUnavailable",
    cause="AWS could not be reached, kept answering with an error, or does not know the endpoint",
    remedy="check that the stack is deployed in this region and that the network reaches it, then try again.",
)
SUBMISSION_UNKNOWN: Final = Advice(
    symptom="EndpointUnavailable with submission_unknown",
    cause="the connection or the service failed after the request was sent",
    remedy="submit again only if a second inference does no harm: the first may have been accepted.",
)
