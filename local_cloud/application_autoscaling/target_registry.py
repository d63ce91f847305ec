"""Which variants are registered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from local_cloud.application_autoscaling.targets import DIMENSION, NAMESPACE
from local_cloud.errors import NotFoundError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from local_cloud.application_autoscaling.targets import TargetRecord
    from local_cloud.json_api import Members
    from local_cloud.scope import Scope


class TargetRegistry:
    """The scalable targets of all accounts and regions."""

    def __init__(self) -> None:
        self._targets: dict[tuple[Scope, str], TargetRecord] = {}

    def __iter__(self) -> Iterator[TargetRecord]:
        return iter(list(self._targets.values()))

    def in_scope(self, scope: Scope) -> list[TargetRecord]:
        """Return the targets of one account and region, oldest first."""
        return [target for target in self if target.scope == scope]

    def asked_for(self, scope: Scope, members: Members) -> list[TargetRecord]:
        """Return the targets that a ``Describe…`` request means, of one resource or of all."""
        resource_ids = members.get("ResourceIds") or [members.get("ResourceId")]
        return [
            target
            for target in self.in_scope(scope)
            if members["ServiceNamespace"] == NAMESPACE
            and members.get("ScalableDimension") in (None, DIMENSION)
            and (resource_ids == [None] or target.resource_id in resource_ids)
        ]

    def find(self, scope: Scope, resource_id: str) -> TargetRecord | None:
        """Return the target of a resource, ``None`` if it is not registered."""
        return self._targets.get((scope, resource_id))

    def get(self, scope: Scope, members: Members) -> TargetRecord:
        """Return the target that a request names.

        Raises:
            NotFoundError: there is none.
        """
        target = self.find(scope, members["ResourceId"])
        kind = members["ServiceNamespace"], members["ScalableDimension"]
        if target is None or kind != (NAMESPACE, DIMENSION):
            raise not_found(
                f"No scalable target found for service namespace: {members['ServiceNamespace']}, "
                f"resource ID: {members['ResourceId']}, scalable dimension: {members['ScalableDimension']}"
            )
        return target

    def add(self, target: TargetRecord) -> None:
        """Register ``target``."""
        self._targets[target.scope, target.resource_id] = target

    def remove(self, target: TargetRecord) -> None:
        """Deregister ``target``."""
        del self._targets[target.scope, target.resource_id]


def not_found(message: str) -> NotFoundError:
    """Return the error with which Application Auto Scaling says that what a request names is not there."""
    return NotFoundError("ObjectNotFoundException", message)
