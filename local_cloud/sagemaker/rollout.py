"""Lets a new release take over an endpoint's work, step by step, and takes it back where an alarm rings.

Source: *SageMaker Developer Guide*, "Deployment guardrails". What is traffic to an endpoint that answers at once is
here which instances take requests from the queue: after each step as many of the old ones do not as new ones do.
Decided: a rolling deployment stops old instances once their successors have been watched, and whatever the deployment,
what runs on old instances ends as it does at scale-in.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from local_cloud.sagemaker.container_specification import ContainerError
from local_cloud.sagemaker.deployment_policy import ROLLING, DeploymentPolicy

if TYPE_CHECKING:
    from collections.abc import Callable

    from local_cloud.clock import SimulatedClock
    from local_cloud.sagemaker.endpoint import Endpoint
    from local_cloud.sagemaker.release import Release

logger = logging.getLogger(__name__)


class Rollout:
    """One deployment.

    Args:
        endpoint: whose work passes.
        release: takes it.
        count: how many instances it shall have.
        policy: the steps.
        clock: of the waits.
        in_alarm: tells whether the alarm of a name is in the state ``ALARM``.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        release: Release,
        count: int,
        *,
        policy: DeploymentPolicy,
        clock: SimulatedClock,
        in_alarm: Callable[[str], bool],
    ) -> None:
        self._endpoint = endpoint
        self._new = release
        self._old = endpoint.release
        self._old_count = self._old.fleet.desired_count if self._old else 0
        self._count = count
        self._policy = policy
        self._clock = clock
        self._in_alarm = in_alarm

    async def run(self) -> None:
        """Deploy; an old release goes as at scale-in, a new one that failed is stopped at once.

        Raises:
            ContainerError: an instance did not come up, or an alarm rang, and the old release has its work again.
        """
        try:
            await self._pass_work()
        except Exception:
            # The new instances are gone by now: there may not be room for both.
            await self._restore()
            raise

    async def _pass_work(self) -> None:
        """Let the work pass, or give it back; who does not have it in the end is stopped."""
        try:
            await self._shift()
        except Exception:
            self._give_back()
            raise
        else:
            if self._old is not None:
                await self._old.fleet.resize(0)
        finally:
            for release in (self._old, self._new):
                if release is not None and release is not self._endpoint.release:
                    await release.fleet.close()

    async def _shift(self) -> None:
        *steps, _ = self._policy.steps(self._count)
        rolls = self._policy.kind == ROLLING
        if not rolls:
            await self._new.fleet.resize(self._count)
        for working in steps:
            if rolls:
                await self._new.fleet.resize(working)
            self._share(working)
            await self._watch(self._policy.interval_seconds)
            if rolls and self._old is not None:
                await self._old.fleet.resize(max(0, self._old_count - working))
        if rolls:
            await self._new.fleet.resize(self._count)
        self._endpoint.enter("ActivatingTraffic")
        self._endpoint.take(self._new)
        await self._watch(self._policy.final_seconds)

    def _share(self, working: int) -> None:
        """Let so many new instances take requests, and as many old ones not."""
        self._endpoint.enter("ActivatingTraffic")
        self._new.fleet.resting = self._new.fleet.desired_count - working
        if self._old is not None:
            self._old.fleet.resting = self._old.fleet.desired_count - max(0, self._old_count - working)
            self._endpoint.divide(self._new)

    async def _watch(self, seconds: float) -> None:
        if seconds:
            self._endpoint.enter("Baking")
            await self._policy.watch(seconds, self._clock, self._in_alarm)

    def _give_back(self) -> None:
        """Give the old release its work again."""
        if self._old is not None:
            self._endpoint.status = "RollingBack"
            self._endpoint.take(self._old)

    async def _restore(self) -> None:
        """Give the old release as many instances as it had, if it has the work; why it went back stays the reason."""
        if self._old is None or self._old is not self._endpoint.release:
            return
        name, count = self._endpoint.name, self._old_count
        try:
            await self._old.fleet.resize(count)
        except ContainerError as error:
            logger.warning("endpoint %s could not go back to %d instances: %s", name, count, error)
        except Exception:
            logger.exception("endpoint %s could not go back to %d instances: unexpected error", name, count)
