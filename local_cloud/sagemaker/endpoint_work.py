"""Carries out what was begun on an endpoint: a deployment, a change of its size, its end, each taking its time."""

from __future__ import annotations

import asyncio
import logging
from functools import partial
from typing import TYPE_CHECKING, Final

from local_cloud.sagemaker.container_specification import ContainerError
from local_cloud.sagemaker.rollout import Rollout

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from local_cloud.clock import SimulatedClock
    from local_cloud.sagemaker.deployment_policy import DeploymentPolicy
    from local_cloud.sagemaker.endpoint import Endpoint, PendingDeployment
    from local_cloud.sagemaker.release import ReleaseMaker
    from local_cloud.scope import Scope

logger = logging.getLogger(__name__)

_MAX_REASON: Final = 1024
"""Characters of a ``FailureReason``."""


class EndpointWork:
    """What goes on at endpoints.

    Args:
        clock: of all that takes simulated time.
        releases: makes what is deployed.
        in_alarm: tells whether the alarm of a name is in the state ``ALARM`` in a scope.
        forget: called with an endpoint that is gone.
    """

    def __init__(
        self,
        clock: SimulatedClock,
        releases: ReleaseMaker,
        in_alarm: Callable[[Scope, str], bool],
        forget: Callable[[Endpoint], None],
    ) -> None:
        self._clock = clock
        self._releases = releases
        self._in_alarm = in_alarm
        self._forget = forget

    def deploy(self, endpoint: Endpoint, status: str, pending: PendingDeployment, policy: DeploymentPolicy) -> None:
        """Begin to create an endpoint, or to give it another configuration."""
        endpoint.pending = pending
        self._begin(endpoint, status, "Creating", partial(self._deploy, endpoint, pending, policy))

    def resize(self, endpoint: Endpoint, count: int, weight: float) -> None:
        """Begin to change the number of instances and the weight."""
        self._begin(endpoint, "Updating", "Updating", partial(self._resize, endpoint, count, weight))

    def close(self, endpoint: Endpoint) -> None:
        """Begin to delete an endpoint with whatever it has queued."""
        self._begin(endpoint, "Deleting", "Deleting", partial(self._close, endpoint))

    def _begin(self, endpoint: Endpoint, status: str, stage: str, work: Callable[[], Awaitable[None]]) -> None:
        endpoint.status, endpoint.failure_reason = status, None
        endpoint.enter(stage)
        endpoint.operation = asyncio.create_task(self._perform(endpoint, work))

    async def _perform(self, endpoint: Endpoint, work: Callable[[], Awaitable[None]]) -> None:
        try:
            await work()
        except ContainerError as error:
            endpoint.failure_reason = str(error)[:_MAX_REASON]
            logger.warning("endpoint %s: %s", endpoint.name, error)
        except Exception as error:
            # Whatever it was, the endpoint has to come to rest: nobody could delete it otherwise.
            endpoint.failure_reason = f"the local cloud failed: {type(error).__name__}: {error}"[:_MAX_REASON]
            logger.exception("endpoint %s: unexpected error", endpoint.name)
        is_going = endpoint.status == "Deleting"
        if is_going and not endpoint.failure_reason:
            return
        endpoint.status = "InService" if endpoint.release is not None and not is_going else "Failed"
        endpoint.pending = endpoint.stage = None
        endpoint.modified_at = self._clock.now()
        endpoint.dispatch()

    async def _deploy(self, endpoint: Endpoint, pending: PendingDeployment, policy: DeploymentPolicy) -> None:
        release = self._releases.make(endpoint, pending.config, pending.model)
        in_alarm = partial(self._in_alarm, endpoint.scope)
        rollout = Rollout(endpoint, release, pending.count, policy=policy, clock=self._clock, in_alarm=in_alarm)
        await rollout.run()
        endpoint.weight = pending.weight
        await release.invoker.send_test_notifications(release.config)

    async def _resize(self, endpoint: Endpoint, count: int, weight: float) -> None:
        if endpoint.release is not None:
            endpoint.weight = weight
            await endpoint.release.fleet.resize(count)
            await endpoint.release.invoker.send_test_notifications(endpoint.config)

    async def _close(self, endpoint: Endpoint) -> None:
        if endpoint.release is not None:
            await endpoint.release.fleet.close()
        self._forget(endpoint)
