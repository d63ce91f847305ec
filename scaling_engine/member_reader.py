"""Typed access to the members of a request or the properties of a resource, with errors that say where to look."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from scaling_engine.exceptions import ScalingConfigurationError

if TYPE_CHECKING:
    from enum import StrEnum

    Choice = TypeVar("Choice", bound=StrEnum)

Members = Mapping[str, Any]
"""A request's members or a resource's properties, decoded from JSON."""


class MemberReader:
    """Typed access to one level of a document; every error names the thing, the member, the value and what is allowed.

    A member that is null counts as absent. A default of ``None`` makes a member required.

    Args:
        members: the level's members.
        subject: what errors call the level, such as ``alarm``.
        known: the members that the level may have.
        name_member: the member whose value errors add to the subject.

    Raises:
        ScalingConfigurationError: ``members`` is not an object or has a member that is not ``known``; likewise by the
            methods that read a member.
    """

    def __init__(self, members: object, subject: str, known: frozenset[str], *, name_member: str = "") -> None:
        if not isinstance(members, Mapping):
            raise ScalingConfigurationError(f"{subject}: {members!r} is not an object")
        self._members = {name: value for name, value in members.items() if value is not None}
        self._subject = f"{subject} {self._members[name_member]}" if name_member in self._members else subject
        if unsupported := sorted(self._members.keys() - known):
            raise ScalingConfigurationError(
                f"{self._subject}: {', '.join(unsupported)} not supported, use only {', '.join(sorted(known))}"
            )

    def error(self, name: str, value: object, allowed: str) -> ScalingConfigurationError:
        """Return the error that ``value`` is not what the member may be."""
        return ScalingConfigurationError(f"{self._subject}: {name} is {value!r}, expected {allowed}")

    def has(self, name: str) -> bool:
        """Return whether the member is there and not null."""
        return name in self._members

    def _value(self, name: str, default: object = None) -> object:
        value = self._members.get(name, default)
        if value is None:
            raise ScalingConfigurationError(f"{self._subject}: {name} is missing")
        return value

    def text(self, name: str) -> str:
        """Return a member that is a text and not empty."""
        value = self._value(name)
        if not isinstance(value, str) or not value:
            raise self.error(name, value, "a text")
        return value

    def number(self, name: str, default: float | None = None) -> float:
        """Return a member that is a finite number, or a text of one."""
        value = self._value(name, default)
        if isinstance(value, bool) or not isinstance(value, (int, float, str)):
            raise self.error(name, value, "a number")
        try:
            number = float(value)
        except ValueError as error:
            raise self.error(name, value, "a number") from error
        if name in self._members and not math.isfinite(number):
            raise self.error(name, value, "a finite number")
        return number

    def integer(self, name: str, default: int | None = None) -> int:
        """Return a member that is a whole number, or a text of one."""
        number = self.number(name, default)
        if not number.is_integer():
            raise self.error(name, number, "a whole number")
        return int(number)

    def boolean(self, name: str, *, default: bool) -> bool:
        """Return a member that is true or false, or a text of that in any case."""
        value = self._value(name, default)
        text = str(value).lower()
        if text not in ("true", "false"):
            raise self.error(name, value, "true or false")
        return text == "true"

    def choice(self, name: str, choices: type[Choice], default: Choice | None = None) -> Choice:
        """Return the one of ``choices`` that the member names."""
        value = self._value(name, default)
        try:
            return choices(str(value))
        except ValueError as error:
            raise self.error(name, value, f"one of {', '.join(choices)}") from error

    def nested(self, name: str, known: frozenset[str]) -> MemberReader:
        """Return a reader of a member that is an object."""
        return MemberReader(self._value(name), f"{self._subject}: {name}", known)

    def nested_list(self, name: str, known: frozenset[str], *, optional: bool = False) -> list[MemberReader]:
        """Return a reader of each item of a member that is a list of objects."""
        value = self._value(name, () if optional else None)
        if isinstance(value, str) or not isinstance(value, Sequence):
            raise self.error(name, value, "a list")
        return [MemberReader(item, f"{self._subject}: {name}[{index}]", known) for index, item in enumerate(value)]
