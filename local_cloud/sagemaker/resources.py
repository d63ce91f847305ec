"""Models and endpoint configurations: immutable once created, as on AWS."""

from __future__ import annotations

from dataclasses import dataclass, field
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from local_cloud.errors import validation_exception

if TYPE_CHECKING:
    from collections.abc import Mapping

    from local_cloud.json_api import Members


@dataclass(frozen=True, kw_only=True, slots=True)
class Model:
    """A container image with its environment and role.

    Attributes:
        name: unique in its scope.
        arn: of the model.
        created_at: simulated seconds since the epoch.
        definition: the members of the ``CreateModel`` that made it.
    """

    name: str
    arn: str
    created_at: float
    definition: Members

    @property
    def _container(self) -> Members:
        containers: list[Members] = self.definition.get("Containers") or [{}]
        container: Members = self.definition.get("PrimaryContainer") or containers[0]
        return container

    @property
    def _data_source(self) -> Members:
        return (self._container.get("ModelDataSource") or {}).get("S3DataSource") or {}

    @property
    def image(self) -> str:
        """The image's URI, empty where the model names none."""
        return str(self._container.get("Image", ""))

    @property
    def is_single(self) -> bool:
        """Whether it is one model in one container."""
        return len(self.definition.get("Containers") or [1]) == 1 and self._container.get("Mode") != "MultiModel"

    @property
    def role_arn(self) -> str:
        """The role that SageMaker assumes for the model's endpoints, empty where the model names none."""
        return str(self.definition.get("ExecutionRoleArn", ""))

    @property
    def artefact(self) -> str | None:
        """The S3 URI of what the container finds in ``/opt/ml/model``; ``None`` for an image that brings all along."""
        return self._container.get("ModelDataUrl") or self._data_source.get("S3Uri")

    @property
    def artefact_is_prefix(self) -> bool:
        """Whether the artefact is all objects below a prefix."""
        return bool(self._data_source.get("S3DataType") == "S3Prefix")

    @property
    def artefact_is_archive(self) -> bool:
        """Whether the artefact is a gzip-compressed TAR archive, to be unpacked."""
        return self._data_source.get("CompressionType") != "None"

    @property
    def is_isolated(self) -> bool:
        """Whether the container is cut off from every network."""
        return bool(self.definition.get("EnableNetworkIsolation"))

    @property
    def environment(self) -> Mapping[str, str]:
        """What the container finds in its environment."""
        environment: Mapping[str, str] = self._container.get("Environment") or {}
        return environment

    def summary(self) -> dict[str, Any]:
        """Return the model as ``ListModels`` shows it."""
        return {"ModelName": self.name, "ModelArn": self.arn, "CreationTime": self.created_at}

    def description(self) -> dict[str, Any]:
        """Return the model as ``DescribeModel`` shows it."""
        return {name: value for name, value in self.definition.items() if name != "Tags"} | self.summary()


@dataclass(frozen=True, kw_only=True, slots=True)
class AsyncInferenceSettings:
    """The ``AsyncInferenceConfig`` of an endpoint configuration.

    Attributes:
        output_path: S3 URI under which outputs go.
        failure_path: S3 URI under which failures go; without it they leave no object.
        kms_key_id: encrypts both.
        success_topic: ARN of the SNS topic told of successes.
        error_topic: ARN of the SNS topic told of failures.
        topics_with_response: which of ``SUCCESS_NOTIFICATION_TOPIC`` and ``ERROR_NOTIFICATION_TOPIC`` get the response.
        max_concurrency: invocations sent to an instance at a time.
    """

    output_path: str
    failure_path: str | None = None
    kms_key_id: str | None = None
    success_topic: str | None = None
    error_topic: str | None = None
    topics_with_response: frozenset[str] = field(default_factory=frozenset)
    max_concurrency: int | None = None

    @classmethod
    def from_members(cls, members: Members) -> AsyncInferenceSettings:
        """Read ``AsyncInferenceConfig``.

        Raises:
            AwsError: it names no output path.
        """
        output = members["OutputConfig"]
        if not output.get("S3OutputPath"):
            raise validation_exception("AsyncInferenceConfig.OutputConfig.S3OutputPath is required")
        notification = output.get("NotificationConfig") or {}
        return cls(
            output_path=output["S3OutputPath"],
            failure_path=output.get("S3FailurePath"),
            kms_key_id=output.get("KmsKeyId"),
            success_topic=notification.get("SuccessTopic"),
            error_topic=notification.get("ErrorTopic"),
            topics_with_response=frozenset(notification.get("IncludeInferenceResponseIn") or ()),
            max_concurrency=(members.get("ClientConfig") or {}).get("MaxConcurrentInvocationsPerInstance"),
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class EndpointConfig:
    """What an endpoint is made of: one production variant and where its results go.

    Attributes:
        name: unique in its scope.
        arn: of the configuration.
        created_at: simulated seconds since the epoch.
        definition: the members of the ``CreateEndpointConfig`` that made it.
        asynchronous: ``None`` for a configuration of real-time inference.
    """

    name: str
    arn: str
    created_at: float
    definition: Members
    asynchronous: AsyncInferenceSettings | None

    @property
    def variant(self) -> Members:
        """The production variant; asynchronous endpoints have one."""
        variant: Members = self.definition["ProductionVariants"][0]
        return variant

    @property
    def variant_name(self) -> str:
        """The name of :attr:`variant`."""
        return str(self.variant["VariantName"])

    @property
    def model_name(self) -> str:
        """The model of :attr:`variant`."""
        return str(self.variant.get("ModelName", ""))

    @property
    def instance_types(self) -> tuple[str, ...]:
        """The types that an instance may have, the most wanted first; empty text where the variant names none."""
        pools = sorted(self.variant.get("InstancePools") or (), key=itemgetter("Priority"))
        return tuple(str(pool["InstanceType"]) for pool in pools) or (str(self.variant.get("InstanceType", "")),)

    @property
    def initial_instance_count(self) -> int:
        """Instances to start with."""
        return int(self.variant.get("InitialInstanceCount", 1))

    @property
    def initial_weight(self) -> float:
        """The variant's share of requests, all of which it gets."""
        return float(self.variant.get("InitialVariantWeight", 1.0))

    def summary(self) -> dict[str, Any]:
        """Return the configuration as ``ListEndpointConfigs`` shows it."""
        return {"EndpointConfigName": self.name, "EndpointConfigArn": self.arn, "CreationTime": self.created_at}

    def description(self) -> dict[str, Any]:
        """Return the configuration as ``DescribeEndpointConfig`` shows it."""
        return {name: value for name, value in self.definition.items() if name != "Tags"} | self.summary()
