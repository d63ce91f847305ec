"""AWS in memory, behind real boto3 clients: it answers the HTTP requests that botocore is about to send.

So requests are really serialised, responses really parsed, and botocore's own retries would really happen.
"""

from __future__ import annotations

import functools
import hashlib
import json
import re
from dataclasses import dataclass, field
from email.utils import formatdate
from io import BytesIO
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from botocore.awsrequest import AWSResponse

from async_inference import AsyncEndpoint, Clients, Clock, EndpointConfiguration, PollingPolicy, RetryPolicy
from async_inference.configuration import Limits, Prefixes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from botocore.hooks import BaseEventHooks

BUCKET = "payloads-bucket"
ENDPOINT = "ocr-endpoint"
NAME = "557808d6-f91b-4b83-959f-041cf827c2e0"
OUTPUT = f"s3://{BUCKET}/output/{NAME}.out"
FAILURE = f"s3://{BUCKET}/failure/{NAME}-error.out"

CONFIGURATION = EndpointConfiguration(
    endpoint_name=ENDPOINT,
    region="eu-west-1",
    bucket=BUCKET,
    limits=Limits(max_job_seconds=1_800, request_ttl_seconds=7_200),
    prefixes=Prefixes(),
    consumers={},
)


@dataclass
class FakeTime:
    """A clock that moves when somebody sleeps, and only then."""

    now: float = 1_800_000_000.0
    """Wall time, which alone can be stepped."""

    monotonic: float = 1_000.0
    slept: list[float] = field(default_factory=list)
    luck: float = 1.0
    step: float = 0.0
    """What somebody adds to wall time during each sleep."""

    def sleep(self, seconds: float) -> None:
        """Let time pass at once."""
        self.slept.append(seconds)
        self.advance(seconds)
        self.now += self.step

    def advance(self, seconds: float) -> None:
        """Let time pass on which nobody sleeps."""
        self.now += seconds
        self.monotonic += seconds

    @property
    def clock(self) -> Clock:
        """The clock to inject."""
        return Clock(now=lambda: self.now, monotonic=lambda: self.monotonic, sleep=self.sleep, random=lambda: self.luck)


@dataclass(frozen=True)
class Request:
    """A request that AWS was sent."""

    operation: str
    location: str
    headers: dict[str, str]
    body: bytes
    query: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Stored:
    """An object, there from a moment on."""

    content: bytes
    content_type: str
    since: float

    @property
    def etag(self) -> str:
        """What S3 calls this content."""
        return f'"{hashlib.md5(self.content, usedforsecurity=False).hexdigest()}"'


@dataclass
class Upload:
    """An upload in parts that is under way."""

    content_type: str
    parts: dict[int, bytes] = field(default_factory=dict)


class RawBody(BytesIO):
    """What botocore expects of a connection's body."""

    def stream(self, **_: object) -> Iterator[bytes]:
        """Yield all of it."""
        yield self.read()


Answer = tuple[int, dict[str, str], bytes]


