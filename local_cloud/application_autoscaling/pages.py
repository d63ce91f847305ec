"""Pages of what Application Auto Scaling's ``Describe…`` operations show."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from local_cloud.errors import AwsError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from local_cloud.json_api import Members

MAX_PAGE_SIZE: Final = 50
"""Entries of a page, whatever the request asks for. Source: reference of each operation's ``MaxResults``."""


def page(name: str, entries: Sequence[Members], members: Members) -> Members:
    """Return one page of ``entries`` as the member called ``name``.

    Args:
        name: of the member.
        entries: all that could be shown.
        members: of the request; ``MaxResults`` and ``NextToken`` are honoured.

    Raises:
        AwsError: the token is none that a page came with.
    """
    token = str(members.get("NextToken", "0"))
    if not token.isdecimal():
        raise AwsError("InvalidNextTokenException", f"NextToken {token} is not one that a page came with")
    end = int(token) + min(int(members.get("MaxResults", MAX_PAGE_SIZE)), MAX_PAGE_SIZE)
    shown: dict[str, Any] = {name: list(entries[int(token) : end])}
    return shown | ({"NextToken": str(end)} if end < len(entries) else {})
