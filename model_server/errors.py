"""Why a request is refused, each with the HTTP status that says so.

::

    RefusedRequestError
    ├── InvalidImageError            400  not an image, or a damaged one
    ├── NotFoundError                404  no such path
    ├── MethodNotAllowedError        405  the path exists, the method does not
    ├── TooLargeError                413  body, page or number of pages
    ├── UnsupportedContentTypeError  415  not a type this model reads
    ├── ServerBusyError              503  more invocations at once than this server admits
    └── InvocationTimeoutError       504  no result in time

The message goes to the caller. On an asynchronous endpoint it becomes the failure object, so it names the remedy.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import ClassVar


class RefusedRequestError(Exception):
    """A request that this server understood and will not carry out."""

    status: ClassVar[HTTPStatus]


class InvalidImageError(RefusedRequestError):
    """The body is empty, not an image, or a damaged one."""

    status = HTTPStatus.BAD_REQUEST


class NotFoundError(RefusedRequestError):
    """The path is none of the container contract's."""

    status = HTTPStatus.NOT_FOUND


class MethodNotAllowedError(RefusedRequestError):
    """The path exists, but not with this method.

    Attributes:
        allowed: The method to use instead.
    """

    status = HTTPStatus.METHOD_NOT_ALLOWED

    def __init__(self, message: str, allowed: str) -> None:
        super().__init__(message)
        self.allowed = allowed


class TooLargeError(RefusedRequestError):
    """The body, one of its pages or the number of its pages is above the limit."""

    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE


class UnsupportedContentTypeError(RefusedRequestError):
    """The content type is none that this model reads."""

    status = HTTPStatus.UNSUPPORTED_MEDIA_TYPE


class ServerBusyError(RefusedRequestError):
    """All places are taken: what is sent at once exceeds what this server admits."""

    status = HTTPStatus.SERVICE_UNAVAILABLE


class InvocationTimeoutError(RefusedRequestError):
    """The invocation was not done within the server's own time limit."""

    status = HTTPStatus.GATEWAY_TIMEOUT
