"""Checks requests against AWS's own service models, which botocore ships but enforces only in part.

botocore checks types and minimums on the client's side. The service checks lengths, ranges, patterns and enumerations
too; what passes here unchecked would fail on AWS.
"""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING, Any, Final

import botocore.session
from botocore.model import ListShape, MapShape, ServiceModel, StringShape, StructureShape

from local_cloud.errors import AwsError, validation_exception

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from botocore.model import Shape

JAVA_PATTERNS: Final = {
    r"([\p{L}\p{Z}\p{N}_.:/=+\-@]*)": r"[\w\s.:/=+\-@]*",
    r"\p{ASCII}*": r"[\x00-\x7f]*",
    r"\A\S[\p{Print}]*\z": r"[!-~][ -~]*",
    r"\p{Print}+": r"[ -~]+",
    r"[\u0020-\uD7FF\uE000-\uFFFD\uD800\uDC00-\uDBFF\uDFFF\r\n\t]*": r"[ -\uD7FF\uE000-\U0010FFFF\r\n\t]*",
}
"""Patterns of the service models that Java reads and Python does not, with what they mean in Python."""

_NUMBERS: Final = ("integer", "long", "float", "double")
_TYPES: Final[Mapping[str, tuple[type, ...]]] = {"boolean": (bool,), "timestamp": (int, float, str)}
_TOKENS: Final[Mapping[type, str]] = {
    str: "STRING_VALUE",
    int: "NUMBER_VALUE",
    float: "NUMBER_VALUE",
    list: "START_ARRAY",
    dict: "START_OBJECT",
}
"""What the reader of requests calls a JSON value."""


@functools.cache
def service_model(service: str) -> ServiceModel:
    """Return the model of ``service``, by botocore's name."""
    loader = botocore.session.get_session().get_component("data_loader")
    return ServiceModel(loader.load_service_model(service, "service-2"), service)


def input_shape(service: str, operation: str) -> StructureShape:
    """Return the shape of an operation's input.

    Raises:
        TypeError: it has none.
    """
    shape = service_model(service).operation_model(operation).input_shape
    if shape is None:
        raise TypeError(f"{service} {operation} takes no input")
    return shape


def compiled(pattern: str) -> re.Pattern[str]:
    """Return a service model's pattern as Python's."""
    return re.compile(JAVA_PATTERNS.get(pattern, pattern))


def check(shape: Shape, value: Any) -> None:  # noqa: ANN401 - a request's members
    """Check ``value`` against ``shape``.

    Raises:
        AwsError: ``SerializationException`` for a value of another JSON type, or ``ValidationException`` that lists
            every violation, in AWS's words.
    """
    found = list(violations(shape, value, ""))
    if found:
        plural = "s" if len(found) > 1 else ""
        raise validation_exception(f"{len(found)} validation error{plural} detected: {'; '.join(found)}")


def violations(shape: Shape, value: Any, path: str) -> Iterator[str]:  # noqa: ANN401 - a request's members
    """Yield what is wrong with ``value``, one sentence each.

    Raises:
        AwsError: it is of another JSON type, so that nothing more can be said of it.
    """
    match shape:
        case StructureShape() if isinstance(value, dict):
            yield from _structure_violations(shape, value, path)
        case ListShape() if isinstance(value, list):
            yield from _size_violations(shape, len(value), value, path)
            for index, item in enumerate(value, 1):
                yield from violations(shape.member, item, f"{path}.{index}.member")
        case MapShape() if isinstance(value, dict):
            yield from _size_violations(shape, len(value), value, path)
            for key, item in value.items():
                yield from violations(shape.key, key, f"{path}.key")
                yield from violations(shape.value, item, f"{path}.{key}.member")
        case StringShape() if isinstance(value, str):
            yield from _string_violations(shape, value, path)
        case _:
            yield from _scalar_violations(shape, value, path)


def _structure_violations(shape: StructureShape, value: Mapping[str, Any], path: str) -> Iterator[str]:
    prefix = f"{path}." if path else ""
    for name in shape.required_members:
        if value.get(name) is None:
            yield f"Value null at '{prefix}{_camel(name)}' failed to satisfy constraint: Member must not be null"
    for name, member in shape.members.items():
        if value.get(name) is not None:
            yield from violations(member, value[name], f"{prefix}{_camel(name)}")


def _string_violations(shape: StringShape, value: str, path: str) -> Iterator[str]:
    yield from _size_violations(shape, len(value), value, path)
    pattern = shape.metadata.get("pattern")
    if pattern and not compiled(pattern).fullmatch(value):
        yield _violation(value, path, f"satisfy regular expression pattern: {pattern}")
    if shape.enum and value not in shape.enum:
        yield _violation(value, path, f"satisfy enum value set: [{', '.join(shape.enum)}]")


def _scalar_violations(shape: Shape, value: Any, path: str) -> Iterator[str]:  # noqa: ANN401 - a request's members
    if shape.type_name == "blob":
        yield from _size_violations(shape, len(value), "<binary>", path)
    elif shape.type_name in _NUMBERS and isinstance(value, int | float) and not isinstance(value, bool):
        minimum, maximum = shape.metadata.get("min"), shape.metadata.get("max")
        if minimum is not None and value < minimum:
            yield _violation(value, path, f"have value greater than or equal to {minimum}")
        if maximum is not None and value > maximum:
            yield _violation(value, path, f"have value less than or equal to {maximum}")
    elif not isinstance(value, _TYPES.get(shape.type_name, ())) or (
        isinstance(value, bool) != (shape.type_name == "boolean")
    ):
        raise _unreadable(shape, value, path)


def _size_violations(shape: Shape, size: int, value: object, path: str) -> Iterator[str]:
    minimum, maximum = shape.metadata.get("min"), shape.metadata.get("max")
    if minimum is not None and size < minimum:
        yield _violation(value, path, f"have length greater than or equal to {minimum}")
    if maximum is not None and size > maximum:
        yield _violation(value, path, f"have length less than or equal to {maximum}")


def _violation(value: object, path: str, constraint: str) -> str:
    return f"Value '{value}' at '{path}' failed to satisfy constraint: Member must {constraint}"


def _unreadable(shape: Shape, value: object, path: str) -> AwsError:
    token = f"{value}_VALUE".upper() if isinstance(value, bool) else _TOKENS.get(type(value), "VALUE_NULL")
    return AwsError("SerializationException", f"{token} can not be converted to a {shape.type_name.title()}: {path}")


def _camel(name: str) -> str:
    return name[:1].lower() + name[1:]


def coerced(shape: Shape | None, value: Any) -> Any:  # noqa: ANN401 - a resource's properties
    """Return ``value`` with numbers and booleans that a template wrote as strings made what ``shape`` wants.

    Properties that the shape does not know are left as they are.
    """
    match shape:
        case StructureShape() if isinstance(value, dict):
            return {name: coerced(shape.members.get(name), item) for name, item in value.items()}
        case ListShape() if isinstance(value, list):
            return [coerced(shape.member, item) for item in value]
        case MapShape() if isinstance(value, dict):
            return {key: coerced(shape.value, item) for key, item in value.items()}
        case StringShape() if isinstance(value, int | float) and not isinstance(value, bool):
            return str(value)
        case _ if shape is not None and isinstance(value, str):
            return _coerced_text(shape.type_name, value)
        case _:
            return value


def _coerced_text(type_name: str, value: str) -> str | bool | int | float:
    if type_name == "boolean" and value in ("true", "false"):
        return value == "true"
    if type_name in _NUMBERS and re.fullmatch(r"-?\d+(\.\d+)?", value):
        return float(value) if "." in value else int(value)
    return value
