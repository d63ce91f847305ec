"""Tags of SageMaker's resources, by ARN."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from local_cloud.errors import AwsError, validation_exception

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from local_cloud.json_api import Members, Operation
    from local_cloud.scope import Scope

MAX_TAGS: Final = 50
"""Tags of one resource, without those that AWS itself attaches. (Source: *SageMaker API Reference*, ``Tags``.)"""

RESERVED_PREFIX: Final = "aws:"
"""Begins the keys of tags that only AWS attaches, such as CloudFormation's. (Source: *Tagging AWS Resources*.)"""


class Tags:
    """The tags of all resources that exist, and the operations on them.

    As the names in them, ARNs are compared without regard to case.
    """

    def __init__(self) -> None:
        self._tags: dict[str, dict[str, str]] = {}

    def put(self, arn: str, members: Members) -> None:
        """Add the ``Tags`` among a request's members to a resource, which exists from now on.

        Raises:
            AwsError: there are too many, or not what :func:`check_tags` wants.
        """
        check_tags(members)
        tags = {**self.of(arn), **_by_key(members)}
        if (own := sum(not _is_reserved(key) for key in tags)) > MAX_TAGS:
            raise validation_exception(f"{arn} would have {own} tags; a resource has at most {MAX_TAGS}.")
        self._tags[arn.lower()] = tags

    def attach(self, arn: str, tags: Mapping[str, str]) -> None:
        """Add tags of AWS's own to a resource."""
        self._tags.setdefault(arn.lower(), {}).update(tags)

    def forget(self, arn: str) -> None:
        """Drop the tags of a resource that is gone."""
        self._tags.pop(arn.lower(), None)

    def of(self, arn: str) -> Mapping[str, str]:
        """Return the tags of a resource, none where it does not exist."""
        return self._tags.get(arn.lower(), {})

    def operations(self) -> dict[str, Operation]:
        """Return the operations by AWS's names."""
        return {"AddTags": self.add_tags, "ListTags": self.list_tags, "DeleteTags": self.delete_tags}

    async def add_tags(self, scope: Scope, members: Members) -> Members:
        """Perform ``AddTags``."""
        self._require("AddTags", scope, members)
        self.put(members["ResourceArn"], members)
        return await self.list_tags(scope, members)

    async def list_tags(self, scope: Scope, members: Members) -> Members:
        """Perform ``ListTags``."""
        tags = self._require("ListTags", scope, members)
        return {"Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}

    async def delete_tags(self, scope: Scope, members: Members) -> Members:
        """Perform ``DeleteTags``."""
        tags = self._require("DeleteTags", scope, members)
        _check_unreserved(members["TagKeys"])
        for key in members["TagKeys"]:
            tags.pop(key, None)
        return {}

    def _require(self, operation: str, scope: Scope, members: Members) -> dict[str, str]:
        """Return the tags of the resource that a request names.

        Raises:
            AwsError: it belongs to another account, or does not exist.
        """
        arn = str(members["ResourceArn"])
        if arn.split(":")[4] != scope.account:
            raise AwsError(
                "AccessDeniedException",
                f"User: arn:aws:iam::{scope.account}:root is not authorized to perform: sagemaker:{operation} on "
                f"resource: {arn} because no resource-based policy allows the sagemaker:{operation} action",
            )
        tags = self._tags.get(arn.lower()) if arn.split(":")[3] == scope.region else None
        if tags is None:
            raise validation_exception(f'Could not find resource "{arn}".')
        return tags


def check_tags(members: Members) -> None:
    """Check the ``Tags`` among a request's members, before anything is made of it.

    Raises:
        AwsError: two have one key, or one is AWS's own.
    """
    tags = _by_key(members)
    if len(tags) < len(members.get("Tags") or ()):
        raise validation_exception("Tags: each key may be given once.")
    _check_unreserved(tags)


def without_reserved(members: Members) -> tuple[dict[str, Any], dict[str, str]]:
    """Return a request's members without the tags of AWS's own, and these."""
    reserved = {key: value for key, value in _by_key(members).items() if _is_reserved(key)}
    left = [tag for tag in members.get("Tags") or () if tag["Key"] not in reserved]
    return {**members, "Tags": left} if reserved else dict(members), reserved


def _check_unreserved(keys: Iterable[str]) -> None:
    if reserved := [key for key in keys if _is_reserved(key)]:
        raise validation_exception(f"Tag keys that begin with {RESERVED_PREFIX} are reserved: {', '.join(reserved)}.")


def _is_reserved(key: str) -> bool:
    return key.lower().startswith(RESERVED_PREFIX)


def _by_key(members: Members) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in members.get("Tags") or ()}
