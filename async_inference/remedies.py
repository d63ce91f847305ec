"""What to do about each error: the one table that all messages share, so that no two places give two answers."""

from __future__ import annotations

from typing import Final

UNEXPECTED: Final = "read the message and the error that it was raised from."
CONFIGURATION: Final = "deploy the stack again and use the async_inference that came with it."
INVALID_REQUEST: Final = "correct the field that the message names; nothing was submitted."
MODEL_FAILED: Final = (
    "read the message and the endpoint's logs; check the input, or use a larger instance if memory ran out."
)
EXPIRED: Final = (
    "check the metrics ExpiredRequests and InvocationFailures, raise the TTL or the capacity, and submit again."
)
STILL_PROCESSING: Final = "call result() on the same job again with a longer timeout; do not submit again."
ACCESS_DENIED: Final = "grant the action that the message names on the resource that it names."
CREDENTIALS_REFUSED: Final = (
    "renew the credentials, check the clock, and take the job up again with endpoint.job(document)."
)
RESULT_CORRUPT: Final = "look at the bytes that the error keeps, and at what the model writes for this input."
UNAVAILABLE: Final = "check that the stack is deployed in this region and that the network reaches it, then try again."
SUBMISSION_UNKNOWN: Final = "submit again only if a second inference does no harm: the first may have been accepted."
OUT_OF_TIME: Final = "submit again with more time; nothing was submitted."
ACCEPTED_ELSEWHERE: Final = (
    "do not submit again, the request is being worked on: deploy the stack again, so that endpoint and client agree."
)
