"""Finds the scalable target of a SageMaker variant in a template, and says what is there instead."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from scaling_simulator.endpoint_configs import ENDPOINT, of_kind
from scaling_simulator.exceptions import SimulationError

if TYPE_CHECKING:
    from collections.abc import Collection

    from scaling_simulator.endpoint_configs import Resources

DIMENSION: Final = "sagemaker:variant:DesiredInstanceCount"
_TARGET: Final = "AWS::ApplicationAutoScaling::ScalableTarget"


def variant_target(resources: Resources, wanted: Collection[str]) -> tuple[str, dict[str, Any]]:
    """Return the one scalable target of a variant, or of several the one that is ``wanted``.

    Raises:
        SimulationError: there is none, or there are several and not one of them is wanted.
    """
    targets = {
        logical_id: properties
        for logical_id, properties in of_kind(resources, _TARGET).items()
        if properties.get("ScalableDimension") == DIMENSION
    }
    if not targets:
        raise SimulationError(f"it has no scalable target of {DIMENSION}: {_instead(resources)}")
    chosen = [logical_id for logical_id in targets if logical_id in wanted or len(targets) == 1]
    if len(chosen) != 1:
        known = ", ".join(
            f"{logical_id} ({properties.get('ResourceId')})" for logical_id, properties in targets.items()
        )
        raise SimulationError(f"it has several scalable targets, choose one with --target: {known}")
    return chosen[0], targets[chosen[0]]


def _instead(resources: Resources) -> str:
    """Return what a template without scaling has of it."""
    found = [
        f"{logical_id} scales {properties.get('ScalableDimension')}"
        for logical_id, properties in of_kind(resources, _TARGET).items()
    ]
    found += [f"{logical_id} is an endpoint that never scales" for logical_id in of_kind(resources, ENDPOINT)]
    return ", ".join(found) or "nor an endpoint"
