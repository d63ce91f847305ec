"""Whether a role lets an AWS service assume it, read from its trust policy."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

SAGEMAKER: Final = "sagemaker.amazonaws.com"
"""The service that assumes execution roles."""

_ASSUMING: Final = frozenset({"*", "sts:*", "sts:AssumeRole"})


def trusts(document: str | Mapping[str, Any], service: str) -> bool:
    """Return whether a trust policy lets ``service`` assume its role.

    Statements of services name no wildcards, and conditions of theirs (``aws:SourceAccount`` and the like) are taken as
    met.
    """
    policy = json.loads(document) if isinstance(document, str) else document
    effects = {
        statement.get("Effect")
        for statement in _as_list(policy.get("Statement"))
        if service in _services(statement) and _ASSUMING & set(_as_list(statement.get("Action")))
    }
    return effects == {"Allow"}


def _services(statement: Mapping[str, Any]) -> list[Any]:
    principal = statement.get("Principal")
    return _as_list(principal.get("Service")) if isinstance(principal, dict) else []


def _as_list(value: object) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]