class FakeAws:
    """S3, SSM and the SageMaker runtime for one endpoint."""

    configuration = CONFIGURATION

    def __init__(self) -> None:
        self.time = FakeTime()
        self.objects: dict[str, Stored] = {}
        self.uploads: dict[str, Upload] = {}
        self.parts: list[bytes] = []
        self.requests: list[Request] = []
        self.faults: dict[str, list[Exception | Answer]] = {}
        self.latency: dict[str, float] = {}
        """Seconds that each request of an operation takes; those of the others take none."""

        self.output_location: str | None = OUTPUT
        self.failure_location: str | None = FAILURE
        self._served: list[BaseEventHooks] = []
        self.clients = _clients()
        for client in (self.clients.sagemaker_runtime, self.clients.s3, self.clients.s3_uploads):
            self.serve(client.meta.events)

    def serve(self, events: BaseEventHooks) -> None:
        """Answer the requests of a client, or of all that a session makes, until :meth:`close`."""
        events.register("before-send", self._answer)
        self._served.append(events)

    def close(self) -> None:
        """Leave the clients to the next test."""
        for events in self._served:
            events.unregister("before-send", self._answer)

    def endpoint(self, **options: Any) -> AsyncEndpoint:  # noqa: ANN401 - passed on
        """Return the endpoint on these clients and this time."""
        defaults: dict[str, Any] = {"polling": PollingPolicy(), "retry": RetryPolicy(), "clock": self.time.clock}
        return AsyncEndpoint(self.configuration, clients=self.clients, **defaults | options)

    def put(self, uri: str, content: bytes, content_type: str = "application/json", after: float = 0.0) -> None:
        """Let an object appear ``after`` so many seconds."""
        self.objects[uri] = Stored(content, content_type, self.time.now + after)

    def fail(self, operation: str, *faults: Exception | Answer) -> None:
        """Let the next requests of ``operation`` end in these ways, in turn."""
        self.faults.setdefault(operation, []).extend(faults)

    def operations(self) -> list[str]:
        """Return the names of all requests so far."""
        return [request.operation for request in self.requests]

    def sent(self, operation: str) -> list[Request]:
        """Return the requests of one operation."""
        return [request for request in self.requests if request.operation == operation]

    def _answer(self, request: Any, **_: object) -> Any:  # noqa: ANN401 - its types know no hook that answers
        operation, location, respond = self._route(request)
        headers = {
            name.lower(): value.decode() if isinstance(value, bytes) else str(value)
            for name, value in request.headers.items()
        }
        query = dict(parse_qsl(urlsplit(request.url).query, keep_blank_values=True))
        self.requests.append(Request(operation, location, headers, _body(request), query))
        self.time.advance(self.latency.get(operation, 0.0))
        faults = self.faults.get(operation)
        answer = faults.pop(0) if faults else respond(self.requests[-1])
        if isinstance(answer, Exception):
            raise answer
        status, response_headers, body = answer
        as_botocore_takes_them: Any = response_headers
        return AWSResponse(request.url, status, as_botocore_takes_them, RawBody(body))

    def _route(self, request: Any) -> tuple[str, str, Callable[[Request], Answer]]:  # noqa: ANN401 - likewise
        url = urlsplit(request.url)
        query = dict(parse_qsl(url.query, keep_blank_values=True))
        location = f"s3://{(url.hostname or '').split('.')[0]}{unquote(url.path)}"
        if (url.hostname or "").startswith("ssm."):
            return "GetParameter", url.hostname or "", lambda _: (404, {}, b"")
        if url.path.startswith("/endpoints/"):
            return "InvokeEndpointAsync", url.path, self._invoke
        for method, parameter, operation, respond in (
            ("GET", "list-type", "ListObjectsV2", self._list),
            ("GET", "", "GetObject", self._get),
            ("POST", "uploads", "CreateMultipartUpload", self._create_upload),
            ("PUT", "partNumber", "UploadPart", self._upload_part),
            ("POST", "uploadId", "CompleteMultipartUpload", self._complete_upload),
            ("DELETE", "uploadId", "AbortMultipartUpload", self._abort_upload),
        ):
            if request.method == method and (not parameter or parameter in query):
                return operation, location, respond
        return "PutObject", location, self._put

    def _invoke(self, request: Request) -> Answer:
        locations = {"Output": self.output_location, "Failure": self.failure_location}
        headers = {f"X-Amzn-SageMaker-{which}Location": uri for which, uri in locations.items() if uri is not None}
        body = {"InferenceId": request.headers["x-amzn-sagemaker-inference-id"]}
        return 202, headers, json.dumps(body).encode()

    def _get(self, request: Request) -> Answer:
        stored = self._visible(request.location)
        if stored is None:
            return s3_error(404, "NoSuchKey", "The specified key does not exist.")
        return 200, _object_headers(stored, len(stored.content), self.time.now), stored.content

    def _list(self, request: Request) -> Answer:
        query = request.query
        after, page = query.get("start-after", ""), int(query.get("max-keys", "1000"))
        uris = [
            uri for uri in self.objects if uri.startswith(request.location + query["prefix"]) and self._visible(uri)
        ]
        keys = sorted((uri.removeprefix(request.location) for uri in uris), key=str.encode)
        found = [key for key in keys if key.encode() > after.encode()]
        contents = "".join(f"<Contents><Key>{quote(key)}</Key></Contents>" for key in found[:page])
        truncated = str(len(found) > page).lower()
        body = f"<EncodingType>url</EncodingType><IsTruncated>{truncated}</IsTruncated>{contents}"
        return 200, {}, f"<ListBucketResult>{body}</ListBucketResult>".encode()

    def _put(self, request: Request) -> Answer:
        stored = self._visible(request.location)
        if (request.headers.get("if-none-match") == "*" and stored) or (
            stored and request.headers.get("if-match", stored.etag) != stored.etag
        ):
            return s3_error(412, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold")
        if "if-match" in request.headers and not stored:
            return s3_error(404, "NoSuchKey", "The specified key does not exist.")
        self.put(request.location, request.body, request.headers.get("content-type", ""))
        return 200, {"ETag": self.objects[request.location].etag}, b""

    def _visible(self, uri: str) -> Stored | None:
        stored = self.objects.get(uri)
        return stored if stored and stored.since <= self.time.now else None

    def _create_upload(self, request: Request) -> Answer:
        self.uploads[request.location] = Upload(request.headers.get("content-type", ""))
        body = "<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>"
        return 200, {}, body.encode()

    def _upload_part(self, request: Request) -> Answer:
        self.parts.append(request.body)
        self.uploads[request.location].parts[int(request.query["partNumber"])] = request.body
        return 200, {"ETag": '"1"'}, b""

    def _complete_upload(self, request: Request) -> Answer:
        upload = self.uploads.pop(request.location)
        self.put(
            request.location, b"".join(upload.parts[number] for number in sorted(upload.parts)), upload.content_type
        )
        return 200, {}, b"<CompleteMultipartUploadResult></CompleteMultipartUploadResult>"

    def _abort_upload(self, request: Request) -> Answer:
        del self.uploads[request.location]
        return 204, {}, b""


@functools.cache
def _clients() -> Clients:
    """Return clients that all tests of a process share: making them takes longer than a test."""
    return Clients.connect("eu-west-1")


def broken_off(content: bytes, *, size: int) -> Answer:
    """Return the beginning of an object, of which the rest never comes."""
    stored = Stored(content, "application/json", since=0.0)
    return 200, _object_headers(stored, size, now=0.0), content


def _object_headers(stored: Stored, size: int, now: float) -> dict[str, str]:
    return {
        "Content-Length": str(size),
        "Content-Type": stored.content_type,
        "ETag": stored.etag,
        "Last-Modified": formatdate(stored.since, usegmt=True),
        "Date": formatdate(now, usegmt=True),
    }


def s3_error(status: int, code: str, message: str = "") -> Answer:
    """Return an error as S3 words it."""
    return status, {}, f"<Error><Code>{code}</Code><Message>{message}</Message></Error>".encode()


def service_error(status: int, code: str, message: str = "") -> Answer:
    """Return an error as the SageMaker runtime and SSM word it."""
    return status, {"x-amzn-errortype": code}, json.dumps({"__type": code, "message": message}).encode()


def _body(request: Any) -> bytes:  # noqa: ANN401 - botocore's prepared request
    body = request.body or b""
    content: bytes = body if isinstance(body, bytes) else body.read()
    return _dechunked(content) if "aws-chunked" in str(request.headers.get("Content-Encoding", "")) else content


def _dechunked(content: bytes) -> bytes:
    plain, rest = b"", content
    while True:
        size_line, rest = rest.split(b"\r\n", 1)
        size = int(re.split(rb";", size_line)[0], 16)
        if size == 0:
            return plain
        plain, rest = plain + rest[:size], rest[size + 2 :]
