"""What an endpoint publishes each minute: its queue, its instances, and what its clients say is in flight."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from scaling_engine.assumptions import Sampling
from scaling_engine.gauges import HOST_NAMESPACE, NAMESPACE, queue_gauges

if TYPE_CHECKING:
    from scaling_simulator.endpoint import SimulatedEndpoint
    from scaling_simulator.options import Options
    from scaling_simulator.published import SeriesKey
    from scaling_simulator.template import Deployment

_FULLY_USED: Final = 100.0


class Sampler:
    """Takes the samples of each minute.

    Args:
        deployment: whose endpoint it is.
        options: the assumptions, and whether clients publish.
        endpoint: the endpoint.
    """

    def __init__(self, deployment: Deployment, options: Options, endpoint: SimulatedEndpoint) -> None:
        self._options = options
        self._endpoint = endpoint
        self._of_endpoint = frozenset({("EndpointName", deployment.endpoint_name)})
        self._of_variant = self._of_endpoint | {("VariantName", deployment.variant_name)}
        self._keeps_maximum = options.assumptions.sampling is Sampling.MINUTE_MAXIMUM
        self._maximum: dict[str, float] = {}

    def observe(self, now: float) -> None:
        """Take a change into account. A request that an instance takes at once is never seen waiting."""
        if self._keeps_maximum:
            for name, value in queue_gauges(self._endpoint.state(now), self._options.assumptions).items():
                self._maximum[name] = max(value, self._maximum.get(name, value))

    def take(self, minute_end: float) -> dict[SeriesKey, tuple[float, ...]]:
        """Return the samples of the minute that ends now."""
        gauges = self._gauges(minute_end)
        if _is_within(minute_end, self._options.outages):
            return {}
        if _is_within(minute_end, self._options.queue_outages):
            gauges = {}
        samples: dict[SeriesKey, tuple[float, ...]] = {
            (NAMESPACE, name, self._of_endpoint): (value,) for name, value in gauges.items()
        }
        if busy := self._endpoint.busy_slots():
            utilization = tuple(_FULLY_USED * (jobs > 0) for jobs in busy)
            samples[HOST_NAMESPACE, "CPUUtilization", self._of_variant] = utilization
        in_flight = len(self._endpoint.queue) + self._endpoint.running
        if self._options.clients_publish_in_flight and in_flight:
            samples[*self._options.in_flight_metric, self._of_endpoint] = (float(in_flight),)
        return samples

    def _gauges(self, now: float) -> dict[str, float]:
        present = queue_gauges(self._endpoint.state(now), self._options.assumptions)
        if not self._keeps_maximum:
            return present
        gauges = {name: max(value, present.get(name, value)) for name, value in (present | self._maximum).items()}
        self._maximum = present
        return gauges


def _is_within(minute_end: float, spans: tuple[tuple[float, float], ...]) -> bool:
    return any(start < minute_end <= end for start, end in spans)
