"""Keeps named resources apart by account and region, and refuses what SageMaker refuses."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from local_cloud.errors import NotFoundError, validation_exception

if TYPE_CHECKING:
    from collections.abc import Iterator

    from local_cloud.scope import Scope


class Named(Protocol):
    """A resource with a name and an ARN."""

    @property
    def name(self) -> str:
        """Unique in its scope."""

    @property
    def arn(self) -> str:
        """Of the resource."""


ResourceT = TypeVar("ResourceT", bound=Named)


class Registry(Generic[ResourceT]):
    """The resources of one kind, such as ``endpoint-config``, which messages call *endpoint configuration*.

    Names are compared without regard to case, and ARNs have them in lower case, as SageMaker's do. (A call of the
    runtime has to match the case: see :mod:`local_cloud.sagemaker.runtime_api`.)

    Args:
        kind: what ARNs call them, such as ``endpoint``.
    """

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._words = kind.replace("-config", " configuration")
        self._resources: defaultdict[Scope, dict[str, ResourceT]] = defaultdict(dict)

    def arn(self, scope: Scope, name: str) -> str:
        """Return the ARN that a resource called ``name`` has."""
        return scope.arn("sagemaker", f"{self.kind}/{name.lower()}")

    def add(self, scope: Scope, resource: ResourceT) -> None:
        """Add ``resource``.

        Raises:
            AwsError: the name is taken.
        """
        self.require_free(scope, resource.name)
        self._resources[scope][resource.name.lower()] = resource

    def require_free(self, scope: Scope, name: str) -> None:
        """Check that no resource is called ``name``.

        Raises:
            AwsError: one is.
        """
        if name.lower() in self._resources[scope]:
            raise validation_exception(f'Cannot create already existing {self._words} "{self.arn(scope, name)}".')

    def get(self, scope: Scope, name: str) -> ResourceT:
        """Return the resource called ``name``.

        Raises:
            NotFoundError: there is none.
        """
        resource = self._resources[scope].get(name.lower())
        if resource is None:
            message = f'Could not find {self._words} "{self.arn(scope, name)}".'
            raise NotFoundError("ValidationException", message)
        return resource

    def remove(self, scope: Scope, name: str) -> ResourceT:
        """Remove and return the resource called ``name``.

        Raises:
            NotFoundError: there is none.
        """
        resource = self.get(scope, name)
        del self._resources[scope][name.lower()]
        return resource

    def in_scope(self, scope: Scope) -> list[ResourceT]:
        """Return the resources of one scope, oldest first."""
        return list(self._resources[scope].values())

    def __iter__(self) -> Iterator[ResourceT]:
        for resources in list(self._resources.values()):
            yield from list(resources.values())
