"""Two ways to have a document read: through the Python client, and through the deployed polling Lambda."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol

import boto3
from botocore.config import Config

from async_inference import AsyncEndpoint, ModelError, PollingPolicy
from local_cloud.demo.documents import CONTENT_TYPE

if TYPE_CHECKING:
    from local_cloud.demo.documents import Document

PATIENCE_SECONDS: Final = 180.0
"""How long a document may take, the endpoint's cold start included."""


class FunctionFailedError(RuntimeError):
    """The polling function failed with anything but the model's own error."""


class Sender(Protocol):
    """Has the model read a document."""

    @property
    def name(self) -> str:
        """What the demo calls it."""

    def read(self, document: Document) -> str:
        """Submit the document, wait, and return the text that the model read.

        Raises:
            ModelError: the model could not read it.
        """


@dataclass(frozen=True, slots=True)
class ClientSender:
    """The Python client, in this process."""

    endpoint: AsyncEndpoint
    name: str = "Python client"

    @classmethod
    def of_parameter(cls, name: str) -> ClientSender:
        """Make one from the parameter that describes the endpoint; asks more often than a patient caller would."""
        return cls(AsyncEndpoint.from_parameter(name, polling=PollingPolicy(initial_seconds=1, maximum_seconds=2)))

    def read(self, document: Document) -> str:
        """Submit the document and wait for the result."""
        job = self.endpoint.submit(document.content, content_type=CONTENT_TYPE)
        text: str = job.result(timeout=PATIENCE_SECONDS).json()["text"]
        return text


class LambdaSender:
    """The deployed function, invoked by name.

    The read timeout is above the longest that a function can run, and nothing is retried: a caller who gives up early
    and invokes again submits the document twice.
    """

    name = "polling Lambda"

    def __init__(self, function_name: str, *, bucket: str, input_prefix: str) -> None:
        self._function_name = function_name
        self._bucket = bucket
        self._input_prefix = input_prefix
        self._s3 = boto3.client("s3")
        patient = Config(read_timeout=910, retries={"total_max_attempts": 1})
        self._lambda = boto3.client("lambda", config=patient)

    def read(self, document: Document) -> str:
        """Put the document into the bucket, invoke the function, and take up the job again as long as it goes on.

        Raises:
            ModelError: the model could not read it.
            FunctionFailedError: the function failed with another error.
        """
        key = f"{self._input_prefix}{document.name}"
        self._s3.put_object(Bucket=self._bucket, Key=key, Body=document.content)
        answer = self._invoke({"input_location": f"s3://{self._bucket}/{key}", "content_type": CONTENT_TYPE})
        while answer["status"] == "IN_PROGRESS":
            answer = self._invoke({"job": answer["job"]})
        text: str = answer["result"]["json"]["text"]
        return text

    def _invoke(self, event: dict[str, Any]) -> dict[str, Any]:
        response = self._lambda.invoke(FunctionName=self._function_name, Payload=json.dumps(event))
        answer: dict[str, Any] = json.load(response["Payload"])
        if "FunctionError" not in response:
            return answer
        if answer["errorType"] == ModelError.__name__:
            raise ModelError(answer["errorMessage"])
        raise FunctionFailedError(f"{answer['errorType']}: {answer['errorMessage']}")
