"""The account and region in which MiniStack works, which it keeps for each thread and asyncio task."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final

from local_cloud.scope import Scope

if TYPE_CHECKING:
    from collections.abc import Mapping

PRIVATE_NAMES: Final[Mapping[str, tuple[str, ...]]] = {
    "ministack.core.responses": ("get_account_id", "get_region", "set_request_account_id", "set_request_region")
}
"""What is used of MiniStack, by module."""


def current_scope() -> Scope:
    """Return the account and region of the request that is being handled."""
    context = import_module("ministack.core.responses")
    return Scope(context.get_account_id(), context.get_region())


def enter(scope: Scope) -> None:
    """Make ``scope`` the account and region of the current asyncio task."""
    context = import_module("ministack.core.responses")
    context.set_request_account_id(scope.account)
    context.set_request_region(scope.region)
