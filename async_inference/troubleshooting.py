"""The one table of troubles: what is seen, where it comes from, what to do about it.

Exceptions and the doctor take their remedies from :mod:`async_inference.remedies`; this table says of each what it
belongs to, and ``docs/troubleshooting.md`` is this table, written by ``python -m async_inference.troubleshooting``.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Final

from async_inference import remedies


@dataclass(frozen=True, slots=True)
class Trouble:
    """One row."""

    sign: str
    """What is seen: an exception's name first, if there is one."""

    cause: str
    remedy: str
    """One of :mod:`async_inference.remedies`."""


AT_RUN_TIME: Final = (
    Trouble(
        "`ModelError`", "The model refused the input, crashed, or ran out of memory or time.", remedies.MODEL_FAILED
    ),
    Trouble(
        "`ResultTimeout`",
        "The caller's patience ended before the model did: it queues, waits for an instance, or works.",
        remedies.STILL_PROCESSING,
    ),
    Trouble(
        "`NoSuchKey`, or 404, while polling with other tools",
        "The job still goes on: there is an object only when it has ended. The client knows and goes on waiting.",
        remedies.STILL_PROCESSING,
    ),
    Trouble(
        "`RequestExpired`",
        "The request waited in the queue longer than its TTL, or its outcome was lost.",
        remedies.EXPIRED,
    ),
    Trouble(
        "`PermissionDenied`, or `AccessDenied`",
        "The caller's role lacks the action that the message names.",
        remedies.ACCESS_DENIED,
    ),
    Trouble(
        "`PermissionDenied` while polling, for `s3:GetObject or s3:ListBucket`",
        "Without `s3:ListBucket`, S3 answers 403 where there is no object yet, instead of 404.",
        remedies.LIST_DENIED,
    ),
    Trouble(
        "`PermissionDenied` that says that credentials were refused",
        "They have expired, are of another account, or this machine's clock is wrong.",
        remedies.CREDENTIALS_REFUSED,
    ),
    Trouble("`InvalidRequest`", "A value is out of its bounds, or a file cannot be read.", remedies.INVALID_REQUEST),
    Trouble(
        "`ResultCorrupt`",
        "The model answered with nothing, or with something that cannot be decoded as asked.",
        remedies.RESULT_CORRUPT,
    ),
    Trouble(
        "`ConfigurationError`",
        "There is no such parameter in this region, or another version of this library wrote it.",
        remedies.CONFIGURATION,
    ),
    Trouble(
        "`EndpointUnavailable`",
        "The endpoint is not deployed in this region, AWS keeps failing, or the network does not reach it.",
        remedies.UNAVAILABLE,
    ),
    Trouble(
        "`EndpointUnavailable` with `submission_unknown`",
        "The request was sent and its answer was lost.",
        remedies.SUBMISSION_UNKNOWN,
    ),
    Trouble(
        "`EndpointUnavailable` that says that time was over", "The upload took all of `timeout`.", remedies.OUT_OF_TIME
    ),
    Trouble(
        "`EndpointUnavailable` that says where the endpoint answers to",
        "The endpoint was deployed with other S3 paths than its parameter says.",
        remedies.ACCEPTED_ELSEWHERE,
    ),
    Trouble("`BatchBusy`", "Another process works on the batch, or died less than a minute ago.", remedies.BATCH_BUSY),
    Trouble(
        "`NoCredentialsError`, or none found by the doctor", "boto3 finds no credentials.", remedies.CREDENTIALS_MISSING
    ),
    Trouble(
        "any other error of boto3's own, such as `NoRegionError`",
        "The caller's AWS settings are incomplete.",
        remedies.CALLER_SET_UP,
    ),
    Trouble("any other error", "Something that nobody foresaw.", remedies.UNEXPECTED),
)
"""What calls end with."""

SEEN_BY_THE_DOCTOR: Final = (
    Trouble("boto3 is too old", "It does not know fields of the request that the client sends.", remedies.SDK_TOO_OLD),
    Trouble("the clock is wrong", "It differs from AWS's by minutes.", remedies.CLOCK_WRONG),
    Trouble("cannot tell", "The caller may use the endpoint, but not look at this part of it.", remedies.CANNOT_TELL),
    Trouble("the endpoint is not in service", "It is being changed, or it failed.", remedies.NOT_IN_SERVICE),
    Trouble(
        "no scalable target, no policy, or no alarm that wakes the endpoint",
        "Somebody deleted it, or the endpoint was made by other means.",
        remedies.NOT_SCALED,
    ),
    Trouble(
        "wrong dimensions",
        "SageMaker publishes an endpoint's queue metrics under `EndpointName` alone.",
        remedies.WRONG_DIMENSIONS,
    ),
    Trouble("the wake alarm's actions are disabled", "Somebody switched them off.", remedies.ALARM_DISABLED),
    Trouble("there is no such bucket", "Somebody deleted it.", remedies.BUCKET_MISSING),
    Trouble("there is no such queue", "Somebody deleted it.", remedies.QUEUE_MISSING),
)
"""What ``async-inference doctor`` finds before a call does."""

_INTRODUCTION: Final = """\
# Troubleshooting

<!-- Written by `python -m async_inference.troubleshooting`: edit the table there. -->

Every exception of the client carries its remedy, and tracebacks show it. `async-inference doctor` looks for the rest.
"""


def page() -> str:
    """Return the table as the page ``docs/troubleshooting.md``."""
    return "\n".join(
        [
            _INTRODUCTION,
            "## What calls end with",
            "",
            *_rows("error", AT_RUN_TIME),
            "",
            "## What the doctor finds",
            "",
            *_rows("finding", SEEN_BY_THE_DOCTOR),
            "",
        ]
    )


def _rows(heading: str, troubles: tuple[Trouble, ...]) -> list[str]:
    rows = [f"| {trouble.sign} | {trouble.cause} | {_sentence(trouble.remedy)} |" for trouble in troubles]
    return [f"| {heading} | cause | remedy |", "|---|---|---|", *rows]


def _sentence(remedy: str) -> str:
    return remedy[0].upper() + remedy[1:]


if __name__ == "__main__":
    sys.stdout.write(page())
