"""The control API's operations on models and endpoint configurations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from local_cloud.errors import AwsError, validation_exception
from local_cloud.sagemaker.listing import page
from local_cloud.sagemaker.model_checks import check_definition
from local_cloud.sagemaker.resources import AsyncInferenceSettings, EndpointConfig, Model
from local_cloud.sagemaker.tags import check_tags

if TYPE_CHECKING:
    from local_cloud.clock import SimulatedClock
    from local_cloud.json_api import Members, Operation
    from local_cloud.sagemaker.execution_roles import ExecutionRoles
    from local_cloud.sagemaker.registry import Registry
    from local_cloud.sagemaker.tags import Tags
    from local_cloud.scope import Scope


_NOT_ASYNCHRONOUS: Final = ("CrossRegionTrafficConfig", "DataCaptureConfig", "ShadowProductionVariants")
_WITHOUT_ASYNCHRONOUS: Final = "ml.inf1."
_NOT_OF_A_VARIANT: Final = ("ManagedInstanceScaling", "ServerlessConfig")


class ModelOperations:
    """Creates, shows and deletes what endpoints are made of.

    Args:
        clock: of creation times.
        models: where models are kept.
        configs: where endpoint configurations are kept.
        tags: of both.
        roles: checks execution roles.
    """

    def __init__(
        self,
        clock: SimulatedClock,
        models: Registry[Model],
        configs: Registry[EndpointConfig],
        tags: Tags,
        roles: ExecutionRoles,
    ) -> None:
        self._roles = roles
        self._clock = clock
        self._models = models
        self._configs = configs
        self._tags = tags

    def operations(self) -> dict[str, Operation]:
        """Return the operations by AWS's names."""
        return {
            "CreateModel": self.create_model,
            "DescribeModel": self.describe_model,
            "ListModels": self.list_models,
            "DeleteModel": self.delete_model,
            "CreateEndpointConfig": self.create_endpoint_config,
            "DescribeEndpointConfig": self.describe_endpoint_config,
            "ListEndpointConfigs": self.list_endpoint_configs,
            "DeleteEndpointConfig": self.delete_endpoint_config,
        }

    async def create_model(self, scope: Scope, members: Members) -> Members:
        """Perform ``CreateModel``."""
        check_tags(members)
        name = members["ModelName"]
        model = Model(name=name, arn=self._models.arn(scope, name), created_at=self._clock.now(), definition=members)
        check_definition(scope, members)
        self._models.require_free(scope, name)
        await self._roles.check_model(scope, model)
        self._models.add(scope, model)
        self._tags.put(model.arn, members)
        return {"ModelArn": model.arn}

    async def describe_model(self, scope: Scope, members: Members) -> Members:
        """Perform ``DescribeModel``."""
        return self._models.get(scope, members["ModelName"]).description()

    async def list_models(self, scope: Scope, members: Members) -> Members:
        """Perform ``ListModels``."""
        return page("Model", [model.summary() for model in self._models.in_scope(scope)], members)

    async def delete_model(self, scope: Scope, members: Members) -> Members:
        """Perform ``DeleteModel``."""
        self._tags.forget(self._models.remove(scope, members["ModelName"]).arn)
        return {}

    async def create_endpoint_config(self, scope: Scope, members: Members) -> Members:
        """Perform ``CreateEndpointConfig``."""
        check_tags(members)
        asynchronous = members.get("AsyncInferenceConfig")
        if asynchronous:
            _check_asynchronous(members)
        name = members["EndpointConfigName"]
        config = EndpointConfig(
            name=name,
            arn=self._configs.arn(scope, name),
            created_at=self._clock.now(),
            definition=members,
            asynchronous=AsyncInferenceSettings.from_members(asynchronous) if asynchronous else None,
        )
        model = self._models.get(scope, config.model_name)
        if asynchronous and not model.is_single:
            raise _unsupported("multi-model endpoints and inference pipelines")
        self._configs.add(scope, config)
        self._tags.put(config.arn, members)
        return {"EndpointConfigArn": config.arn}

    async def describe_endpoint_config(self, scope: Scope, members: Members) -> Members:
        """Perform ``DescribeEndpointConfig``."""
        return self._configs.get(scope, members["EndpointConfigName"]).description()

    async def list_endpoint_configs(self, scope: Scope, members: Members) -> Members:
        """Perform ``ListEndpointConfigs``."""
        return page("EndpointConfig", [config.summary() for config in self._configs.in_scope(scope)], members)

    async def delete_endpoint_config(self, scope: Scope, members: Members) -> Members:
        """Perform ``DeleteEndpointConfig``."""
        self._tags.forget(self._configs.remove(scope, members["EndpointConfigName"]).arn)
        return {}


def _check_asynchronous(members: Members) -> None:
    """Check a configuration for what asynchronous endpoints do not have.

    Source: *SageMaker Developer Guide*, "Model deployment feature matrix".

    Raises:
        AwsError: it asks for some of that, or its variant says too little.
    """
    if len(members["ProductionVariants"]) > 1:
        raise _unsupported("more than one production variant")
    for name in _NOT_ASYNCHRONOUS:
        if members.get(name):
            raise _unsupported(name)
    [variant] = members["ProductionVariants"]
    for name in _NOT_OF_A_VARIANT:
        if variant.get(name):
            raise _unsupported(name)
    pools = [pool["InstanceType"] for pool in variant.get("InstancePools") or ()]
    for instance_type in (variant.get("InstanceType", ""), *pools):
        if instance_type.startswith(_WITHOUT_ASYNCHRONOUS):
            raise _unsupported(instance_type)
    _check_pools(variant)
    if not (variant.get("InstanceType") or variant.get("InstancePools")) or not variant.get("InitialInstanceCount"):
        raise validation_exception("InstanceType and InitialInstanceCount are required of a production variant")


def _check_pools(variant: Members) -> None:
    """Check that pools stand in for the instance type, each with a priority of its own.

    Source: *SageMaker Developer Guide*, "Deploy to multiple instance types with instance pools".
    """
    priorities = [pool["Priority"] for pool in variant.get("InstancePools") or ()]
    if priorities and variant.get("InstanceType"):
        raise validation_exception("Only one of InstanceType and InstancePools can be specified.")
    if len(set(priorities)) != len(priorities):
        raise validation_exception(f"The priorities of InstancePools must be unique, not {priorities}.")


def _unsupported(feature: str) -> AwsError:
    return validation_exception(f"AsyncInferenceConfig is not supported with {feature}")
