"""What can be done to endpoints, and when: create, update, scale, delete."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from local_cloud.errors import validation_exception
from local_cloud.sagemaker.container_host import ContainerHost, stop_seconds
from local_cloud.sagemaker.deployment_policy import UNWATCHED, DeploymentPolicy
from local_cloud.sagemaker.endpoint import Endpoint, PendingDeployment
from local_cloud.sagemaker.endpoint_metrics import EndpointMetrics, StoreSample, namespace
from local_cloud.sagemaker.endpoint_work import EndpointWork
from local_cloud.sagemaker.registry import Registry
from local_cloud.sagemaker.release import ReleaseMaker

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from local_cloud.assumptions import Assumptions
    from local_cloud.aws_clients import AwsClients
    from local_cloud.clock import SimulatedClock
    from local_cloud.json_api import Members
    from local_cloud.ministack_bridge import MiniStack
    from local_cloud.sagemaker.execution_roles import ExecutionRoles
    from local_cloud.sagemaker.instance_capacity import InstanceCapacity
    from local_cloud.sagemaker.resources import EndpointConfig, Model
    from local_cloud.scope import Scope

INSTANCE_COUNT: Final = "DesiredInstanceCount"
"""The variant property that says how many instances there are."""

WEIGHT: Final = "DesiredWeight"
"""The variant property that says which share of requests a variant gets."""


class Endpoints:
    """All endpoints of the local cloud.

    Args:
        clock: of everything but the models' computing.
        ministack: keeps the metrics.
        clients: of S3 and SNS.
        models: where models are kept.
        configs: where endpoint configurations are kept.
        commands: programs by the image that they stand for.
        capacity: the instances that there are.
        assumptions: what AWS leaves open.
        roles: checks execution roles.
    """

    def __init__(
        self,
        *,
        clock: SimulatedClock,
        ministack: MiniStack,
        clients: AwsClients,
        models: Registry[Model],
        configs: Registry[EndpointConfig],
        commands: Mapping[str, tuple[str, ...]],
        capacity: InstanceCapacity,
        assumptions: Assumptions,
        roles: ExecutionRoles,
    ) -> None:
        self._roles = roles
        self._clock = clock
        self._ministack = ministack
        self._models = models
        self._configs = configs
        self._assumptions = assumptions
        self._host = ContainerHost(stop_seconds(clock))
        self._endpoints: Registry[Endpoint] = Registry("endpoint")
        releases = ReleaseMaker(
            clock=clock, clients=clients, host=self._host, capacity=capacity, commands=commands, assumptions=assumptions
        )
        self._work = EndpointWork(clock, releases, self._is_in_alarm, self._forget)

    def __iter__(self) -> Iterator[Endpoint]:
        return iter(self._endpoints)

    def get(self, scope: Scope, name: str) -> Endpoint:
        """Return the endpoint called ``name``.

        Raises:
            AwsError: there is none.
        """
        return self._endpoints.get(scope, name)

    def in_scope(self, scope: Scope) -> list[Endpoint]:
        """Return the endpoints of one scope, oldest first."""
        return self._endpoints.in_scope(scope)

    def create(self, scope: Scope, name: str, config_name: str, deployment: Members) -> Endpoint:
        """Begin to create an endpoint.

        Raises:
            AwsError: the name is taken, the configuration or its model does not exist, it is none for asynchronous
                inference, the model's execution role may not do what is needed, or ``deployment``, which holds for
                later updates, is none.
        """
        self._endpoints.require_free(scope, name)
        config, model = self._asynchronous_config(scope, config_name)
        DeploymentPolicy.from_members(deployment)
        endpoint = Endpoint(
            scope=scope,
            name=name,
            arn=self._endpoints.arn(scope, name),
            config=config,
            clock=self._clock,
            metrics=EndpointMetrics(name, self._clock, self._metric_store(scope)),
            assumptions=self._assumptions.scaling,
        )
        endpoint.deployment = deployment
        self._endpoints.add(scope, endpoint)
        pending = self._pending(config, model, config.initial_instance_count, config.initial_weight)
        self._work.deploy(endpoint, "Creating", pending, UNWATCHED)
        return endpoint

    def update_parties(self, scope: Scope, name: str, config_name: str) -> tuple[Endpoint, EndpointConfig]:
        """Return an endpoint that can be updated, and the configuration that it shall have.

        Raises:
            AwsError: endpoint, configuration or model do not exist, an operation is going on, or the endpoint's present
                configuration has been deleted: users report that SageMaker needs both.
        """
        endpoint = self._in_service(self.get(scope, name))
        self._configs.get(scope, endpoint.config.name)
        return endpoint, self._asynchronous_config(scope, config_name)[0]

    def update(
        self, endpoint: Endpoint, config: EndpointConfig, *, retained: Collection[str], deployment: Members
    ) -> None:
        """Begin to change an endpoint's configuration; the old instances work until the new ones are in service.

        Args:
            endpoint: at rest.
            config: what it shall have.
            retained: which variant properties stay as they are: :data:`INSTANCE_COUNT`, :data:`WEIGHT`.
            deployment: the ``DeploymentConfig``.

        Raises:
            AwsError: the model or an alarm does not exist, the execution role may not do what is needed, or
                ``deployment`` is none.
        """
        config, model = self._asynchronous_config(endpoint.scope, config.name)
        count = endpoint.desired_count if INSTANCE_COUNT in retained else config.initial_instance_count
        weight = endpoint.weight if WEIGHT in retained else config.initial_weight
        policy = DeploymentPolicy.from_members(deployment)
        policy.steps(count)
        self._check_alarms(endpoint.scope, policy, model)
        endpoint.deployment = deployment
        self._work.deploy(endpoint, "Updating", self._pending(config, model, count, weight), policy)

    def scale(self, endpoint: Endpoint, count: int, weight: float | None = None) -> None:
        """Begin to change the number of instances, and the weight unless it is ``None``.

        Raises:
            AwsError: an operation is going on.
        """
        self._work.resize(self._in_service(endpoint), count, endpoint.weight if weight is None else weight)

    def delete(self, scope: Scope, name: str) -> Endpoint:
        """Begin to delete an endpoint with whatever it has queued.

        Raises:
            AwsError: there is none, or an operation is going on.
        """
        endpoint = self._at_rest(self.get(scope, name))
        self._work.close(endpoint)
        return endpoint

    async def stop(self) -> None:
        """Stop all instances, because the local cloud ends."""
        self._host.close()
        operations = [endpoint.operation for endpoint in self if endpoint.operation is not None]
        for operation in operations:
            operation.cancel()
        await asyncio.gather(*operations, return_exceptions=True)
        await asyncio.gather(*(endpoint.stop() for endpoint in self))
        self._host.kill_all()

    def _pending(self, config: EndpointConfig, model: Model, count: int, weight: float) -> PendingDeployment:
        return PendingDeployment(config=config, model=model, count=count, weight=weight, started_at=self._clock.now())

    def _forget(self, endpoint: Endpoint) -> None:
        self._endpoints.remove(endpoint.scope, endpoint.name)

    def _is_in_alarm(self, scope: Scope, name: str) -> bool:
        return self._ministack.alarms.states(scope).get(name) == "ALARM"

    def _check_alarms(self, scope: Scope, policy: DeploymentPolicy, model: Model) -> None:
        known = self._ministack.alarms.states(scope)
        if missing := [name for name in policy.alarms if name not in known]:
            raise validation_exception(f"Could not find the alarms {', '.join(missing)}")
        if policy.alarms:
            self._roles.check_alarms(scope, model.role_arn, policy.alarms)

    def _asynchronous_config(self, scope: Scope, name: str) -> tuple[EndpointConfig, Model]:
        """Return a configuration with its model, which may have been deleted since the configuration was made."""
        config = self._configs.get(scope, name)
        if config.asynchronous is None:
            raise validation_exception(f"the local cloud runs asynchronous endpoints only: {config.arn} is none")
        model = self._models.get(scope, config.model_name)
        self._roles.check_destinations(scope, model.role_arn, config.asynchronous)
        self._roles.check_volumes(scope, model.role_arn, config.definition.get("KmsKeyId"))
        return config, model

    def _metric_store(self, scope: Scope) -> StoreSample:
        def put(name: str, dimensions: Mapping[str, str], value: float, unit: str, moment: float) -> None:
            self._ministack.metrics.put(scope, namespace(name), name, dimensions, value, unit=unit, timestamp=moment)

        return put

    @classmethod
    def _in_service(cls, endpoint: Endpoint) -> Endpoint:
        """Refuse endpoints that have failed: all that can be done to them is to delete them."""
        if cls._at_rest(endpoint).status == "Failed":
            raise validation_exception(f'Cannot update failed endpoint "{endpoint.arn}": delete it.')
        return endpoint

    @staticmethod
    def _at_rest(endpoint: Endpoint) -> Endpoint:
        if endpoint.status not in ("InService", "Failed"):
            raise validation_exception(f'Cannot update in-progress endpoint "{endpoint.arn}".')
        return endpoint
