"""What to do about each trouble: one sentence each, which all messages share, so that no two places give two answers.

:mod:`async_inference.troubleshooting` says of each what it belongs to.
"""

from __future__ import annotations

from typing import Final

UNEXPECTED: Final = "read the message and the error that it was raised from."
CONFIGURATION: Final = "deploy the stack again and use the async_inference that came with it."
INVALID_REQUEST: Final = "correct the field that the message names; nothing was submitted."
MODEL_FAILED: Final = (
    "read the message and the endpoint's logs; check the input, or allow more memory (instance type) or time "
    "(max_job_seconds)."
)
EXPIRED: Final = (
    "check the metrics ExpiredRequests and InvocationFailures, raise the TTL or the capacity, and submit again."
)
STILL_PROCESSING: Final = "wait for the same job again with a longer timeout; do not submit again."
ACCESS_DENIED: Final = "grant the action that the message names on the resource that it names."
CREDENTIALS_REFUSED: Final = (
    "renew the credentials and check the clock; what was submitted goes on, so wait for it again, do not submit again."
)
RESULT_CORRUPT: Final = "look at the bytes that the error keeps, and at what the model writes for this input."
UNAVAILABLE: Final = "check that the stack is deployed in this region and that the network reaches it, then try again."
SUBMISSION_UNKNOWN: Final = "submit again only if a second inference does no harm: the first may have been accepted."
OUT_OF_TIME: Final = "submit again with more time; nothing was submitted."
ACCEPTED_ELSEWHERE: Final = (
    "do not submit again, the request is being worked on: deploy the stack again, so that endpoint and client agree."
)
CREDENTIALS_MISSING: Final = (
    "log in, name a profile with --profile or AWS_PROFILE, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."
)
CALLER_SET_UP: Final = (
    "correct this machine's AWS settings: region (--region or AWS_DEFAULT_REGION), profile, credentials, proxy."
)
SDK_TOO_OLD: Final = "install a newer boto3, such as with pip install --upgrade boto3."
CLOCK_WRONG: Final = "set this machine's clock, by a time service if there is one: AWS refuses what is signed too late."
CANNOT_TELL: Final = "grant the action that is named, or ask somebody who has it; the client itself does without."
NOT_IN_SERVICE: Final = (
    "wait if the endpoint is being created or updated; otherwise read its failure reason and deploy the stack again."
)
NOT_SCALED: Final = (
    "deploy the stack again, with -c scaling=on if its instance type is being changed: without its scaling policies an"
    " endpoint at zero instances never wakes."
)
WRONG_DIMENSIONS: Final = (
    "give the policy or alarm the one dimension EndpointName with the endpoint's name; with any other it sees no data."
)
ALARM_DISABLED: Final = "enable the alarm's actions: as it is, requests at zero instances wait until they expire."
LIST_DENIED: Final = (
    "grant s3:ListBucket on the bucket itself, without a prefix: else a result that is not there yet looks forbidden."
)
BUCKET_MISSING: Final = "deploy the stack again: inputs and results have no other place."
QUEUE_MISSING: Final = "deploy the stack again: without its queue the consumer gets no notices and has to look in S3."
BATCH_BUSY: Final = (
    "let the other process go on; if it is dead, resume in a minute or take the batch over: nothing of it is lost."
)
