"""What is said of a single deployment on the command line, and what it makes of the settings."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from difflib import get_close_matches
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from constructs import Node

    from stacks.settings import EndpointSettings, StageSettings

_SWITCH: Final = ("on", "off")


class DeploymentOptionError(ValueError):
    """An option of the deployment is misspelt, or one is missing that has to be given."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DeploymentOptions:
    """Options of one deployment; see docs/updates.md.

    Attributes:
        scaling: ``-c scaling=…``: ``off`` takes the scaling of those endpoints away whose instance type is being
            changed; ``None`` where it was not given, which is refused while one is.
        rollback: ``-c rollback=off`` deploys unwatched: while the endpoint fails, the very alarm that guards a
            deployment would take back the one that mends it.
    """

    scaling: bool | None = None
    rollback: bool = True

    @classmethod
    def from_context(cls, node: Node) -> DeploymentOptions:
        """Read the options from the app's context.

        Raises:
            DeploymentOptionError: one has a value other than ``on`` and ``off``, or is misspelt.
        """
        _refuse_misspelt(node)
        return cls(scaling=_switch(node, "scaling"), rollback=_switch(node, "rollback") is not False)

    def check(self, stage: StageSettings) -> None:
        """Refuse an option that nothing in ``stage`` has a use for.

        Raises:
            DeploymentOptionError: the scaling is to be taken away, and no instance type is being changed.
        """
        if self.scaling is False and not any(endpoint.instance_types_before for endpoint in stage.endpoints):
            raise DeploymentOptionError(
                f"-c scaling=off is for changing an instance type, and no endpoint of stage {stage.name} has"
                " instance_types_before in its settings: say there which types are deployed (docs/updates.md)"
            )

    def leave_scaled(self, endpoint: EndpointSettings) -> bool:
        """Return whether ``endpoint`` is scaled after this deployment."""
        return not endpoint.instance_types_before or self.scaling is not False

    def applied_to(self, endpoint: EndpointSettings) -> EndpointSettings:
        """Return the settings that this deployment deploys.

        SageMaker refuses to change the instance type of an endpoint while it is scaled, and CloudFormation takes away
        what a template no longer has only after it has changed the rest. So the first of two deployments takes the
        scaling away and keeps the type, the second changes the type and brings the scaling back.

        Raises:
            DeploymentOptionError: the instance type is being changed, and it was not said which of the two this is.
        """
        if not endpoint.instance_types_before:
            return endpoint
        if self.scaling is None:
            before, after = map(", ".join, (endpoint.instance_types_before, endpoint.instance_types))
            raise DeploymentOptionError(
                f"endpoint {endpoint.name} changes from {before} to {after}, which takes two deployments: first"
                " -c scaling=off, then -c scaling=on; after them take instance_types_before out of its settings"
                " (docs/updates.md)"
            )
        if self.scaling:
            return endpoint
        instance_type, *fallback = endpoint.instance_types_before
        return replace(
            endpoint, instance_type=instance_type, fallback_instance_types=tuple(fallback), instance_types_before=()
        )


SETTLED: Final = DeploymentOptions(scaling=True)
"""What a stage is in the end, when every change of an instance type in its settings is made: what tests look at."""


def _refuse_misspelt(node: Node) -> None:
    """Refuse what the CDK would pass over in silence; what is nothing like an option may be somebody's own."""
    options = [option.name for option in fields(DeploymentOptions)]
    for name in node.get_all_context():
        if name not in options and (meant := get_close_matches(name, options, n=1, cutoff=0.8)):
            raise DeploymentOptionError(f"there is no option {name}: -c {meant[0]}=… is meant, or give it another name")


def _switch(node: Node, name: str) -> bool | None:
    value = node.try_get_context(name)
    if value is None:
        return None
    if value not in _SWITCH:
        raise DeploymentOptionError(f"{name} is {value!r}, allowed is one of {', '.join(_SWITCH)}")
    return bool(value == "on")
