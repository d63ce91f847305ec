"""Synthesized scaling to simulate, and what it promises.

``SCALING_PROOF=whole`` asks for every combination of the assumptions and for 10,000 random cases, rather than for the
samples that a test run has time for.
"""

from __future__ import annotations

import os
from functools import cache
from random import Random
from typing import TYPE_CHECKING, Any, TypeVar

from aws_cdk import App, Stack, assertions

from constructs_lib.checks import SettingError
from constructs_lib.endpoint_scaling import EndpointScaling
from constructs_lib.scaling_settings import PUBLICATION_DELAY_SECONDS, SAMPLE_SECONDS, WAKE_SECONDS, ScalingSettings
from scaling_simulator.combinations import every_combination, every_difference
from scaling_simulator.promises import Promises
from scaling_simulator.template import Deployment, deployment
from scaling_simulator.traces import Request

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from scaling_engine.assumptions import Assumptions

T = TypeVar("T")
WHOLE_PROOF = os.environ.get("SCALING_PROOF") == "whole"
CASES = 10_000 if WHOLE_PROOF else 40
HOUR = 3_600.0
TRACKING_PERIODS = 3
"""Of the alarm that target tracking grows by."""


def under_every_combination(
    result: Callable[[Assumptions], T], *, sample: int, of: str, **fixed: object
) -> Iterator[tuple[Assumptions, T]]:
    """Yield what ``result`` is under every combination, or under ``sample`` of them, drawn by chance for ``of``.

    The assumptions that come with a result stand for others, too: what is judged under them has to be part of it.
    """
    if WHOLE_PROOF:
        yield from ((assumptions, value) for assumptions, _, value in every_difference(result, **fixed))
        return
    chance = Random(of)  # noqa: S311 - chance that repeats
    for assumptions in chance.sample(list(every_combination(**fixed)), sample):
        yield assumptions, result(assumptions)


@cache
def scaled(max_job_seconds: int = 900, concurrency: int = 1, **given: Any) -> Deployment:  # noqa: ANN401 - settings of all kinds
    """Synthesize the scaling with these settings, and read it back."""
    stack = Stack(App(), "Stack")
    EndpointScaling(
        stack,
        "Scaling",
        endpoint_name="ocr",
        variant_name="AllTraffic",
        settings=ScalingSettings(**given),
        max_job_seconds=max_job_seconds,
        max_concurrent_invocations_per_instance=concurrency,
    )
    return deployment(assertions.Template.from_stack(stack).to_json())


def promises(assumptions: Assumptions, max_job_seconds: int = 900, **given: Any) -> Promises:  # noqa: ANN401 - likewise
    """Return what the settings promise under ``assumptions``."""
    chosen = ScalingSettings(**given)
    return Promises(
        wake_seconds=WAKE_SECONDS,
        rest_seconds=_rest_seconds(assumptions, chosen, max_job_seconds) if _rests(assumptions, chosen) else None,
        max_job_seconds=max_job_seconds,
        protects_running_jobs=(assumptions.backlog_counts_running_work or chosen.count_jobs_in_flight)
        and not chosen.shrink,
        protects_waiting_jobs=not chosen.interruptions_accepted,
        kept_until=max((_seconds(hours.end) for hours in chosen.warm_hours), default=0.0),
    )


def _rest_seconds(assumptions: Assumptions, chosen: ScalingSettings, max_job_seconds: int) -> float:
    """Return the longest until the rest: where nothing is published while idle, the last busy minute may ring longer.

    It is then the only datapoint of the alarm that lets the endpoint grow, until that looks back no further.
    """
    rings = (TRACKING_PERIODS + assumptions.extra_datapoints + 1) * SAMPLE_SECONDS + PUBLICATION_DELAY_SECONDS
    return max(chosen.rest_seconds(max_job_seconds), rings)


def is_accepted(job: Mapping[str, int], **given: Any) -> bool:  # noqa: ANN401 - likewise
    """Return whether the settings pass synth; ``job`` has what else they depend on, where it is not the default."""
    try:
        ScalingSettings(**given).require_safe(
            max_job_seconds=job.get("max_job_seconds", 900),
            request_ttl_seconds=job.get("request_ttl_seconds", 21_600),
            concurrency=job.get("concurrency", 1),
        )
    except SettingError:
        return False
    return True


def _seconds(time_of_day: str) -> float:
    hours, minutes = time_of_day.split(":")
    return int(hours) * HOUR + int(minutes) * 60


def _rests(assumptions: Assumptions, chosen: ScalingSettings) -> bool:
    """Return whether the endpoint may rest, and its alarm is sure to see that there is no work.

    It needs a value for as many minutes as it has periods. Minutes that are late are made up for by those before its
    periods, if it looks back as far. What is never published is not: then there has to be another series, and metric
    math that leaves the missing one out.
    """
    if chosen.min_instances:
        return False
    queue, instances = assumptions.publication_delay_seconds, assumptions.instance_publication_delay_seconds
    queue_reports = assumptions.zeros_while_idle and assumptions.datapoints_before_first_request
    if assumptions.aggregates_leave_out_missing:
        late = min(queue, instances) if queue_reports else instances
    elif queue_reports and not chosen.count_jobs_in_flight:
        late = max(queue, instances)
    else:
        return False
    return late <= assumptions.extra_datapoints * SAMPLE_SECONDS


def requests(*arrivals: tuple[float, float]) -> list[Request]:
    """Return requests of these times and works."""
    return [Request(time=time, service_seconds=work) for time, work in sorted(arrivals)]
