"""What AWS leaves undocumented and where two answers are plausible: switches, so that a client is tried under both.

``python -m local_cloud --assume NAME=VALUE`` sets one. What is decided once and for all stands in
:mod:`local_cloud.sagemaker.undocumented`.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

_BOOLEANS = {"true": True, "false": False}


class RepeatedFilename(StrEnum):
    """What becomes of a second output of the same name."""

    OVERWRITES = "overwrites"
    FAILS = "fails"


@dataclass(frozen=True, kw_only=True, slots=True)
class Assumptions:
    """One answer to every question.

    Attributes:
        repeated_filename: whether an output overwrites an older one of its name, or its job fails. The first is what a
            plain ``PutObject`` does.
        failures_follow_extension: whether ``S3OutputPathExtension`` is appended to the failure path as well. The
            service model speaks of the output path only.
        expiry_is_a_failure: whether a request whose time to live has passed leaves a failure object and an error
            notification. AWS documents both for its inference router, and neither for endpoints.
    """

    repeated_filename: RepeatedFilename = RepeatedFilename.OVERWRITES
    failures_follow_extension: bool = False
    expiry_is_a_failure: bool = False


DEFAULTS: Final = Assumptions()
"""What holds where nothing else is said."""


def assumption(text: str) -> tuple[str, Any]:
    """Return the name and the value in ``NAME=VALUE``.

    Raises:
        ValueError: there is no such switch, or it has no such value; the message lists what there is.
    """
    name, _, value = text.partition("=")
    choices = {field.name: _choices(field.default) for field in fields(Assumptions)}
    if name not in choices:
        raise ValueError(f"{name!r} is no assumption: choose among {', '.join(choices)}")
    if value not in choices[name]:
        raise ValueError(f"{value!r} is no value of {name}: choose among {', '.join(choices[name])}")
    return name, choices[name][value]


def assumptions(pairs: Iterable[tuple[str, Any]]) -> Assumptions:
    """Return the defaults with ``pairs``, as :func:`assumption` returned them, in place of some."""
    return replace(DEFAULTS, **dict(pairs))


def _choices(default: object) -> dict[str, Any]:
    return {str(each): each for each in type(default)} if isinstance(default, StrEnum) else dict(_BOOLEANS)
