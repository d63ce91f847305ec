"""Synthesized scaling to simulate, and what it promises.

``SCALING_PROOF_CASES`` asks for more random cases than a test run has time for, ``SCALING_PROOF_EVERY=1`` for every
combination instead of one in two hundred, ``SCALING_PROOF_PATTERNS_EVERY=1`` for every one on the long patterns too.
"""

from __future__ import annotations

import os
from functools import cache
from random import Random
from typing import TYPE_CHECKING, Any

from aws_cdk import App, Stack, assertions

from constructs_lib.endpoint_scaling import EndpointScaling
from constructs_lib.scaling_settings import WAKE_SECONDS, ScalingSettings
from scaling_simulator.combinations import every_combination
from scaling_simulator.promises import Promises
from scaling_simulator.template import Deployment, deployment
from scaling_simulator.traces import Request

if TYPE_CHECKING:
    from scaling_engine.assumptions import Assumptions

CASES = int(os.environ.get("SCALING_PROOF_CASES", "40"))
EVERY = int(os.environ.get("SCALING_PROOF_EVERY", "200"))
PATTERNS_EVERY = int(os.environ.get("SCALING_PROOF_PATTERNS_EVERY", "2304"))
HOUR = 3_600.0


def sampled(every: int, of: str = "") -> list[Assumptions]:
    """Return one in ``every`` combination, drawn by chance for each ``of``, or all of them in their order."""
    combinations = list(every_combination())
    chance = Random(f"{every} {of}")  # noqa: S311 - chance that repeats
    return combinations if every == 1 else chance.sample(combinations, len(combinations) // every)


@cache
def scaled(max_job_seconds: int = 900, **given: Any) -> Deployment:  # noqa: ANN401 - settings of all kinds
    """Synthesize the scaling with these settings, and read it back."""
    stack = Stack(App(), "Stack")
    EndpointScaling(
        stack,
        "Scaling",
        endpoint_name="ocr",
        variant_name="AllTraffic",
        settings=ScalingSettings(**given),
        max_job_seconds=max_job_seconds,
    )
    return deployment(assertions.Template.from_stack(stack).to_json())


def promises(assumptions: Assumptions, max_job_seconds: int = 900, **given: Any) -> Promises:  # noqa: ANN401 - likewise
    """Return what the settings promise under ``assumptions``."""
    chosen = ScalingSettings(**given)
    return Promises(
        wake_seconds=WAKE_SECONDS,
        rest_seconds=chosen.rest_seconds(max_job_seconds),
        max_job_seconds=max_job_seconds,
        protects_running_jobs=(assumptions.backlog_counts_running_work or chosen.count_jobs_in_flight)
        and not chosen.shrink,
    )


def requests(*arrivals: tuple[float, float]) -> list[Request]:
    """Return requests of these times and works."""
    return [Request(time=time, service_seconds=work) for time, work in sorted(arrivals)]
