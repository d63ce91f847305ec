"""What happens to requests and instances, event by event."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from scaling_engine.assumptions import Assumptions, ScaleIn
from scaling_simulator.durations import Distribution
from scaling_simulator.options import Options
from scaling_simulator.outcome import Fate
from scaling_simulator.patterns import pattern
from scaling_simulator.simulation import simulate
from scaling_simulator.template import Deployment, deployment
from scaling_simulator.traces import Request

if TYPE_CHECKING:
    from scaling_simulator.outcome import Run

HOUR = 3_600.0
OPTIONS = Options(launch=Distribution(180, 180), model_load=Distribution(60, 60))


def run(scaling: Deployment, *requests: tuple[float, float], **options: Any) -> Run:  # noqa: ANN401 - of all kinds
    """Replay requests, given as time and work."""
    return simulate(
        scaling, [Request(time=time, service_seconds=work) for time, work in requests], replace(OPTIONS, **options)
    )


def test_a_warm_instance_takes_a_request_at_once(pair: Deployment) -> None:
    """The first deployment starts one, and it works on two requests at a time."""
    jobs = run(pair, (10, 60), (20, 60), (30, 60)).jobs
    assert [(job.started, job.ended, job.fate) for job in jobs] == [
        (10, 70, Fate.COMPLETED),
        (20, 80, Fate.COMPLETED),
        (70, 130, Fate.COMPLETED),
    ]


def test_a_first_deployment_comes_to_rest_after_fifteen_minutes(pair: Deployment) -> None:
    """AWS's own low alarm looks at fifteen minutes."""
    (activity,) = run(pair, horizon_seconds=HOUR).activities
    assert (activity.time, activity.from_capacity, activity.to_capacity) == (900, 1, 0)


def test_a_request_at_zero_wakes_and_waits_for_launch_and_load(pair: Deployment) -> None:
    """Two minutes of backlog, three of launch, one of load."""
    result = run(pair, (2 * HOUR, 60))
    (job,) = result.jobs
    assert job.started == 2 * HOUR + 60 + 180 + 60
    assert result.longest_wait_without_capacity == 60


def test_input_takes_time_to_read(pair: Deployment) -> None:
    """A gigabyte at 100 MB a second."""
    trace = [Request(time=10, service_seconds=60, size_bytes=1_000_000_000)]
    (job,) = simulate(pair, trace, OPTIONS).jobs
    assert job.ended == 80


def test_work_beyond_the_invocation_timeout_is_ended(pair: Deployment) -> None:
    """The instance is free again then."""
    (job,) = run(pair, (10, 1_000), invocation_timeout_seconds=900.0).jobs
    assert (job.fate, job.ended) == (Fate.TIMED_OUT, 910)


def test_a_request_expires_in_the_queue(pair: Deployment) -> None:
    """It was there for its time to live, behind two that took longer."""
    jobs = run(pair, (10, 1_000), (10, 1_000), (20, 60), request_ttl_seconds=600.0).jobs
    assert [job.fate for job in jobs] == [Fate.COMPLETED, Fate.COMPLETED, Fate.EXPIRED]
    assert jobs[2].ended == 620


@pytest.mark.parametrize(
    ("scale_in", "fate", "lost"),
    [(ScaleIn.KILLS, Fate.KILLED, True), (ScaleIn.DRAINS, Fate.COMPLETED, False), (ScaleIn.REQUEUES, None, True)],
)
def test_scale_in_kills_drains_or_requeues(
    pair: Deployment, scale_in: ScaleIn, fate: Fate | None, *, lost: bool
) -> None:
    """One running job on one instance is within the band in which AWS's pair scales in: 1 < 0.9 x 5.

    A job that begins again comes to the same end.
    """
    result = run(pair, (60, 3_000), assumptions=Assumptions(scale_in=scale_in, backlog_counts_running_work=False))
    (job,) = result.jobs
    assert (job.lost_seconds > 0) == lost
    if fate is not None:
        assert job.fate is fate
    else:
        assert job.restarts > 1


def test_work_that_began_in_the_first_moment_counts_as_lost_too(pair: Deployment) -> None:
    """Its start is 0 s, which is a time like any other."""
    result = run(pair, (0, 3_000), assumptions=Assumptions(backlog_counts_running_work=False))
    assert [job.lost_seconds for job in result.jobs] == [900]


def test_a_request_that_nothing_wakes_for_is_stranded(template: dict[str, Any]) -> None:
    """Target tracking alone does not see it at zero instances, so it expires after six hours."""
    del template["Resources"]["WakeAlarm"]
    result = run(deployment(template), (2 * HOUR, 60))
    assert [job.fate for job in result.stranded()] == [Fate.EXPIRED]
    assert result.longest_wait_without_capacity == 6 * HOUR


def test_a_metric_under_other_dimensions_is_never_seen(template: dict[str, Any]) -> None:
    """The endpoint never rests: its low alarm has no data."""
    tracking = template["Resources"]["Grow"]["Properties"]["TargetTrackingScalingPolicyConfiguration"]
    tracking["CustomizedMetricSpecification"]["Dimensions"] = [{"Name": "Endpoint", "Value": "x"}]
    assert run(deployment(template), (60, 60)).activities == []


def test_an_outage_hides_datapoints(pair: Deployment) -> None:
    """A request at zero waits until metrics come back."""
    (job,) = run(pair, (2 * HOUR, 60), outages=((2 * HOUR - 60, 3 * HOUR),)).jobs
    assert job.started == 3 * HOUR + 120 + 180 + 60


def test_published_late_is_decided_late(pair: Deployment) -> None:
    """Two minutes of delay and half a minute until alarms are evaluated."""
    late = Assumptions(publication_delay_seconds=120, evaluation_offset_seconds=30)
    (job,) = run(pair, (2 * HOUR, 60), assumptions=late).jobs
    assert job.started == 2 * HOUR + 60 + 120 + 30 + 180 + 60


def test_scheduled_actions_move_the_limits(template: dict[str, Any]) -> None:
    """Two instances from eight to ten, on weekdays."""
    template["Resources"]["Target"]["Properties"]["ScheduledActions"] = [
        {
            "ScheduledActionName": name,
            "Schedule": f"cron(0 {hour} ? * MON-FRI *)",
            "ScalableTargetAction": {"MinCapacity": low},
        }
        for name, hour, low in (("up", 8, 2), ("down", 10, 0))
    ]
    activities = run(deployment(template), horizon_seconds=12 * HOUR).activities
    assert [(one.time, one.to_capacity, one.cause) for one in activities[1:]] == [
        (8 * HOUR, 2, "minimum capacity was set to 2"),
        (10 * HOUR, 0, "monitor alarm <Grow>-AlarmLow in state ALARM triggered policy Grow"),
    ]


def test_the_same_seed_gives_the_same_run(pair: Deployment) -> None:
    """Chance repeats."""
    options = replace(OPTIONS, launch=Distribution(100, 400), horizon_seconds=24 * HOUR)
    first, second = (simulate(pair, pattern("heavy-tail"), options) for _ in range(2))
    assert first.jobs == second.jobs
    assert simulate(pair, pattern("heavy-tail"), replace(options, seed=2)).jobs != first.jobs


def test_a_week_takes_seconds(pair: Deployment) -> None:
    """2 s of a processor's time on an idle machine; a busy one is given more."""
    before = time.process_time()
    simulate(pair, pattern("diurnal"), OPTIONS)
    assert time.process_time() - before < 6
