"""Pages of a listing, as SageMaker's ``List…`` operations give them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from local_cloud.errors import validation_exception

if TYPE_CHECKING:
    from collections.abc import Sequence

    from local_cloud.json_api import Members

DEFAULT_PAGE_SIZE: Final = 10
"""Entries of a page where the request names no ``MaxResults``."""


def page(kind: str, summaries: Sequence[Members], members: Members) -> Members:
    """Return one page of ``summaries`` (oldest first), newest first.

    Args:
        kind: such as ``Endpoint``, which names the members of request and response.
        summaries: everything that could be listed.
        members: of the request; ``NameContains``, ``MaxResults`` and ``NextToken`` are honoured.

    Raises:
        AwsError: the token is none that a listing returned.
    """
    contained, token = members.get("NameContains", ""), str(members.get("NextToken", "0"))
    if not token.isdecimal():
        raise validation_exception(f"NextToken {token} is not one that this listing returned")
    newest_first = [summary for summary in reversed(summaries) if contained in summary[f"{kind}Name"]]
    start, size = int(token), int(members.get("MaxResults", DEFAULT_PAGE_SIZE))
    end = start + size
    shown: dict[str, Any] = {f"{kind}s": newest_first[start:end]}
    return shown | ({"NextToken": str(end)} if end < len(newest_first) else {})
