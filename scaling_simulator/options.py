"""What a template does not say: how long things take, and which answers to undocumented questions hold."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from scaling_engine.assumptions import Assumptions
from scaling_simulator.durations import Distribution

A_MONDAY: Final = datetime(2024, 1, 1, tzinfo=UTC)
IN_FLIGHT_NAMESPACE: Final = "AsyncInference"
IN_FLIGHT_METRIC: Final = "JobsInFlight"
MARGIN_SECONDS: Final = 2 * 3_600.0
"""How long a simulation goes on after the last moment at which a request can be waiting or running."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Options:
    """Of one simulation.

    Attributes:
        assumptions: what AWS leaves undocumented.
        launch: from the decision until an instance runs, in seconds.
        model_load: from there until it is in service.
        request_ttl_seconds: how long a request may wait.
        invocation_timeout_seconds: how long the model may work on it.
        max_concurrency: invocations per instance, where the template names none.
        bytes_per_second: at which an instance reads inputs.
        outages: spans of seconds in which none of the endpoint's datapoints reach CloudWatch.
        queue_outages: spans in which those of the queue do not, while those of instances and clients do.
        clients_publish_in_flight: whether clients publish how many jobs they wait for.
        in_flight_metric: namespace and name under which they do, with the dimension ``EndpointName``.
        start: the calendar time of 0 s, for schedules.
        horizon_seconds: when the simulation ends; by default when everything must long be over.
        seed: of launches and loads.
    """

    assumptions: Assumptions = field(default_factory=Assumptions)
    launch: Distribution = field(default_factory=lambda: Distribution(120, 240))
    model_load: Distribution = field(default_factory=lambda: Distribution(60, 120))
    request_ttl_seconds: float = 21_600.0
    invocation_timeout_seconds: float = 3_600.0
    max_concurrency: int = 1
    bytes_per_second: float = 100e6
    outages: tuple[tuple[float, float], ...] = ()
    queue_outages: tuple[tuple[float, float], ...] = ()
    clients_publish_in_flight: bool = False
    in_flight_metric: tuple[str, str] = (IN_FLIGHT_NAMESPACE, IN_FLIGHT_METRIC)
    start: datetime = A_MONDAY
    horizon_seconds: float | None = None
    seed: int = 1

    def horizon(self, last_arrival: float) -> float:
        """Return when the simulation ends, in seconds."""
        if self.horizon_seconds is not None:
            return self.horizon_seconds
        return last_arrival + self.request_ttl_seconds + self.invocation_timeout_seconds + MARGIN_SECONDS
