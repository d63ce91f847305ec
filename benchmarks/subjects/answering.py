"""An AWS without a network: answers the requests of boto3 clients and counts them.

It hooks into botocore below retries and signing, so a client's own code runs unmodified. botocore is all it needs,
because it is also loaded by peers, in their own environment.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from io import BytesIO
from typing import TYPE_CHECKING, Any

from botocore.awsrequest import AWSResponse

if TYPE_CHECKING:
    from collections.abc import Iterator

BUCKET = "benchmark-bucket"
OUTPUT = f"s3://{BUCKET}/output/1.out"
FAILURE = f"s3://{BUCKET}/failure/1-error.out"
NOT_FOUND = b"<Error><Code>NoSuchKey</Code><Message>The specified key does not exist.</Message></Error>"


class _Body(BytesIO):
    """What botocore expects of a connection's body."""

    def stream(self, **_: object) -> Iterator[bytes]:
        """Yield all of it."""
        yield self.read()


class AnsweringAws:
    """S3 and the SageMaker runtime for one job.

    Args:
        outcome: ``success``, ``failure`` or ``nothing``: which object appears.
        seconds: When it appears, after the submission.
    """

    def __init__(self, outcome: str, seconds: float) -> None:
        self.requests: Counter[str] = Counter()
        self.submitted_at = 0.0
        self._object = {"success": "/output/1.out", "failure": "/failure/1-error.out"}.get(outcome)
        self._seconds = seconds

    def serve(self, client: Any) -> None:  # noqa: ANN401 - a boto3 client of any service
        """Answer all requests of ``client``."""
        client.meta.events.register("before-send", self._answer)

    @property
    def appeared_at(self) -> float:
        """The moment of the monotonic clock at which the object was there."""
        return self.submitted_at + self._seconds

    def _answer(self, request: Any, **_: object) -> AWSResponse:  # noqa: ANN401 - botocore's prepared request
        status, headers, body = self._respond(request.method, request.url.split("?")[0])
        as_botocore_takes_them: Any = headers
        return AWSResponse(
            request.url, status, as_botocore_takes_them, _Body(b"" if request.method == "HEAD" else body)
        )

    def _respond(self, method: str, url: str) -> tuple[int, dict[str, str], bytes]:
        if url.endswith("/async-invocations"):
            self.requests["submit"] += 1
            self.submitted_at = time.monotonic()
            locations = {"X-Amzn-SageMaker-OutputLocation": OUTPUT, "X-Amzn-SageMaker-FailureLocation": FAILURE}
            return 202, locations, json.dumps({"InferenceId": "1"}).encode()
        if method in ("PUT", "POST"):
            self.requests["upload"] += 1
            return 200, {"ETag": '"1"'}, b""
        self.requests["wait"] += 1
        there = self._object is not None and url.endswith(self._object) and time.monotonic() >= self.appeared_at
        return (200, {"Content-Length": "6"}, b"result") if there else (404, {}, NOT_FOUND)
