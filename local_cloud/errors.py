"""The errors of the local cloud: it does not run, or an operation refuses a request."""

from __future__ import annotations


class LocalCloudError(RuntimeError):
    """The local cloud does not start or does not answer; the message says why."""


class AwsError(Exception):
    """A refusal as a client of AWS sees it.

    Attributes:
        code: AWS's error code, such as ``ValidationException``.
        message: the text that goes with it.
        status: of the HTTP response.
    """

    def __init__(self, code: str, message: str, *, status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status


class NotFoundError(AwsError):
    """The refusal of an operation on something that does not exist, under whatever code its service has for it."""


def validation_exception(message: str) -> AwsError:
    """Return the error with which JSON services of AWS refuse a request's content."""
    return AwsError("ValidationException", message)
