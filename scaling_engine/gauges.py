"""The queue metrics of an asynchronous endpoint as functions of its state, under the assumptions about them.

Source: *SageMaker Developer Guide*, "Monitor asynchronous endpoint", whose list AWS calls exhaustive. One place for the
local cloud and for the simulator, so that both answer a disputed question alike.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from scaling_engine.assumptions import Assumptions

NAMESPACE: Final = "AWS/SageMaker"
"""Of the queue metrics."""

HOST_NAMESPACE: Final = "/aws/sagemaker/Endpoints"
"""Of the metrics of instances, such as ``CPUUtilization``."""

BACKLOG_SIZE: Final = "ApproximateBacklogSize"
BACKLOG_SIZE_PER_INSTANCE: Final = "ApproximateBacklogSizePerInstance"
AGE_OF_OLDEST_REQUEST: Final = "ApproximateAgeOfOldestRequest"
HAS_BACKLOG_WITHOUT_CAPACITY: Final = "HasBacklogWithoutCapacity"


@dataclass(frozen=True, kw_only=True, slots=True)
class QueueState:
    """An endpoint's queue and instances at one moment.

    Attributes:
        waiting: requests in the queue.
        running: requests that instances work on.
        instances: in service.
        oldest_age_seconds: how long the oldest waiting request has waited; 0 if none waits.
        had_requests: whether the endpoint ever had a request.
    """

    waiting: int
    running: int
    instances: int
    oldest_age_seconds: float = 0.0
    had_requests: bool = True


def queue_gauges(state: QueueState, assumptions: Assumptions) -> dict[str, float]:
    """Return the metrics of the queue that are published of ``state``; their one dimension is ``EndpointName``."""
    if not (state.had_requests or assumptions.datapoints_before_first_request):
        return {}
    if not (state.waiting or state.running or assumptions.zeros_while_idle):
        return {}
    backlog = state.waiting
    if state.running and assumptions.backlog_counts_running_work:
        backlog += state.running
    gauges = {
        BACKLOG_SIZE: float(backlog),
        AGE_OF_OLDEST_REQUEST: state.oldest_age_seconds,
        HAS_BACKLOG_WITHOUT_CAPACITY: float(backlog > 0 and state.instances == 0),
    }
    if state.instances or assumptions.backlog_per_instance_at_zero:
        gauges[BACKLOG_SIZE_PER_INSTANCE] = backlog / max(state.instances, 1)
    return gauges
