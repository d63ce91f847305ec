"""SageMaker's container contract as a WSGI application: ``GET /ping`` and ``POST /invocations``.

Pure: what recognizes text is a callable given to it. Contract:
https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-inference-code.html. An asynchronous endpoint further
needs a Content-Length on every response and stores the body of an error as the failure object.
"""

from __future__ import annotations

import json
import logging
import time
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from model_server.errors import (
    InvalidImageError,
    MethodNotAllowedError,
    NotFoundError,
    RefusedRequestError,
    TooLargeError,
    UnsupportedContentTypeError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from wsgiref.types import StartResponse, WSGIEnvironment

    from model_server.workers import Workers

CONTENT_TYPES: Final = ("image/png", "image/jpeg", "image/tiff", "application/octet-stream")
"""What ``/invocations`` takes. The bytes decide what an image is; no content type at all counts as octet-stream."""

MAX_BODY_BYTES: Final = 100_000_000
"""SageMaker would send up to 1 GB; no page within the pixel limit needs that."""

MAX_INFERENCE_ID: Final = 64
"""Characters of an inference id, as InvokeEndpointAsync bounds it."""

_LOGGER: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Response:
    status: HTTPStatus
    document: dict[str, Any]
    headers: list[tuple[str, str]] = field(default_factory=list)


class Application:
    """The two routes, the limits, and what every failure looks like to the caller and in the log.

    Args:
        recognize: Takes the bytes of an image, returns what to answer as JSON; called in several threads.
        workers: Carry out invocations; ``/ping`` needs none.
        clock: Seconds, monotonic.
    """

    def __init__(
        self,
        recognize: Callable[[bytes], dict[str, Any]],
        workers: Workers,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._recognize = recognize
        self._workers = workers
        self._clock = clock
        self._routes = {"/ping": ("GET", self._ping), "/invocations": ("POST", self._invocations)}

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        response = self._respond(environ)
        body = json.dumps(response.document, ensure_ascii=False).encode()
        start_response(
            f"{response.status.value} {response.status.phrase}",
            [("Content-Type", "application/json"), ("Content-Length", str(len(body))), *response.headers],
        )
        return [body]

    def _respond(self, environ: WSGIEnvironment) -> _Response:
        path = environ.get("PATH_INFO", "")
        try:
            return self._handler(path, environ["REQUEST_METHOD"])(environ)
        except MethodNotAllowedError as error:
            return _Response(error.status, {"error": str(error)}, [("Allow", error.allowed)])
        except RefusedRequestError as error:
            return _Response(error.status, {"error": str(error)})

    def _handler(self, path: str, method: str) -> Callable[[WSGIEnvironment], _Response]:
        if path not in self._routes:
            raise NotFoundError("no such path: this server has GET /ping and POST /invocations")
        allowed, handle = self._routes[path]
        if method != allowed:
            raise MethodNotAllowedError(f"{path} takes {allowed} only", allowed=allowed)
        return handle

    def _ping(self, _environ: WSGIEnvironment) -> _Response:
        return _Response(HTTPStatus.OK, {"status": "ready"})

    def _invocations(self, environ: WSGIEnvironment) -> _Response:
        started = self._clock()
        inference_id = environ.get("HTTP_X_AMZN_SAGEMAKER_INFERENCE_ID", "")[:MAX_INFERENCE_ID]
        response = self._attempt(environ, inference_id)
        _LOGGER.info(
            "invocation",
            extra={
                "inference_id": inference_id,
                "status": response.status.value,
                "milliseconds": round((self._clock() - started) * 1000),
                "bytes": _content_length(environ),
            },
        )
        return response

    def _attempt(self, environ: WSGIEnvironment, inference_id: str) -> _Response:
        try:
            _check(environ)
            return _Response(HTTPStatus.OK, self._workers.run(lambda: self._recognize(_body(environ))))
        except RefusedRequestError as error:
            return _Response(error.status, {"error": str(error)})
        except Exception:
            _LOGGER.exception("invocation failed", extra={"inference_id": inference_id})
            return _Response(
                HTTPStatus.INTERNAL_SERVER_ERROR,
                {"error": "the model failed unexpectedly: the container's log has the reason under the inference id"},
            )


def _check(environ: WSGIEnvironment) -> None:
    content_type = environ.get("CONTENT_TYPE", "").partition(";")[0].strip().lower()
    if content_type and content_type not in CONTENT_TYPES:
        raise UnsupportedContentTypeError(f"the content type is not one of {', '.join(CONTENT_TYPES)}")
    length = _content_length(environ)
    if length == 0:
        raise InvalidImageError("the body is empty: send a PNG, JPEG or TIFF image")
    if length > MAX_BODY_BYTES:
        raise TooLargeError(f"the body has {length} bytes, the limit is {MAX_BODY_BYTES}")


def _body(environ: WSGIEnvironment) -> bytes:
    """Return the whole body; called by the worker, so that of those that wait none is in memory."""
    content: bytes = environ["wsgi.input"].read(_content_length(environ))
    return content


def _content_length(environ: WSGIEnvironment) -> int:
    """Return the length that the HTTP server has checked; it sets it for chunked bodies too."""
    return int(environ.get("CONTENT_LENGTH") or 0)
