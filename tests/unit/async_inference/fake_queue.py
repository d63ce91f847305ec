"""AWS in memory for many jobs: names for their outputs, ends to come, and a consumer's queue that is told of them."""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from async_inference import AsyncEndpoint, Clients, PollingPolicy, RetryPolicy
from async_inference.configuration import Consumer
from tests.unit.async_inference.fake_aws import BUCKET, CONFIGURATION, Answer, FakeAws, Request

if TYPE_CHECKING:
    from collections.abc import Callable

    from async_inference import Job

CONSUMER = "billing"
QUEUE_URL = "https://sqs.eu-west-1.amazonaws.com/000000000000/billing"
VISIBILITY_SECONDS = 120.0
TEST_NOTIFICATION = json.dumps({"eventVersion": "1.0", "eventSource": "aws:sagemaker", "eventName": "TestNotification"})


@dataclass
class Message:
    """A message in the queue."""

    body: str
    visible_at: float
    receives: int = 0
    handle: str = field(default_factory=lambda: uuid4().hex)


class FakeQueueAws(FakeAws):
    """AWS where each request gets locations of its own, with one consumer's queue."""

    def __init__(self) -> None:
        super().__init__()
        self.messages: list[Message] = []
        self.deleted: list[str] = []
        self.failure_folder: str | None = "failure/"
        self.long_poll: Callable[[], object] | None = None
        """How to wait for messages; by default fake time passes."""

        self.clients = replace(self.clients, sqs=_sqs())
        assert self.clients.sqs is not None
        self.serve(self.clients.sqs.meta.events)

    def endpoint(self, **options: Any) -> AsyncEndpoint:  # noqa: ANN401 - passed on
        """Return the endpoint, with its consumer declared; it is used as it only with ``consumer=CONSUMER``."""
        configuration = replace(CONFIGURATION, consumers={CONSUMER: Consumer(queue_url=QUEUE_URL)})
        defaults: dict[str, Any] = {"polling": PollingPolicy(), "retry": RetryPolicy(), "clock": self.time.clock}
        return AsyncEndpoint(configuration, clients=self.clients, **defaults | options)

    def succeed(self, job: Job, after: float = 0.0, content: bytes = b'"done"') -> None:
        """Let the output of ``job`` appear."""
        self.put(str(job.output_location), content, after=after)

    def fail_job(self, job: Job, after: float = 0.0, content: bytes = b"no image") -> None:
        """Let the failure of ``job`` appear."""
        self.put(str(job.failure_location), content, after=after)

    def tell(self, body: str, after: float = 0.0) -> Message:
        """Let a message appear in the queue."""
        message = Message(body, self.time.now + after)
        self.messages.append(message)
        return message

    def notify(self, job: Job, after: float = 0.0, *, failure: str | None = None) -> Message:
        """Let the notice of the end of ``job`` appear in the queue."""
        return self.tell(notice(job, failure=failure), after)

    def count(self, *operations: str) -> int:
        """Return how many requests of these operations there were."""
        return sum(request.operation in operations for request in self.requests)

    def _route(self, request: Any) -> tuple[str, str, Callable[[Request], Answer]]:  # noqa: ANN401 - botocore's
        target = request.headers.get("X-Amz-Target", b"")
        name = target.decode() if isinstance(target, bytes) else target
        if name == "AmazonSQS.ReceiveMessage":
            return "ReceiveMessage", QUEUE_URL, self._receive
        if name == "AmazonSQS.DeleteMessageBatch":
            return "DeleteMessageBatch", QUEUE_URL, self._delete
        return super()._route(request)

    def _invoke(self, request: Request) -> Answer:
        prefix = "x-amzn-sagemaker-"
        name = f"{request.headers[prefix + 's3outputpathextension']}/{request.headers[prefix + 'filename']}"
        self.output_location = f"s3://{BUCKET}/output/{name}"
        # It follows neither, as nobody knows whether it does.
        self.failure_location = self.failure_folder and f"s3://{BUCKET}/{self.failure_folder}{uuid4()}-error.out"
        return super()._invoke(request)

    def _receive(self, request: Request) -> Answer:
        asked = json.loads(request.body)
        if self.long_poll is not None:
            self.long_poll()
        until = self.time.now + (0 if self.long_poll else asked["WaitTimeSeconds"])
        first = min((message.visible_at for message in self.messages), default=until)
        self.time.advance(max(0.0, min(first, until) - self.time.now))
        visible = [message for message in self.messages if message.visible_at <= self.time.now]
        received = visible[: asked["MaxNumberOfMessages"]]
        for message in received:
            message.visible_at = self.time.now + VISIBILITY_SECONDS
            message.receives += 1
        entries = [{"MessageId": "m", "ReceiptHandle": one.handle, "Body": one.body} for one in received]
        return 200, {}, json.dumps({"Messages": entries} if entries else {}).encode()

    def _delete(self, request: Request) -> Answer:
        handles = {entry["ReceiptHandle"] for entry in json.loads(request.body)["Entries"]}
        assert len(handles) <= 10
        self.deleted += [message.body for message in self.messages if message.handle in handles]
        self.messages = [message for message in self.messages if message.handle not in handles]
        return 200, {}, json.dumps({"Successful": [], "Failed": []}).encode()


def notice(job: Job, *, failure: str | None = None, **members: object) -> str:
    """Return what SageMaker tells of the end of ``job``."""
    message: dict[str, object] = {
        "receivedTime": datetime.fromtimestamp(job.submitted_at.timestamp(), UTC).isoformat().replace("+00:00", "Z"),
        "invocationStatus": "Completed" if failure is None else "Failed",
        "inferenceId": job.inference_id,
        "eventName": "InferenceResult",
    }
    if failure is None:
        message["responseParameters"] = {"outputLocation": str(job.output_location)}
    else:
        message["failureReason"] = failure
    return json.dumps(message | members)


@functools.cache
def _sqs() -> Any:  # noqa: ANN401 - of all tests of a process
    return Clients.connect("eu-west-1", sqs=True).sqs
