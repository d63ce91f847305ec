"""The operations on tags of scalable targets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from local_cloud.errors import AwsError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from local_cloud.application_autoscaling.target_registry import TargetRegistry
    from local_cloud.application_autoscaling.targets import TargetRecord
    from local_cloud.json_api import Members, Operation
    from local_cloud.scope import Scope

MAX_TAGS: Final = 50
"""Of a target. Source: reference of ``RegisterScalableTarget``."""


class TagOperations:
    """Adds, lists and takes away the tags of ``targets``."""

    def __init__(self, targets: TargetRegistry) -> None:
        self._targets = targets

    def operations(self) -> Mapping[str, Operation]:
        """Return the operations by AWS's names."""
        return {"TagResource": self.tag, "ListTagsForResource": self.list, "UntagResource": self.untag}

    async def tag(self, scope: Scope, members: Members) -> Members:
        """Perform ``TagResource``."""
        target = self._target(scope, members)
        tags = target.tags | members["Tags"]
        if len(tags) > MAX_TAGS:
            raise AwsError("TooManyTagsException", f"{target.arn} would have {len(tags)} tags, {MAX_TAGS} are allowed")
        target.tags = tags
        return {}

    async def list(self, scope: Scope, members: Members) -> Members:
        """Perform ``ListTagsForResource``."""
        return {"Tags": dict(self._target(scope, members).tags)}

    async def untag(self, scope: Scope, members: Members) -> Members:
        """Perform ``UntagResource``."""
        target = self._target(scope, members)
        target.tags = {key: value for key, value in target.tags.items() if key not in members["TagKeys"]}
        return {}

    def _target(self, scope: Scope, members: Members) -> TargetRecord:
        arn = members["ResourceARN"]
        for target in self._targets.in_scope(scope):
            if target.arn == arn:
                return target
        raise AwsError("ResourceNotFoundException", f"no scalable target has the ARN {arn}")
