"""The endpoint's configuration in a template: what it starts with, and what an instance is sent at a time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from scaling_simulator.exceptions import SimulationError

Resources = Mapping[str, tuple[str, dict[str, Any]]]
"""Type and resolved properties of a template's resources, by logical id."""

ENDPOINT: Final = "AWS::SageMaker::Endpoint"
_CONFIG: Final = "AWS::SageMaker::EndpointConfig"


def of_kind(resources: Resources, wanted: str) -> dict[str, dict[str, Any]]:
    """Return the properties of the resources of a type, by logical id."""
    return {logical_id: properties for logical_id, (kind, properties) in resources.items() if kind == wanted}


@dataclass(frozen=True, kw_only=True, slots=True)
class EndpointConfig:
    """An endpoint configuration, or the lack of one where the endpoint is not in the template.

    Attributes:
        logical_id: of it.
        properties: resolved.
    """

    logical_id: str
    properties: Mapping[str, Any]

    def initial_instances(self, variant: str) -> int:
        """Return how many instances the variant starts with."""
        return self._count("InitialInstanceCount", self._variant(variant).get("InitialInstanceCount", 1))

    def instance_type(self, variant: str) -> str | None:
        """Return the variant's instance type, ``None`` where none is named."""
        name = self._variant(variant).get("InstanceType")
        return None if name is None else str(name)

    @property
    def max_concurrency(self) -> int | None:
        """How many invocations an instance is sent at a time, ``None`` where that is left to SageMaker."""
        value = self._object("AsyncInferenceConfig", "ClientConfig").get("MaxConcurrentInvocationsPerInstance")
        return None if value is None else self._count("MaxConcurrentInvocationsPerInstance", value)

    def _variant(self, name: str) -> Mapping[str, Any]:
        listed = self.properties.get("ProductionVariants") or []
        if not isinstance(listed, list) or not all(isinstance(each, Mapping) for each in listed):
            raise SimulationError(f"{self.logical_id}: ProductionVariants is {listed!r}, expected a list of objects")
        variants: dict[str, Mapping[str, Any]] = {str(each.get("VariantName")): each for each in listed}
        if variants and name not in variants:
            known = ", ".join(variants)
            raise SimulationError(f"{self.logical_id}: has no variant {name}, which is to be scaled, but {known}")
        return variants.get(name, {})

    def _object(self, *path: str) -> Mapping[str, Any]:
        value: object = self.properties
        for name in path:
            value = value.get(name) or {} if isinstance(value, Mapping) else value
        if not isinstance(value, Mapping):
            raise SimulationError(f"{self.logical_id}: {'.'.join(path)} is {value!r}, expected an object")
        return value

    def _count(self, name: str, value: object) -> int:
        text = str(value).removesuffix(".0")
        if not text.isdecimal():
            raise SimulationError(f"{self.logical_id}: {name} is {value!r}, expected a whole number")
        return int(text)


def endpoint_config(resources: Resources, endpoint_name: str) -> EndpointConfig:
    """Return the configuration of the endpoint, or the only one that there is, or one that says nothing.

    Raises:
        SimulationError: it is that of a real-time endpoint, which has no queue.
    """
    configs = of_kind(resources, _CONFIG)
    name = _config_name(resources, endpoint_name)
    for logical_id, properties in configs.items():
        if name in (f"<{logical_id}.EndpointConfigName>", properties.get("EndpointConfigName")) or len(configs) == 1:
            if "AsyncInferenceConfig" not in properties:
                raise SimulationError(
                    f"{logical_id}: has no AsyncInferenceConfig, so its endpoint is a real-time one without a queue"
                )
            return EndpointConfig(logical_id=logical_id, properties=properties)
    return EndpointConfig(logical_id="", properties={})


def _config_name(resources: Resources, endpoint_name: str) -> str | None:
    for logical_id, properties in of_kind(resources, ENDPOINT).items():
        if endpoint_name in (properties.get("EndpointName"), f"<{logical_id}.EndpointName>"):
            return properties.get("EndpointConfigName")
    return None
