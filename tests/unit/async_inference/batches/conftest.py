"""An endpoint that answers, for batches."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from async_inference.configuration import Limits
from tests.unit.async_inference.fake_aws import BUCKET, CONFIGURATION, FakeAws

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.unit.async_inference.fake_aws import Answer, Request


class AnsweringAws(FakeAws):
    """AWS in memory whose model answers by what it is sent, after ten seconds.

    ``json``, ``text`` and ``binary`` ask for such an answer, ``nothing`` for an empty one; ``fail`` for a failure;
    ``never`` for none of both; everything else for itself.
    """

    # What never ends is given up after minutes: the clock costs nothing, but each look does. TTL and job stand to each
    # other as in the configuration of the other tests, because that ratio is how many items are submitted at first.
    configuration = replace(CONFIGURATION, limits=Limits(max_job_seconds=120, request_ttl_seconds=480))

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.RLock()

    def inputs(self) -> list[bytes]:
        """Return what was submitted so far, in any order."""
        return sorted(request.body for request in self.sent("InvokeEndpointAsync"))

    def _answer(self, request: Any, **others: object) -> Any:  # noqa: ANN401 - as the class above has it
        with self._lock:  # many threads submit at a time
            return super()._answer(request, **others)

    def _invoke(self, request: Request) -> Answer:
        prefix = "x-amzn-sagemaker-"
        name = f"{request.headers[prefix + 's3outputpathextension']}/{request.headers[prefix + 'filename']}"
        self.output_location = f"s3://{BUCKET}/output/{name}"
        self.failure_location = f"s3://{BUCKET}/failure/{uuid4()}-error.out"
        match request.body:
            case b"fail":
                self.put(self.failure_location, b"no image", after=10.0)
            case b"never":
                pass
            case b"":  # it is in S3
                self.put(self.output_location, b"large", "text/plain", after=10.0)
            case body:
                content, content_type = {
                    b"json": (b'{"page": 1.50}', "application/json"),
                    b"text": ("Grüße".encode(), "text/plain; charset=utf-8"),
                    b"binary": (b"\xff\x00", "image/png"),
                    b"nothing": (b"", "text/plain"),
                }.get(body, (body, "text/plain"))
                self.put(self.output_location, content, content_type, after=10.0)
        return super()._invoke(request)


@pytest.fixture
def answering() -> Iterator[AnsweringAws]:
    """AWS in memory whose model answers."""
    aws = AnsweringAws()
    yield aws
    aws.close()
