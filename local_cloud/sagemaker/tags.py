"""Tags of SageMaker's resources, by ARN."""

from __future__ import annotations

from typing import TYPE_CHECKING

from local_cloud.errors import validation_exception

if TYPE_CHECKING:
    from local_cloud.json_api import Members, Operation
    from local_cloud.scope import Scope


class Tags:
    """The tags, and the operations on them."""

    def __init__(self) -> None:
        self._tags: dict[str, dict[str, str]] = {}

    def put(self, arn: str, members: Members) -> None:
        """Add the ``Tags`` among a request's members to a resource, which may be a new one."""
        self._tags.setdefault(arn, {}).update({tag["Key"]: tag["Value"] for tag in members.get("Tags") or ()})

    def forget(self, arn: str) -> None:
        """Drop the tags of a resource that is gone."""
        self._tags.pop(arn, None)

    def operations(self) -> dict[str, Operation]:
        """Return the operations by AWS's names."""
        return {"AddTags": self.add_tags, "ListTags": self.list_tags, "DeleteTags": self.delete_tags}

    async def add_tags(self, scope: Scope, members: Members) -> Members:
        """Perform ``AddTags``."""
        self._of(members["ResourceArn"])
        self.put(members["ResourceArn"], members)
        return await self.list_tags(scope, members)

    async def list_tags(self, _scope: Scope, members: Members) -> Members:
        """Perform ``ListTags``."""
        tags = self._of(members["ResourceArn"])
        return {"Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}

    async def delete_tags(self, _scope: Scope, members: Members) -> Members:
        """Perform ``DeleteTags``."""
        for key in members["TagKeys"]:
            self._of(members["ResourceArn"]).pop(key, None)
        return {}

    def _of(self, arn: str) -> dict[str, str]:
        """Return the tags of a resource.

        Raises:
            AwsError: there is none of the ARN.
        """
        if arn not in self._tags:
            raise validation_exception(f'Could not find resource "{arn}".')
        return self._tags[arn]
