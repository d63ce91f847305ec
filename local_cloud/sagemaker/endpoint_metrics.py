"""The CloudWatch metrics of an asynchronous endpoint, under the dimensions that AWS publishes them with.

Source: *SageMaker Developer Guide*, "Monitor asynchronous endpoint", which calls its list exhaustive.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Final

from scaling_engine import gauges

if TYPE_CHECKING:
    from local_cloud.clock import SimulatedClock
    from local_cloud.sagemaker.request_queue import RequestQueue
    from scaling_engine.assumptions import Assumptions

StoreSample = Callable[[str, Mapping[str, str], float, str, float], None]
"""Stores one sample: name, dimensions, value, unit, simulated seconds since the epoch."""

_CPU_UTILIZATION: Final = "CPUUtilization"
_FULLY_USED: Final = 100.0

_UNITS: Final = {
    _CPU_UTILIZATION: "Percent",
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


def namespace(name: str) -> str:
    """Return the namespace of a metric: instances have one of their own."""
    return gauges.HOST_NAMESPACE if name == _CPU_UTILIZATION else gauges.NAMESPACE


def queue_gauges(queue: RequestQueue, instances: int, now: float, assumptions: Assumptions) -> dict[str, float]:
    """Return the metrics of the endpoint's queue, whose one dimension is the endpoint's name.

    Args:
        queue: of the endpoint.
        instances: in service.
        now: simulated seconds since the epoch.
        assumptions: what is undocumented of them.
    """
    state = gauges.QueueState(
        waiting=len(queue),
        running=queue.running,
        instances=instances,
        oldest_age_seconds=queue.oldest_age(now),
        had_requests=queue.had_requests,
    )
    return gauges.queue_gauges(state, assumptions)


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

    def publish_utilization(self, busy: Iterable[bool], variant: str, moment: float) -> None:
        """Publish a sample of each instance in service: fully used while it works, or not at all.

        How many samples there are in a minute tells the number of instances, on AWS as well.
        """
        for works in busy:
            self._put(
                _CPU_UTILIZATION,
                self._endpoint | {"VariantName": variant},
                _FULLY_USED * works,
                _UNITS[_CPU_UTILIZATION],
                moment,
            )

    def count(self, name: str, variant: str, number: float = 1.0) -> None:
        """Publish that ``name`` happened so many times; errors of a container are published with 0, too."""
        self._put(name, self._endpoint | {"VariantName": variant}, number, _UNITS.get(name, "Count"), self._clock.now())

    def duration(self, name: str, variant: str, seconds: float) -> None:
        """Publish a duration, in the unit that the metric has on AWS."""
        unit = _UNITS[name]
        self._put(name, self._endpoint | {"VariantName": variant}, seconds * _PER_SECOND[unit], unit, self._clock.now())
