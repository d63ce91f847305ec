"""Whether a document describes an endpoint: every member, its type and its bounds, before anything relies on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Final

from async_inference.exceptions import ConfigurationError
from async_inference.limits import INVOCATION_TIMEOUT_SECONDS, REQUEST_TTL_SECONDS, Bounds
from async_inference.messages import shown

_NAMES: Final = ("endpoint_name", "region", "bucket")
_OBJECTS: Final = ("limits", "prefixes", "consumers")
_LATER_SWITCHES: Final = ("count_jobs_in_flight",)
_LATER_LISTS: Final = ("input_locations",)
"""Those that documents written before there were any leave out."""

_LIMITS: Final = {"max_job_seconds": INVOCATION_TIMEOUT_SECONDS, "request_ttl_seconds": REQUEST_TTL_SECONDS}
_PREFIXES: Final = ("input", "output", "failure")
_LATER_PREFIXES: Final = ("batches",)
"""Those that documents written before there were any leave out."""


def check(document: Mapping[str, object]) -> None:
    """Refuse a document of this schema that does not have its members, each of its type.

    Raises:
        ConfigurationError: it does not; the message names the member.
    """
    members = _members("", document, {"schema", *_NAMES, *_OBJECTS}, optional={*_LATER_SWITCHES, *_LATER_LISTS})
    for name in _NAMES:
        _check_text(name, members[name])
    limits = _members("limits", members["limits"], _LIMITS.keys())
    for name, bounds in _LIMITS.items():
        _check_seconds(f"limits.{name}", limits[name], bounds)
    prefixes = _members("prefixes", members["prefixes"], set(_PREFIXES), optional=set(_LATER_PREFIXES))
    for name, prefix in prefixes.items():
        _check_prefix(f"prefixes.{name}", prefix)
    for name, value in _object("consumers", members["consumers"]).items():
        consumer = _members(f"consumers.{name}", value, {"queue_url"})
        _check_text(f"consumers.{name}.queue_url", consumer["queue_url"])
    for name in _LATER_SWITCHES:
        _check_switch(name, members.get(name, False))
    _check_input_locations(members.get("input_locations", ()))


def _object(name: str, value: object) -> Mapping[str, object]:
    if not isinstance(value, Mapping):
        raise _malformed(f"{shown(name)} is {type(value).__name__}, expected an object")
    return value


def _members(
    name: str, value: object, expected: AbstractSet[str], *, optional: AbstractSet[str] = frozenset()
) -> Mapping[str, object]:
    members = _object(name, value)
    for problem, names in (("missing", expected - members.keys()), ("unknown", members.keys() - expected - optional)):
        if names:
            first = min(map(str, names))
            raise _malformed(f"{shown(f'{name}.{first}' if name else first)} is {problem}")
    return members


def _check_text(name: str, value: object) -> None:
    if not isinstance(value, str) or not value:
        raise _malformed(f"{shown(name)} is {shown(value)}, expected a text that is not empty")


def _check_switch(name: str, value: object) -> None:
    if not isinstance(value, bool):
        raise _malformed(f"{shown(name)} is {shown(value)}, expected true or false")


def _check_input_locations(value: object) -> None:
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise _malformed(f"'input_locations' is {type(value).__name__}, expected a list")
    for number, each in enumerate(value):
        name = f"input_locations.{number}"
        location = _members(name, each, {"bucket", "prefix"})
        _check_text(f"{name}.bucket", location["bucket"])
        if location["prefix"] != "":
            _check_prefix(f"{name}.prefix", location["prefix"])


def _check_prefix(name: str, value: object) -> None:
    if not isinstance(value, str) or not value.endswith("/"):
        raise _malformed(f"{shown(name)} is {shown(value)}, expected a text that ends with a slash")


def _check_seconds(name: str, value: object, bounds: Bounds) -> None:
    if value not in bounds:
        got = value if isinstance(value, int | float) else shown(value)
        raise _malformed(f"{shown(name)} is {got}, expected {bounds} as a whole number")


def _malformed(problem: str) -> ConfigurationError:
    return ConfigurationError(f"the endpoint's configuration: {problem}: deploy the endpoint again")
