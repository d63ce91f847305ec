"""Serves operations of an AWS service that speaks JSON 1.1: which operation, is the request valid, and the reply."""

from __future__ import annotations

import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from local_cloud.errors import AwsError
from local_cloud.scope import Scope
from local_cloud.service_model import check, input_shape

logger = logging.getLogger(__name__)

JSON_1_1: Final = "application/x-amz-json-1.1"
"""The content type of the JSON 1.1 protocol."""

Members = Mapping[str, Any]
"""The members of a request or response, by AWS's names."""

Operation = Callable[[Scope, Members], Awaitable[Members]]
"""Performs one operation in one account and region."""

Response = tuple[int, dict[str, str], bytes]
"""HTTP status, headers and body."""


class JsonApi:
    """The JSON 1.1 front of one service.

    Args:
        service: botocore's name of it, by whose model requests are checked.
        operations: what is implemented, by AWS's names.
    """

    def __init__(self, service: str, operations: Mapping[str, Operation]) -> None:
        self.service = service
        self.operations = operations

    async def respond(
        self, scope: Scope, target: str, body: bytes, authorize: Callable[[str, Members], None] = lambda *_: None
    ) -> Response:
        """Answer a request.

        Args:
            scope: account and region.
            target: its ``X-Amz-Target`` header.
            body: of the request.
            authorize: raises ``AwsError`` where the caller may not perform the operation of a name with its members.
        """
        name = target.rpartition(".")[2]
        try:
            self._operation(name)
            members = _members(body)
            authorize(name, members)
            result = await self.call(scope, name, members)
        except Exception as error:  # noqa: BLE001 - whatever it was, the client has to read it as AWS's error
            return error_response(aws_error(error))
        return json_response(200, result)

    async def call(self, scope: Scope, name: str, members: Members) -> Members:
        """Check and perform one operation.

        Raises:
            AwsError: the operation is not implemented, or refuses.
        """
        operation = self._operation(name)
        check(input_shape(self.service, name), members)
        return await operation(scope, members)

    def _operation(self, name: str) -> Operation:
        operation = self.operations.get(name)
        if operation is None:
            raise AwsError("UnknownOperationException", f"the local cloud does not implement {self.service} {name}")
        return operation


def _members(body: bytes) -> dict[str, Any]:
    try:
        members = json.loads(body or b"{}")
    except ValueError as error:
        raise AwsError("SerializationException", f"the request's body is not JSON: {error}") from error
    if not isinstance(members, dict):
        raise AwsError("SerializationException", "the request's body is not a JSON object")
    return members


def json_response(
    status: int, members: Members, headers: Mapping[str, str] | None = None, *, content_type: str = JSON_1_1
) -> Response:
    """Return a response with ``members`` as its body."""
    return status, {"Content-Type": content_type, **(headers or {})}, json.dumps(members).encode()


def aws_error(error: Exception) -> AwsError:
    """Return ``error`` itself if it is a refusal, else the internal failure that it is, which the log explains."""
    if isinstance(error, AwsError):
        return error
    logger.error("unexpected error", exc_info=error)
    return AwsError("InternalFailure", f"the local cloud failed: {type(error).__name__}: {error}", status=500)


def error_response(error: AwsError, *, content_type: str = JSON_1_1) -> Response:
    """Return ``error`` as botocore and the other SDKs read it."""
    members = {"__type": error.code, "message": error.message}
    return json_response(error.status, members, {"x-amzn-ErrorType": error.code}, content_type=content_type)
