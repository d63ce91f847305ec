"""What can be done to endpoints: create, update, scale, delete, each taking its time."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from local_cloud.errors import validation_exception
from local_cloud.sagemaker.container_host import ContainerHost
from local_cloud.sagemaker.container_specification import ContainerError, container_specification
from local_cloud.sagemaker.deployment_policy import UNWATCHED, DeploymentPolicy
from local_cloud.sagemaker.endpoint import Endpoint
from local_cloud.sagemaker.endpoint_logs import EndpointLogs
from local_cloud.sagemaker.endpoint_metrics import EndpointMetrics, StoreSample, namespace
from local_cloud.sagemaker.fleet import Fleet
from local_cloud.sagemaker.invocation import Invoker
from local_cloud.sagemaker.model_data import ModelData
from local_cloud.sagemaker.notifications import TEST_NOTIFICATION
from local_cloud.sagemaker.payloads import Payloads
from local_cloud.sagemaker.registry import Registry

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Mapping

    from local_cloud.assumptions import Assumptions
    from local_cloud.aws_clients import AwsClients
    from local_cloud.clock import SimulatedClock
    from local_cloud.json_api import Members
    from local_cloud.ministack_bridge import MiniStack
    from local_cloud.sagemaker.execution_roles import ExecutionRoles
    from local_cloud.sagemaker.resources import EndpointConfig, Model
    from local_cloud.scope import Scope

logger = logging.getLogger(__name__)


class Endpoints:
    """All endpoints of the local cloud.

    Args:
        clock: of everything but the models' computing.
        ministack: keeps the metrics.
        clients: of S3 and SNS.
        models: where models are kept.
        configs: where endpoint configurations are kept.
        commands: programs by the image that they stand for.
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
        assumptions: Assumptions,
        roles: ExecutionRoles,
    ) -> None:
        self._roles = roles
        self._clock = clock
        self._ministack = ministack
        self._clients = clients
        self._models = models
        self._configs = configs
        self._commands = commands
        self._assumptions = assumptions
        self._host = ContainerHost()
        self._endpoints: Registry[Endpoint] = Registry("endpoint")

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

    def create(self, scope: Scope, name: str, config_name: str) -> Endpoint:
        """Begin to create an endpoint.

        Raises:
            AwsError: the name is taken, the configuration or its model does not exist, it is none for asynchronous
                inference, or the model's execution role may not do what is needed.
        """
        self._endpoints.require_free(scope, name)
        config, model = self._asynchronous_config(scope, config_name)
        payloads = Payloads(self._clients, scope, model.role_arn)
        metrics = EndpointMetrics(name, self._clock, self._metric_store(scope))
        endpoint = Endpoint(
            scope=scope,
            name=name,
            arn=self._endpoints.arn(scope, name),
            config=config,
            clock=self._clock,
            invoker=Invoker(scope, name, self._clock, payloads, metrics, assumptions=self._assumptions),
            metrics=metrics,
            payloads=payloads,
            assumptions=self._assumptions.scaling,
        )
        self._endpoints.add(scope, endpoint)
        count = config.initial_instance_count
        self._begin(endpoint, "Creating", lambda: self._replace_fleet(endpoint, config, model, count))
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
        self, endpoint: Endpoint, config: EndpointConfig, *, retain_instance_count: bool, deployment: Members
    ) -> None:
        """Begin to change an endpoint's configuration; the old instances work until the new ones are in service.

        Raises:
            AwsError: the model or an alarm does not exist, or the execution role may not do what is needed.
        """
        config, model = self._asynchronous_config(endpoint.scope, config.name)
        policy = DeploymentPolicy.from_members(deployment)
        alarms = self._ministack.alarms.states(endpoint.scope)
        if missing := [name for name in policy.alarms if name not in alarms]:
            raise validation_exception(f"Could not find the alarms {', '.join(missing)}")
        if policy.alarms:
            self._roles.check_alarms(endpoint.scope, model.role_arn)
        endpoint.deployment = deployment
        count = endpoint.desired_count if retain_instance_count else config.initial_instance_count
        self._begin(endpoint, "Updating", lambda: self._replace_fleet(endpoint, config, model, count, policy))

    def scale(self, endpoint: Endpoint, count: int) -> None:
        """Begin to change the number of instances.

        Raises:
            AwsError: an operation is going on.
        """
        self._begin(self._in_service(endpoint), "Updating", lambda: self._resize(endpoint, count))

    def delete(self, scope: Scope, name: str) -> Endpoint:
        """Begin to delete an endpoint with whatever it has queued.

        Raises:
            AwsError: there is none, or an operation is going on.
        """
        endpoint = self.get(scope, name)
        self._begin(self._at_rest(endpoint), "Deleting", lambda: self._close(endpoint))
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

    def _begin(self, endpoint: Endpoint, status: str, operation: Callable[[], Awaitable[None]]) -> None:
        endpoint.status, endpoint.failure_reason = status, None
        endpoint.operation = asyncio.create_task(self._perform(endpoint, operation))

    async def _perform(self, endpoint: Endpoint, operation: Callable[[], Awaitable[None]]) -> None:
        try:
            await operation()
            if endpoint.status == "Deleting":
                return
            await self._send_test_notifications(endpoint)
        except ContainerError as error:
            endpoint.failure_reason = str(error)
            logger.warning("endpoint %s: %s", endpoint.name, error)
        except Exception as error:
            # Whatever it was, the endpoint has to come to rest: nobody could delete it otherwise.
            endpoint.failure_reason = f"the local cloud failed: {type(error).__name__}: {error}"
            logger.exception("endpoint %s: unexpected error", endpoint.name)
        usable = endpoint.status in ("Updating", "RollingBack") and endpoint.fleet is not None
        endpoint.status = "Failed" if endpoint.failure_reason and not usable else "InService"
        endpoint.modified_at = self._clock.now()
        endpoint.dispatch()

    async def _replace_fleet(
        self, endpoint: Endpoint, config: EndpointConfig, model: Model, count: int, policy: DeploymentPolicy = UNWATCHED
    ) -> None:
        fleet = await self._launch(endpoint, config, model, count)
        before = endpoint.fleet, endpoint.config, endpoint.payloads.role_arn
        endpoint.take(fleet, config, model.role_arn)
        retired = before[0]
        try:
            await policy.watch(self._clock, lambda name: self._is_in_alarm(endpoint.scope, name))
        except ContainerError:
            endpoint.status = "RollingBack"
            endpoint.take(*before)
            retired = fleet
            raise
        finally:
            if retired is not None:
                await retired.close()

    def _is_in_alarm(self, scope: Scope, name: str) -> bool:
        return self._ministack.alarms.states(scope).get(name) == "ALARM"

    async def _launch(self, endpoint: Endpoint, config: EndpointConfig, model: Model, count: int) -> Fleet:
        specification = container_specification(config, model, self._commands)
        own_rights = {} if model.is_isolated else self._clients.environment(endpoint.scope, model.role_arn)
        specification = replace(
            specification,
            variant_name=config.variant_name,
            environment=own_rights | dict(specification.environment),
            data=ModelData(clients=self._clients, scope=endpoint.scope, model=model),
            logs=EndpointLogs(self._clients, endpoint.scope, endpoint.name, model.role_arn),
        )
        fleet = Fleet(
            specification, self._host, self._clock, endpoint.dispatch, scale_in=self._assumptions.scaling.scale_in
        )
        try:
            await fleet.resize(count)
        except BaseException:
            await fleet.close()
            raise
        return fleet

    async def _resize(self, endpoint: Endpoint, count: int) -> None:
        if endpoint.fleet is not None:
            await endpoint.fleet.resize(count)

    async def _close(self, endpoint: Endpoint) -> None:
        if endpoint.fleet is not None:
            await endpoint.fleet.close()
        self._endpoints.remove(endpoint.scope, endpoint.name)

    async def _send_test_notifications(self, endpoint: Endpoint) -> None:
        settings = endpoint.config.asynchronous
        topics = {settings.success_topic, settings.error_topic} if settings else set()
        for topic in filter(None, topics):
            try:
                await endpoint.payloads.publish(topic, TEST_NOTIFICATION)
            except (BotoCoreError, ClientError) as error:
                logger.warning("endpoint %s could not notify %s: %s", endpoint.name, topic, error)

    def _asynchronous_config(self, scope: Scope, name: str) -> tuple[EndpointConfig, Model]:
        """Return a configuration with its model, which may have been deleted since the configuration was made."""
        config = self._configs.get(scope, name)
        if config.asynchronous is None:
            raise validation_exception(f"the local cloud runs asynchronous endpoints only: {config.arn} is none")
        model = self._models.get(scope, config.model_name)
        self._roles.check_destinations(scope, model.role_arn, config.asynchronous)
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
