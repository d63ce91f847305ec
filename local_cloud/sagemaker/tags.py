"""Tags of SageMaker's resources, by ARN."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from local_cloud.json_api import Members, Operation
    from local_cloud.scope import Scope


class Tags:
    """The tags, and the operations on them."""

    def __init__(self) -> None:
        self._tags: defaultdict[str, dict[str, str]] = defaultdict(dict)

    def put(self, arn: str, members: Members) -> None:
        """Add the ``Tags`` among a request's members to a resource."""
        self._tags[arn].update({tag["Key"]: tag["Value"] for tag in members.get("Tags") or ()})

    def forget(self, arn: str) -> None:
        """Drop the tags of a resource that is gone."""
        self._tags.pop(arn, None)

    def operations(self) -> dict[str, Operation]:
        """Return the operations by AWS's names."""
        return {"AddTags": self.add_tags, "ListTags": self.list_tags, "DeleteTags": self.delete_tags}

    async def add_tags(self, scope: Scope, members: Members) -> Members:
        """Perform ``AddTags``."""
        self.put(members["ResourceArn"], members)
        return await self.list_tags(scope, members)

    async def list_tags(self, _scope: Scope, members: Members) -> Members:
        """Perform ``ListTags``."""
        tags = self._tags[members["ResourceArn"]]
        return {"Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}

    async def delete_tags(self, _scope: Scope, members: Members) -> Members:
        """Perform ``DeleteTags``."""
        for key in members["TagKeys"]:
            self._tags[members["ResourceArn"]].pop(key, None)
        return {}
