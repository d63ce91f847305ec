"""What AWS's errors mean for a caller: which may pass by themselves, which mean "not there", which mean "not allowed".

Facts relied on: S3 answers a GET of a missing key with ``NoSuchKey`` if the caller may list the bucket and with 403
otherwise (S3 API reference, GetObject); throttling comes under many names, as listed in botocore's standard retry mode.
"""

from __future__ import annotations

import re
from typing import Final, NoReturn

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    FlexibleChecksumError,
    HTTPClientError,
    IncompleteReadError,
    ProxyConnectionError,
)
from botocore.exceptions import ConnectionError as BotoConnectionError

from async_inference import remedies
from async_inference.exceptions import EndpointUnavailable, PermissionDenied

THROTTLING_CODES: Final = frozenset(
    {
        "BandwidthLimitExceeded",
        "LimitExceededException",
        "PriorRequestNotComplete",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "SlowDown",
        "ThrottledException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)
TIMEOUT_CODES: Final = frozenset({"RequestTimeout", "RequestTimeoutException"})
CREDENTIAL_CODES: Final = frozenset(
    {
        "ExpiredToken",
        "ExpiredTokenException",
        "IncompleteSignature",
        "InvalidAccessKeyId",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "InvalidToken",
        "RequestExpired",
        "RequestTimeTooSkewed",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    }
)
_BROKEN_CONNECTIONS: Final = (BotoConnectionError, HTTPClientError, IncompleteReadError, FlexibleChecksumError)
_NEVER_CONNECTED: Final = (EndpointConnectionError, ConnectTimeoutError, ProxyConnectionError)
_NOT_AUTHORIZED: Final = re.compile(
    r"not authorized to perform: (?P<action>[\w-]+:\w+)(?: on resource: \"?(?P<resource>[^\s\"]+))?"
)
_TOO_MANY_REQUESTS: Final = 429
_UNAUTHORIZED: Final = frozenset({401, 403})
_ACCESS_DENIED: Final = "AccessDeniedException"
"""The services that speak JSON, SSM among them, send it with status 400."""

_SERVER_ERROR: Final = 500


def code(error: ClientError) -> str:
    """Return the name that AWS gave the error; for a HEAD it is the HTTP status."""
    return error.response.get("Error", {}).get("Code") or ""


def text(error: ClientError) -> str:
    """Return AWS's own words, on one line."""
    return " ".join((error.response.get("Error", {}).get("Message") or "no explanation").split())


def status(error: ClientError) -> int:
    """Return the HTTP status, 0 if it is not known."""
    return error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)


def is_missing(error: Exception) -> bool:
    """Whether the object is not there; a bucket that is not there is another matter."""
    return isinstance(error, ClientError) and code(error) in {"NoSuchKey", "404"}


def is_throttling(error: Exception) -> bool:
    """Whether AWS refused to look at the request because there were too many."""
    if not isinstance(error, ClientError):
        return False
    # S3 says SlowDown with 503: what counts is the name.
    return code(error) in THROTTLING_CODES or status(error) == _TOO_MANY_REQUESTS


def is_transient(error: Exception) -> bool:
    """Whether a question that changes nothing may be asked again with a chance of success."""
    if isinstance(error, ClientError):
        return is_throttling(error) or code(error) in TIMEOUT_CODES or status(error) >= _SERVER_ERROR
    return isinstance(error, _BROKEN_CONNECTIONS)


def was_not_accepted(error: Exception) -> bool:
    """Whether AWS certainly did not take the request up, so that sending it again does not do it twice."""
    return is_throttling(error) or isinstance(error, _NEVER_CONNECTED)


def raise_for_caller(error: BotoCoreError | ClientError, *, action: str, resource: str) -> NoReturn:
    """Raise what the error means to a caller.

    Args:
        error: As botocore raised it.
        action: The IAM action that was tried; what AWS itself names is preferred.
        resource: What it was tried on.

    Raises:
        PermissionDenied: AWS refused the action or the credentials.
        EndpointUnavailable: AWS did not answer, or answered with any other error.
        BotoCoreError: as it is, if it concerns the caller's own set-up.
    """
    if isinstance(error, ClientError):
        if code(error) in CREDENTIAL_CODES | {_ACCESS_DENIED} or status(error) in _UNAUTHORIZED:
            raise _denied(error, action, resource) from error
        raise EndpointUnavailable(f"{action} on {resource} failed with {code(error)}: {text(error)}") from error
    if is_transient(error):
        raise EndpointUnavailable(f"{action} on {resource} failed: {' '.join(str(error).split())}") from error
    raise error


def _denied(error: ClientError, action: str, resource: str) -> PermissionDenied:
    if code(error) in CREDENTIAL_CODES:
        message = f"the credentials for {action} on {resource} were refused with {code(error)}: {text(error)}"
        remedy = remedies.CREDENTIALS_REFUSED
    else:
        named = _NOT_AUTHORIZED.search(text(error))
        if named:
            action, resource = named["action"], named["resource"] or resource
        message = f"AWS does not allow {action} on {resource} ({code(error)})"
        remedy = remedies.ACCESS_DENIED
    return PermissionDenied(message, action=action, resource=resource, remedy=remedy)
