"""The CloudWatch metrics of an asynchronous endpoint, under the dimensions that AWS publishes them with.

Source: *SageMaker Developer Guide*, "Monitor asynchronous endpoint", which calls its list exhaustive.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

from local_cloud.sagemaker.undocumented import BACKLOG_COUNTS_RUNNING_WORK, BACKLOG_PER_INSTANCE_AT_ZERO_INSTANCES

if TYPE_CHECKING:
    from local_cloud.clock import SimulatedClock
    from local_cloud.sagemaker.request_queue import RequestQueue

StoreSample = Callable[[str, Mapping[str, str], float, str, float], None]
"""Stores one sample: name, dimensions, value, unit, simulated seconds since the epoch."""

NAMESPACE: Final = "AWS/SageMaker"
"""Where the metrics are."""

_UNITS: Final = {
    "ApproximateAgeOfOldestRequest": "Seconds",
    "ModelLatency": "Microseconds",
    "RequestDownloadLatency": "Microseconds",
    "ResponseUploadLatency": "Microseconds",
    "TimeInBacklog": "Milliseconds",
    "TotalProcessingTime": "Milliseconds",
    "Invocation4XXErrors": "None",
    "Invocation5XXErrors": "None",
}
"""Units of the metrics that do not count."""

_PER_SECOND: Final = {"Seconds": 1.0, "Milliseconds": 1e3, "Microseconds": 1e6}


def queue_gauges(queue: RequestQueue, instances: int, now: float) -> dict[str, float]:
    """Return the metrics of the endpoint's queue, whose one dimension is the endpoint's name.

    Args:
        queue: of the endpoint.
        instances: in service.
        now: simulated seconds since the epoch.
    """
    backlog = len(queue) + (queue.running if BACKLOG_COUNTS_RUNNING_WORK else 0)
    gauges = {
        "ApproximateBacklogSize": float(backlog),
        "ApproximateAgeOfOldestRequest": queue.oldest_age(now),
        "HasBacklogWithoutCapacity": float(backlog > 0 and instances == 0),
    }
    if instances or BACKLOG_PER_INSTANCE_AT_ZERO_INSTANCES:
        gauges["ApproximateBacklogSizePerInstance"] = backlog / max(instances, 1)
    return gauges


class EndpointMetrics:
    """Publishes the metrics of one endpoint.

    Args:
        endpoint_name: the first dimension.
        clock: of events.
        put: stores a sample: name, dimensions, value, unit, simulated moment.
    """

    def __init__(self, endpoint_name: str, clock: SimulatedClock, put: StoreSample) -> None:
        self._endpoint = {"EndpointName": endpoint_name}
        self._clock = clock
        self._put = put

    def publish_gauges(self, gauges: Mapping[str, float], moment: float) -> None:
        """Publish what :func:`queue_gauges` returned as the state at ``moment``."""
        for name, value in gauges.items():
            self._put(name, self._endpoint, value, _UNITS.get(name, "Count"), moment)

    def count(self, name: str, variant: str) -> None:
        """Publish that ``name`` happened once."""
        self._put(name, self._endpoint | {"VariantName": variant}, 1.0, _UNITS.get(name, "Count"), self._clock.now())

    def duration(self, name: str, variant: str, seconds: float) -> None:
        """Publish a duration, in the unit that the metric has on AWS."""
        unit = _UNITS[name]
        self._put(name, self._endpoint | {"VariantName": variant}, seconds * _PER_SECOND[unit], unit, self._clock.now())
