"""The container contract: routes, limits, status codes, headers and log lines, with a recognizer in memory."""

from __future__ import annotations

import io
import json
import logging
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import pytest

from model_server.errors import InvalidImageError, TooLargeError
from model_server.serve import MAX_BODY_BYTES, Application
from model_server.workers import Workers

if TYPE_CHECKING:
    from collections.abc import Callable

PAGE = b"what a page might be"
DOCUMENT = {"text": "Grüße", "lines": [{"text": "Grüße", "confidence": 0.99, "page": 1}], "pages": []}


@dataclass
class Answer:
    """What the application answered."""

    status: str
    headers: dict[str, str]
    body: bytes

    @property
    def document(self) -> Any:  # noqa: ANN401 - JSON
        """The body, decoded."""
        return json.loads(self.body)


TOO_LARGE = f"413 {HTTPStatus(413).phrase}"
"""Python 3.13 words it differently than 3.12."""


def application(recognize: Callable[[bytes], dict[str, Any]] = lambda _: DOCUMENT) -> Application:
    """Return an application whose clock advances by a second at each look."""
    seconds = iter(range(1000))
    return Application(recognize, Workers(1, timeout_seconds=60), clock=lambda: next(seconds))


def request(app: Application, method: str, path: str, body: bytes = b"", **environ: str) -> Answer:
    """Send one request to an application."""
    answers: list[tuple[str, dict[str, str]]] = []
    base = {
        "REQUEST_METHOD": method,
        "PATH_INFO": path,
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": io.BytesIO(body),
    }
    chunks = app(base | environ, lambda status, headers, *_: answers.append((status, dict(headers))))  # type: ignore[arg-type]  # nothing writes
    body = b"".join(chunks)
    return Answer(*answers[0], body)


def invoke(app: Application, body: bytes = PAGE, content_type: str = "image/png", **environ: str) -> Answer:
    """Send one invocation."""
    return request(app, "POST", "/invocations", body, CONTENT_TYPE=content_type, **environ)


def test_ping() -> None:
    """A server that runs is ready."""
    answer = request(application(), "GET", "/ping")

    assert (answer.status, answer.document) == ("200 OK", {"status": "ready"})


def test_invocation() -> None:
    """The recognizer gets the body as it is, the caller its answer as JSON."""
    received: list[bytes] = []

    def recognize(content: bytes) -> dict[str, Any]:
        received.append(content)
        return DOCUMENT

    answer = invoke(application(recognize))

    assert received == [PAGE]
    assert (answer.status, answer.document) == ("200 OK", DOCUMENT)


@pytest.mark.parametrize("path", ["/ping", "/invocations", "/nothing"])
def test_headers(path: str) -> None:
    """Every response, of whatever status, has its exact length and says that it is JSON."""
    answer = request(application(), "GET", path)

    assert str(len(answer.body)) == answer.headers["Content-Length"]
    assert answer.headers["Content-Type"] == "application/json"


@pytest.mark.parametrize(
    "content_type",
    ["image/png", "image/jpeg", "image/tiff", "application/octet-stream", "IMAGE/PNG; name=page.png", ""],
)
def test_content_types(content_type: str) -> None:
    """The types of images are taken, whatever their case and parameters; so is none at all."""
    assert invoke(application(), content_type=content_type).status == "200 OK"


def test_unsupported_content_type() -> None:
    """Another content type is refused before the body is read."""
    answer = invoke(application(), content_type="text/csv")

    assert answer.status == "415 Unsupported Media Type"
    assert answer.document["error"].startswith("the content type is not one of image/png, ")


def test_unknown_path() -> None:
    """Another path is not there."""
    assert request(application(), "GET", "/models").status == "404 Not Found"


@pytest.mark.parametrize(
    ("method", "path", "allowed"), [("POST", "/ping", "GET"), ("GET", "/invocations", "POST"), ("PUT", "/ping", "GET")]
)
def test_wrong_method(method: str, path: str, allowed: str) -> None:
    """A wrong method is told apart from a wrong path, and the right one is named."""
    answer = request(application(), method, path)

    assert ("405 Method Not Allowed", allowed) == (answer.status, answer.headers["Allow"])


def test_empty_body() -> None:
    """Nothing is no image."""
    answer = invoke(application(), b"")

    assert answer.status == "400 Bad Request"
    assert answer.document == {"error": "the body is empty: send a PNG, JPEG or TIFF image"}


def test_too_large_body() -> None:
    """The declared length decides, without reading."""
    answer = invoke(application(), CONTENT_LENGTH=str(MAX_BODY_BYTES + 1))

    assert answer.status == TOO_LARGE
    assert answer.document == {"error": "the body has 100000001 bytes, the limit is 100000000"}


def test_largest_body() -> None:
    """The limit itself is allowed."""
    assert invoke(application(), CONTENT_LENGTH=str(MAX_BODY_BYTES)).status == "200 OK"


@pytest.mark.parametrize(
    ("error", "status"), [(InvalidImageError("no image"), "400 Bad Request"), (TooLargeError("no image"), TOO_LARGE)]
)
def test_refused_by_the_recognizer(error: Exception, status: str) -> None:
    """What the recognizer refuses becomes a client error with its message."""

    def recognize(_: bytes) -> dict[str, Any]:
        raise error

    answer = invoke(application(recognize))

    assert (status, {"error": "no image"}) == (answer.status, answer.document)


def test_unexpected_failure(caplog: pytest.LogCaptureFixture) -> None:
    """A fault is told to the caller in general terms and to the log in full, under the inference id."""

    def recognize(_: bytes) -> dict[str, Any]:
        raise ZeroDivisionError("a secret of the inside")

    answer = invoke(application(recognize), HTTP_X_AMZN_SAGEMAKER_INFERENCE_ID="page-1")

    assert answer.status == "500 Internal Server Error"
    assert "secret" not in answer.document["error"]
    failure = caplog.records[0]
    assert (failure.levelname, vars(failure)["inference_id"]) == ("ERROR", "page-1")
    assert "a secret of the inside" in caplog.text


def test_full_server() -> None:
    """A server without a free place says so."""
    app = Application(lambda _: DOCUMENT, Workers(1, timeout_seconds=60, waiting=-1))

    assert invoke(app).status == "503 Service Unavailable"


def test_log_line(caplog: pytest.LogCaptureFixture) -> None:
    """One line per invocation says who, how it ended, how long and how much, and nothing of the content."""
    with caplog.at_level(logging.INFO):
        invoke(application(), HTTP_X_AMZN_SAGEMAKER_INFERENCE_ID="page-1")

    (record,) = caplog.records
    fields = {name: vars(record)[name] for name in ("inference_id", "status", "milliseconds", "bytes")}
    assert {"inference_id": "page-1", "status": 200, "milliseconds": 1000, "bytes": len(PAGE)} == fields
    assert PAGE.decode() not in str(vars(record))


def test_long_inference_id(caplog: pytest.LogCaptureFixture) -> None:
    """A caller cannot flood the log through the inference id."""
    with caplog.at_level(logging.INFO):
        invoke(application(), HTTP_X_AMZN_SAGEMAKER_INFERENCE_ID="x" * 5000)

    assert vars(caplog.records[0])["inference_id"] == "x" * 64


def test_ping_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    """Health checks, one every few seconds for ever, leave no lines."""
    with caplog.at_level(logging.INFO):
        request(application(), "GET", "/ping")

    assert caplog.records == []
