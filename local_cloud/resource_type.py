"""What a CloudFormation resource type consists of, for those that MiniStack lacks."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from local_cloud.errors import NotFoundError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from local_cloud.json_api import Members
    from local_cloud.scope import Scope
    from local_cloud.template_schema import TemplateSchema


@dataclass(frozen=True, kw_only=True, slots=True)
class ResourceType:
    """A CloudFormation resource type that MiniStack lacks.

    Attributes:
        name: such as ``AWS::SageMaker::Model``.
        create: takes scope, generated name and properties; returns physical id and ``Fn::GetAtt`` attributes.
        update: takes scope, physical id, old and new properties; returns the same.
        delete: takes scope and physical id; that there is nothing to delete is no failure of CloudFormation's.
        schema: which properties it has.
        create_only: properties whose change replaces the resource.
        name_property: the property that names the resource, which bars its replacement under the same name.
    """

    name: str
    create: Callable[[Scope, str, Members], Coroutine[Any, Any, tuple[str, Members]]]
    update: Callable[[Scope, str, Members, Members], Coroutine[Any, Any, tuple[str, Members]]]
    delete: Callable[[Scope, str], Coroutine[Any, Any, None]]
    schema: TemplateSchema
    create_only: tuple[str, ...]
    name_property: str | None = None

    def check(self, logical_id: str, properties: Members) -> None:
        """Check the properties of a template's resource.

        Raises:
            ValueError: they are not those of the type; CloudFormation shows the message.
        """
        if found := list(self.schema.violations(properties)):
            message = "\n".join(found)
            raise ValueError(f"Properties validation failed for resource {logical_id} with message:\n{message}")

    async def delete_if_present(self, scope: Scope, physical_id: str) -> None:
        """Delete a resource; one that somebody else has deleted is gone all the same."""
        with contextlib.suppress(NotFoundError):
            await self.delete(scope, physical_id)
