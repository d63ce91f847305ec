"""What a CloudFormation resource type consists of, for those that MiniStack lacks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from local_cloud.json_api import Members
    from local_cloud.scope import Scope


@dataclass(frozen=True, kw_only=True, slots=True)
class ResourceType:
    """A CloudFormation resource type that MiniStack lacks.

    Attributes:
        name: such as ``AWS::SageMaker::Model``.
        create: takes scope, generated name and properties; returns physical id and ``Fn::GetAtt`` attributes.
        update: takes scope, physical id and new properties; returns the same. ``None`` where every change replaces.
        delete: takes scope and physical id.
        create_only: properties whose change replaces the resource.
        name_property: the property that names the resource, which bars its replacement under the same name.
    """

    name: str
    create: Callable[[Scope, str, Members], Coroutine[Any, Any, tuple[str, Members]]]
    update: Callable[[Scope, str, Members], Coroutine[Any, Any, tuple[str, Members]]] | None
    delete: Callable[[Scope, str], Coroutine[Any, Any, None]]
    create_only: tuple[str, ...]
    name_property: str | None = None
