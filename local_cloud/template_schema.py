"""Which properties a resource of a template may have, and must.

CloudFormation holds each resource against the schema of its type before it calls the service. The types that are this
project's own have the members of an operation as their properties, with the exceptions below.

Source: *CloudFormation Template Reference*, which the CDK's L1 constructs follow
(``tests/infrastructure/test_template_schema.py`` compares); the words of refusals are those that users post.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from botocore.model import ListShape, StructureShape

from local_cloud.service_model import input_shape

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from botocore.model import Shape

_NOT_IN_TEMPLATES: Final[Mapping[str, tuple[str, ...]]] = {
    "CreateEndpointConfigInput": ("CrossRegionTrafficConfig",),
    "ProductionVariant": ("AcceleratorPartitionLayouts",),
    "ContainerDefinition": ("AdditionalModelDataSources", "ContainerMetricsConfig"),
    "S3ModelDataSource": ("ManifestS3Uri", "ETag", "ManifestEtag"),
}
"""What only the operation takes, by shape."""

_REQUIRED: Final[Mapping[str, tuple[str, ...]]] = {
    "CreateModelInput": (),
    "ModelDataSource": ("S3DataSource",),
    "CreateEndpointConfigInput": ("ProductionVariants",),
    "ProductionVariantRoutingConfig": (),
    "CreateEndpointInput": ("EndpointConfigName",),
    "AutoRollbackConfig": ("Alarms",),
    "Alarm": ("AlarmName",),
    "TrafficRoutingConfig": ("Type",),
    "RegisterScalableTargetRequest": (
        *("MaxCapacity", "MinCapacity"),
        *("ResourceId", "ScalableDimension", "ServiceNamespace"),
    ),
    "PutCompositeAlarmInput": ("AlarmRule",),
    "PutScheduledActionRequest": ("Schedule", "ScheduledActionName"),
    "PutScalingPolicyRequest": ("PolicyName", "PolicyType"),
    "TargetTrackingMetricDataQuery": (),
    "TargetTrackingMetricStat": (),
    "TargetTrackingMetricDimension": (),
    "PredictiveScalingMetricDataQuery": (),
    "PredictiveScalingMetricStat": (),
    "PredictiveScalingMetricDimension": (),
}
"""What a template has to say where that is something else than what the operation needs, by shape."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TemplateSchema:
    """What one object of a template may have.

    Attributes:
        properties: by name; ``None`` for what is no object nor a list of objects.
        required: names of those that must be there.
    """

    properties: Mapping[str, TemplateSchema | None]
    required: tuple[str, ...]

    def violations(self, value: Any, path: str = "#") -> Iterator[str]:  # noqa: ANN401 - a template's properties
        """Yield what is wrong with ``value``, one sentence each.

        Args:
            value: an object, or a list of such objects; what is neither is left to the service.
            path: where it stands in the resource's properties.
        """
        if isinstance(value, list):
            for index, item in enumerate(value):
                yield from self.violations(item, f"{path}/{index}")
        elif isinstance(value, dict):
            yield from self._object_violations(value, path)

    def _object_violations(self, value: Mapping[str, Any], path: str) -> Iterator[str]:
        for name in self.required:
            if name not in value:
                yield f"{path}: required key [{name}] not found"
        for name, item in value.items():
            if name not in self.properties:
                yield f"{path}: extraneous key [{name}] is not permitted"
            elif schema := self.properties[name]:
                yield from schema.violations(item, f"{path}/{name}")


def template_schema(service: str, operation: str, **more: TemplateSchema | None) -> TemplateSchema:
    """Return the schema of the type whose resources ``operation`` makes.

    Args:
        service: botocore's name of it.
        operation: such as ``CreateModel``.
        more: properties that only templates have.
    """
    shape = input_shape(service, operation)
    known = _schema_of(shape)
    return TemplateSchema(properties={**known.properties, **more}, required=known.required)


def _schema_of(shape: StructureShape) -> TemplateSchema:
    left_out = _NOT_IN_TEMPLATES.get(shape.name, ())
    return TemplateSchema(
        properties={name: _nested(member) for name, member in shape.members.items() if name not in left_out},
        required=_REQUIRED.get(shape.name, tuple(shape.required_members)),
    )


def _nested(shape: Shape) -> TemplateSchema | None:
    while isinstance(shape, ListShape):
        shape = shape.member
    return _schema_of(shape) if isinstance(shape, StructureShape) else None
