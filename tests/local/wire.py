"""Holds every response of our services against the service models that botocore ships.

botocore reads what it knows and skips the rest, so a response without a required member, or with one that AWS does not
have, passes unseen; clients in other languages are stricter.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from botocore.model import ListShape, MapShape, StructureShape

from local_cloud.service_model import violations

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from botocore.model import OperationModel, Shape

OUR_SERVICES = ("sagemaker", "sagemaker-runtime", "application-autoscaling")
"""What this project implements itself, by botocore's names."""

COMMON_ERRORS = frozenset(
    {
        "AccessDeniedException",
        "MissingAuthenticationToken",
        "SerializationException",
        "ThrottlingException",
        "UnknownOperationException",
        "UnrecognizedClientException",
        "ValidationException",
    }
)
"""Errors that AWS lists once for all operations (*Common Error Types*), and not in the service models."""


class Answers:
    """What our services answered so far, by service and operation.

    Attributes:
        results: operations that were performed.
        refusals: operations that refused, with the code.
        faults: what does not fit the service models, one sentence each.
    """

    def __init__(self) -> None:
        self.results: set[tuple[str, str]] = set()
        self.refusals: set[tuple[str, str, str]] = set()
        self.faults: list[str] = []

    def performed(self, service: str) -> set[str]:
        """Return the operations of a service that have been performed."""
        return {name for of, name in self.results if of == service}

    def refused(self, service: str) -> set[str]:
        """Return the operations of a service that have refused a request."""
        return {name for of, name, _ in self.refusals if of == service}

    def watch(self, client: Any) -> Any:  # noqa: ANN401 - any service's
        """Return ``client``, whose responses are checked from now on."""
        if client.meta.service_model.service_name in OUR_SERVICES:
            client.meta.events.register("before-parse", self._check)
        return client

    def _check(self, operation_model: OperationModel, response_dict: Mapping[str, Any], **_: object) -> None:
        service, name = operation_model.service_model.service_name, operation_model.name
        status, body = response_dict["status_code"], response_dict["body"]
        if status < 300:
            self.results.add((service, name))
            found = result_faults(operation_model, status, response_dict["headers"], body)
        else:
            document = json.loads(body)
            self.refusals.add((service, name, document["__type"]))
            found = error_faults(operation_model, status, response_dict["headers"], document)
        all_found = (*found, *content_type_faults(operation_model, response_dict["headers"]))
        self.faults += [f"{service} {name}: {fault}" for fault in all_found]


def content_type_faults(operation: OperationModel, headers: Mapping[str, str]) -> Iterator[str]:
    """Yield what is wrong with the content type of a response, which goes by the service's protocol."""
    metadata = operation.service_model.metadata
    json_type = f"application/x-amz-json-{metadata.get('jsonVersion')}"
    expected = {"json": json_type, "rest-json": "application/json"}[metadata["protocol"]]
    if headers.get("Content-Type") != expected:
        yield f"the content type is {headers.get('Content-Type')}, not {expected}"


def result_faults(operation: OperationModel, status: int, headers: Mapping[str, str], body: bytes) -> Iterator[str]:
    """Yield what is wrong with a successful response."""
    if status != operation.http.get("responseCode", 200):
        yield f"the status is {status}"
    shape = operation.output_shape
    if shape is None:
        if body not in (b"", b"{}"):
            yield f"there is a body: {body!r}"
        return
    located = {
        name: member.serialization for name, member in shape.members.items() if "location" in member.serialization
    }
    in_headers = {name: headers[how["name"]] for name, how in located.items() if how.get("name") in headers}
    document = json.loads(body)
    yield from (f"{name} belongs into a header" for name in located if name in document)
    yield from violations(shape, document | in_headers, "")
    yield from surplus(shape, document | in_headers, "")


def common_status(operation: OperationModel, code: str) -> int:
    """Return the status of an error that no operation declares: services with paths of their own have more than 400."""
    has_paths = operation.service_model.metadata["protocol"] == "rest-json"
    return 403 if has_paths and code == "AccessDeniedException" else 400


def error_faults(
    operation: OperationModel, status: int, headers: Mapping[str, str], document: Mapping[str, Any]
) -> Iterator[str]:
    """Yield what is wrong with a refusal."""
    # Without a code of its own a shape's name is its code.
    errors = {error.name: error.metadata.get("error", {}) for error in operation.error_shapes}
    declared = {error.get("code", name): error for name, error in errors.items()}
    code = document["__type"]
    if code not in declared and code not in COMMON_ERRORS:
        yield f"the error {code} is not one of the operation's"
    if status != declared.get(code, {}).get("httpStatusCode", common_status(operation, code)):
        yield f"the error {code} has status {status}"
    if headers.get("x-amzn-ErrorType") != code:
        yield "the header x-amzn-ErrorType is missing"
    if not document.get("message"):
        yield "the error has no message"


def surplus(shape: Shape, value: Any, path: str) -> Iterator[str]:  # noqa: ANN401 - a response's members
    """Yield members that AWS does not have, and timestamps that are no numbers."""
    match shape:
        case StructureShape():
            yield from (f"{path}.{name} does not exist" for name in value.keys() - shape.members.keys())
            for name in value.keys() & shape.members.keys():
                yield from surplus(shape.members[name], value[name], f"{path}.{name}")
        case ListShape():
            for item in value:
                yield from surplus(shape.member, item, f"{path}[]")
        case MapShape():
            for item in value.values():
                yield from surplus(shape.value, item, f"{path}{{}}")
        case _ if value is None:
            yield f"{path} is null"
        case _ if shape.type_name == "timestamp" and not isinstance(value, int | float):
            yield f"{path} is no timestamp: {value}"
