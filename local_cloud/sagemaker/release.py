"""A configuration of an endpoint at work: its instances, and in whose name they work."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from local_cloud.sagemaker.container_specification import container_specification
from local_cloud.sagemaker.endpoint_logs import EndpointLogs
from local_cloud.sagemaker.fleet import Fleet
from local_cloud.sagemaker.instance_supply import instance_supply
from local_cloud.sagemaker.invocation import Invoker
from local_cloud.sagemaker.model_data import ModelData
from local_cloud.sagemaker.payloads import Payloads

if TYPE_CHECKING:
    from collections.abc import Mapping

    from local_cloud.assumptions import Assumptions
    from local_cloud.aws_clients import AwsClients
    from local_cloud.clock import SimulatedClock
    from local_cloud.sagemaker.container_host import ContainerHost
    from local_cloud.sagemaker.container_specification import ContainerSpecification
    from local_cloud.sagemaker.endpoint import Endpoint
    from local_cloud.sagemaker.instance_capacity import InstanceCapacity
    from local_cloud.sagemaker.resources import EndpointConfig, Model


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Release:
    """What works for an endpoint.

    Attributes:
        config: the configuration.
        model: of the configuration, as it was when the release was made.
        fleet: its instances.
        invoker: works on requests, in the name of the model's execution role.
    """

    config: EndpointConfig
    model: Model
    fleet: Fleet
    invoker: Invoker


class ReleaseMaker:
    """Makes releases, which have no instances yet.

    Args:
        clock: of everything but the models' computing.
        clients: of S3, SNS and CloudWatch Logs.
        host: runs containers.
        capacity: the instances that there are.
        commands: programs by the image that they stand for.
        assumptions: what AWS leaves open.
    """

    def __init__(
        self,
        *,
        clock: SimulatedClock,
        clients: AwsClients,
        host: ContainerHost,
        capacity: InstanceCapacity,
        commands: Mapping[str, tuple[str, ...]],
        assumptions: Assumptions,
    ) -> None:
        self._clock = clock
        self._clients = clients
        self._host = host
        self._capacity = capacity
        self._commands = commands
        self._assumptions = assumptions

    def make(self, endpoint: Endpoint, config: EndpointConfig, model: Model) -> Release:
        """Return a release of ``config``.

        Raises:
            ContainerError: no program stands for the model's image.
        """
        scope, payloads = endpoint.scope, Payloads(self._clients, endpoint.scope, model.role_arn)
        return Release(
            config=config,
            model=model,
            fleet=Fleet(
                self._specification(endpoint, config, model),
                self._host,
                instance_supply(config, self._capacity, self._clock),
                self._clock,
                endpoint.dispatch,
                scale_in=self._assumptions.scaling.scale_in,
            ),
            invoker=Invoker(
                scope, endpoint.name, self._clock, payloads, endpoint.metrics, assumptions=self._assumptions
            ),
        )

    def _specification(self, endpoint: Endpoint, config: EndpointConfig, model: Model) -> ContainerSpecification:
        specification = container_specification(config, model, self._commands)
        own_rights = {} if model.is_isolated else self._clients.environment(endpoint.scope, model.role_arn)
        return replace(
            specification,
            variant_name=config.variant_name,
            environment=own_rights | dict(specification.environment),
            data=ModelData(clients=self._clients, scope=endpoint.scope, model=model),
            logs=EndpointLogs(self._clients, endpoint.scope, endpoint.name, model.role_arn),
        )
