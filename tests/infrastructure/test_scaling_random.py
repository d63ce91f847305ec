"""The promises of the synthesized scaling, for random requests, settings and answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from constructs_lib.scaling_settings import WarmHours
from scaling_engine.assumptions import MOST_EXTRA_DATAPOINTS, Assumptions, CooldownStart, Sampling, ScaleIn
from scaling_simulator.durations import Distribution
from scaling_simulator.options import Options
from scaling_simulator.outcome import Fate, Run
from scaling_simulator.simulation import simulate
from scaling_simulator.traces import Request
from tests.infrastructure.scaling_cases import CASES, HOUR, is_accepted, promises, scaled

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scaling_simulator.template import Deployment

END_OF_WARM_HOURS = 1.5 * HOUR

DELAYS = [0.0, 20.0, 60.0, 119.0, 120.0]
assumption_sets = st.builds(
    Assumptions,
    backlog_counts_running_work=st.booleans(),
    backlog_per_instance_at_zero=st.booleans(),
    zeros_while_idle=st.booleans(),
    datapoints_before_first_request=st.booleans(),
    sampling=st.sampled_from(Sampling),
    publication_delay_seconds=st.sampled_from(DELAYS),
    instance_publication_delay_seconds=st.sampled_from(DELAYS),
    evaluation_offset_seconds=st.sampled_from([0.0, 1.0, 30.0, 59.0]),
    scale_in=st.sampled_from(ScaleIn),
    cooldown_start=st.sampled_from(CooldownStart),
    blocked_while_updating=st.booleans(),
    aggregates_leave_out_missing=st.booleans(),
    extra_datapoints=st.integers(1, MOST_EXTRA_DATAPOINTS),
)
jobs = st.fixed_dictionaries(
    {
        "max_job_seconds": st.sampled_from([60, 600, 1_800]),
        "concurrency": st.sampled_from([1, 1, 4]),
        "request_ttl_seconds": st.sampled_from([3_600, 21_600]),
        "seed": st.integers(0, 99),
    }
)
setting_sets = st.fixed_dictionaries(
    {
        "max_instances": st.sampled_from([1, 4]),
        "min_instances": st.sampled_from([0, 0, 0, 1]),
        "backlog_per_instance": st.sampled_from([1, 5]),
        "cold_start_seconds": st.sampled_from([60, 600]),
        "count_jobs_in_flight": st.booleans(),
        "rest_after_seconds": st.sampled_from([None, None, 60, 3_600]),
        "shrink": st.sampled_from([False, False, True]),
        "warm_hours": st.sampled_from([(), (), (WarmHours(start="00:10", end="01:30", days="MON"),)]),
    }
)
"""Warm hours are those of the first day, a Monday."""

launches = st.sampled_from([Distribution(30, 30), Distribution(60, 600), Distribution(300, 900, is_log_normal=True)])
arrivals = st.lists(
    st.tuples(
        st.one_of(st.floats(0, 120), st.floats(0, 4_000), st.integers(0, 60).map(lambda minutes: minutes * 60.0)),
        st.floats(0, 1.1),
        st.sampled_from([1, 1, 1, 2, 12]),
    ),
    max_size=8,
)
"""Time since the one before, work as a share of the longest job, and how many of them at once."""


def trace_of(drawn: Sequence[tuple[float, float, int]], max_job_seconds: int) -> list[Request]:
    """Return the requests of what was drawn; where many come at once they are short."""
    time, trace = 0.0, []
    for gap, share, count in drawn:
        time += gap
        work = share * max_job_seconds / (1 if count <= 2 else 8)
        trace += [Request(time=time, service_seconds=work) for _ in range(count)]
    return trace


def replay(
    trace: list[Request], scaling: Deployment, assumptions: Assumptions, launch: Distribution, **job: int
) -> Run:
    """Replay a random case, for as long as it can matter."""
    longest = job["max_job_seconds"]
    work = sum(min(request.service_seconds, longest) for request in trace)
    options = Options(
        assumptions=assumptions,
        launch=launch,
        max_concurrency=job["concurrency"],
        invocation_timeout_seconds=longest,
        request_ttl_seconds=job["request_ttl_seconds"],
        clients_publish_in_flight=True,
        horizon_seconds=max(trace[-1].time if trace else 0.0, END_OF_WARM_HOURS) + work + 2 * longest + 2.5 * HOUR,
        seed=job["seed"],
    )
    return simulate(scaling, trace, options)


@settings(max_examples=CASES, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(drawn=arrivals, job=jobs, chosen=setting_sets, assumptions=assumption_sets, launch=launches)
def test_promises_hold_for_random_traces_and_settings(
    drawn: list[tuple[float, float, int]],
    job: dict[str, int],
    chosen: dict[str, Any],
    assumptions: Assumptions,
    launch: Distribution,
) -> None:
    """Nothing stranded, always back at zero, no job cut off that was seen: or the smallest case that breaks it."""
    longest, concurrency = job["max_job_seconds"], job["concurrency"]
    chosen = chosen | {
        "interruptions_accepted": chosen["shrink"] or (chosen["rest_after_seconds"] or longest) < longest
    }
    assume(is_accepted(job, **chosen))
    scaling = scaled(longest, concurrency, **chosen)
    run = replay(trace_of(drawn, longest), scaling, assumptions, launch, **job)
    assert promises(assumptions, longest, **chosen).broken_by(run) == []
    # Where SageMaker takes cut-off work up again, work that is longer than the rest and counted by nothing never ends.
    assert chosen["interruptions_accepted"] or run.with_fate(Fate.WAITING, Fate.RUNNING) == []
