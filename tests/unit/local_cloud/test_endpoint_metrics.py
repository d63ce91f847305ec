"""Metrics have the names, dimensions and units that AWS publishes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from local_cloud.sagemaker.endpoint_metrics import EndpointMetrics, queue_gauges
from local_cloud.sagemaker.request_queue import RequestQueue
from scaling_engine.assumptions import Assumptions

if TYPE_CHECKING:
    from collections.abc import Callable

    from local_cloud.clock import SimulatedClock
    from local_cloud.sagemaker.async_request import AsyncRequest


def backlog(make_request: Callable[..., AsyncRequest], *, waiting: int, running: int) -> RequestQueue:
    """Return a queue of so many requests, all received at 100."""
    queue = RequestQueue()
    for _ in range(waiting + running):
        queue.add(make_request(received_at=100.0))
    for _ in range(running):
        queue.take()
    return queue


def test_a_backlog_counts_waiting_and_running_work(make_request: Callable[..., AsyncRequest]) -> None:
    """The documentation says that the backlog includes what is being processed."""
    expected = {
        "ApproximateBacklogSize": 6.0,
        "ApproximateBacklogSizePerInstance": 3.0,
        "ApproximateAgeOfOldestRequest": 30.0,
        "HasBacklogWithoutCapacity": 0.0,
    }
    assert expected == queue_gauges(backlog(make_request, waiting=4, running=2), 2, 130.0, Assumptions())


def test_running_work_counts_or_not_as_assumed(make_request: Callable[..., AsyncRequest]) -> None:
    """One team measured zero while long jobs ran."""
    gauges = queue_gauges(
        backlog(make_request, waiting=0, running=2), 1, 130.0, Assumptions(backlog_counts_running_work=False)
    )
    assert gauges["ApproximateBacklogSize"] == 0.0


def test_without_instances_there_is_no_backlog_per_instance(make_request: Callable[..., AsyncRequest]) -> None:
    """At zero instances the one signal is that there is a backlog without capacity."""
    gauges = queue_gauges(backlog(make_request, waiting=1, running=0), 0, 130.0, Assumptions())
    assert gauges["HasBacklogWithoutCapacity"] == 1.0
    assert "ApproximateBacklogSizePerInstance" not in gauges


def test_an_idle_endpoint_at_zero_has_no_backlog_without_capacity() -> None:
    """The metric is zero at all other times, not missing."""
    assert queue_gauges(RequestQueue(), 0, 0.0, Assumptions())["HasBacklogWithoutCapacity"] == 0.0


def test_queue_metrics_have_the_endpoint_alone_as_dimension(clock: SimulatedClock) -> None:
    """An alarm with another dimension would never see them."""
    samples: list[tuple[Any, ...]] = []
    EndpointMetrics("ocr", clock, lambda *sample: samples.append(sample)).publish_gauges(
        {"ApproximateBacklogSize": 2.0, "ApproximateAgeOfOldestRequest": 5.0}, 960.0
    )
    assert samples == [
        ("ApproximateBacklogSize", {"EndpointName": "ocr"}, 2.0, "Count", 960.0),
        ("ApproximateAgeOfOldestRequest", {"EndpointName": "ocr"}, 5.0, "Seconds", 960.0),
    ]


def test_metrics_of_invocations_have_the_variant_too(clock: SimulatedClock) -> None:
    """Durations come in the unit that each metric has."""
    samples: list[tuple[Any, ...]] = []
    metrics = EndpointMetrics("ocr", clock, lambda *sample: samples.append(sample))
    metrics.count("InvocationsProcessed", "AllTraffic")
    metrics.duration("ModelLatency", "AllTraffic", 2.0)
    metrics.duration("TimeInBacklog", "AllTraffic", 2.0)
    dimensions = {"EndpointName": "ocr", "VariantName": "AllTraffic"}
    assert samples == [
        ("InvocationsProcessed", dimensions, 1.0, "Count", 1000.0),
        ("ModelLatency", dimensions, 2e6, "Microseconds", 1000.0),
        ("TimeInBacklog", dimensions, 2e3, "Milliseconds", 1000.0),
    ]
