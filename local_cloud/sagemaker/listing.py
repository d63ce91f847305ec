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
    """Return one page of ``summaries`` (oldest first) as the request filters and sorts them, or newest first.

    Args:
        kind: such as ``Endpoint``, which names the members of request and response.
        summaries: everything that could be listed.
        members: of the request.

    Raises:
        AwsError: the token is none that a listing returned.
    """
    token = str(members.get("NextToken", "0"))
    if not token.isdecimal():
        raise validation_exception(f"NextToken {token} is not one that this listing returned")
    sort_by = members.get("SortBy", "CreationTime")
    key = sort_by if sort_by == "CreationTime" else f"{kind}{sort_by}"
    ordered = sorted((one for one in summaries if _is_asked_for(kind, one, members)), key=lambda one: one[key])
    if members.get("SortOrder") != "Ascending":
        ordered.reverse()
    start, size = int(token), int(members.get("MaxResults", DEFAULT_PAGE_SIZE))
    end = start + size
    shown: dict[str, Any] = {f"{kind}s": ordered[start:end]}
    return shown | ({"NextToken": str(end)} if end < len(ordered) else {})


def _is_asked_for(kind: str, summary: Members, members: Members) -> bool:
    """Return whether every filter of a request lets ``summary`` pass."""
    return all(
        (
            members.get("NameContains", "") in summary[f"{kind}Name"],
            members.get("StatusEquals") in (None, summary.get(f"{kind}Status")),
            _lies_between(summary, "CreationTime", members),
            _lies_between(summary, "LastModifiedTime", members),
        )
    )


def _lies_between(summary: Members, name: str, members: Members) -> bool:
    after, before = members.get(f"{name}After"), members.get(f"{name}Before")
    return (after is None or summary[name] >= float(after)) and (before is None or summary[name] < float(before))
