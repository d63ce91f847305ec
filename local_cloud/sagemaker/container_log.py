"""The two log streams of an instance: what its container writes, and what became of the requests it was sent."""

from __future__ import annotations

import asyncio
import uuid
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from local_cloud.sagemaker.container_specification import ContainerSpecification
    from local_cloud.sagemaker.outcome import Outcome


class ContainerLog:
    """Writes into the streams ``<variant>/<instance>`` and ``<variant>/<instance>/data-log``.

    Args:
        specification: names the variant, and has the endpoint's log group.
    """

    def __init__(self, specification: ContainerSpecification) -> None:
        self._logs = specification.logs
        self._stream = f"{specification.variant_name}/i-{uuid.uuid4().hex[:17]}"
        self._tasks: set[asyncio.Task[None]] = set()

    async def put_output(self, lines: list[str]) -> None:
        """Log what the container wrote."""
        if self._logs is not None:
            await self._logs.put(self._stream, lines)

    def put_outcome(self, headers: Mapping[str, str], outcome: Outcome) -> None:
        """Log that a request failed, in the background. Every line carries the inference id, as on AWS."""
        if self._logs is None or outcome.succeeded:
            return
        line = f"{headers['X-Amzn-SageMaker-Inference-Id']}: {outcome.failure_reason}"
        task = asyncio.create_task(self._logs.put(f"{self._stream}/data-log", [line]))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
