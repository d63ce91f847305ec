"""What the synthesized scaling promises holds under every answer to what AWS leaves undocumented.

The scaling engine that decides here is guarded by a reference of its own (tests/unit/scaling_engine/test_reference.py).
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from constructs_lib.scaling_settings import EXPOSURE_SECONDS, WAKE_SECONDS, ScalingSettings, WarmHours
from scaling_engine.assumptions import Assumptions, ScaleIn
from scaling_simulator.combinations import DELAYS_SECONDS, OFFSETS_SECONDS
from scaling_simulator.durations import Distribution
from scaling_simulator.options import Options
from scaling_simulator.outcome import Fate, Run
from scaling_simulator.patterns import PATTERNS, pattern
from scaling_simulator.promises import exposure
from scaling_simulator.simulation import simulate
from tests.infrastructure.scaling_cases import HOUR, is_accepted, promises, requests, scaled, under_every_combination

if TYPE_CHECKING:
    from collections.abc import Callable

    from scaling_simulator.outcome import Job
    from scaling_simulator.traces import Request

MIXED = requests(
    (HOUR, 60.0),  # wakes
    (HOUR + 1_500, 890.0),  # arrives within the time that leads to the rest
    *[(2.5 * HOUR + index, 100.0) for index in range(30)],  # grows
    (4 * HOUR, 890.0),
)
"""A request after a first deploy's rest, a long one on the warm endpoint, a burst, and a last one."""


def broken(
    trace: list[Request],
    options: Options,
    max_job_seconds: int = 900,
    **given: Any,  # noqa: ANN401 - settings of all kinds
) -> Callable[[Assumptions], list[str]]:
    """Return what tells, for any assumptions, which promises of these settings do not hold and what did not end."""

    def result(assumptions: Assumptions) -> list[str]:
        run = simulate(scaled(max_job_seconds, **given), trace, replace(options, assumptions=assumptions))
        unfinished = [f"request {job.number} is {job.fate}" for job in _unfinished(run)]
        return promises(assumptions, max_job_seconds, **given).broken_by(run) + unfinished

    return result


def _unfinished(run: Run) -> list[Job]:
    return [job for job in run.jobs if job.fate not in (Fate.COMPLETED, Fate.KILLED)]


@pytest.mark.parametrize(
    "options_of_settings",
    [{}, {"count_jobs_in_flight": True}, {"shrink": True, "interruptions_accepted": True}],
    ids=["default", "remedy", "shrink"],
)
def test_promises_hold_under_every_combination(options_of_settings: dict[str, bool]) -> None:
    """Nothing stranded, always back at zero, no job cut off that was seen; with shrinking, all but the last."""
    given: dict[str, Any] = {"max_instances": 3, **options_of_settings}
    options = Options(
        invocation_timeout_seconds=900,
        clients_publish_in_flight="count_jobs_in_flight" in given,
        horizon_seconds=6 * HOUR,
    )
    found = broken(MIXED, options, **given)
    for assumptions, lines in under_every_combination(found, sample=12, of=str(options_of_settings)):
        assert lines == [], assumptions


def test_with_alarms_that_look_back_no_further_than_metrics_are_late_nothing_rests() -> None:
    """And nothing is lost: why the promise names it."""
    late = Assumptions(publication_delay_seconds=120.0, instance_publication_delay_seconds=120.0)
    desired = []
    for extra in (1, 2):
        assumptions = replace(late, extra_datapoints=extra)
        run = simulate(scaled(), MIXED, Options(assumptions=assumptions, horizon_seconds=6 * HOUR))
        desired.append(run.minutes[-1].desired)
        assert _unfinished(run) == run.with_fate(Fate.KILLED) == []
    assert desired == [1, 0]


def test_one_request_wakes_one_instance_under_every_combination() -> None:
    """After a cold start as long as it is said to take, though metrics go on saying for minutes that there is none."""
    options = Options(launch=Distribution(600.0, 600.0), model_load=Distribution(0.0, 0.0), horizon_seconds=1.25 * HOUR)
    latest = {
        "publication_delay_seconds": max(DELAYS_SECONDS),
        "instance_publication_delay_seconds": max(DELAYS_SECONDS),
        "evaluation_offset_seconds": max(OFFSETS_SECONDS),
    }

    def woken(assumptions: Assumptions) -> tuple[list[int], bool]:
        trace = requests((HOUR / 2, 60.0))
        run = simulate(scaled(max_instances=3), trace, replace(options, assumptions=assumptions))
        capacities = [activity.to_capacity for activity in run.activities if activity.is_scale_out]
        return capacities, promises(assumptions).rest_seconds is None

    for assumptions, (capacities, never_slept) in under_every_combination(woken, sample=12, of="one request", **latest):
        assert capacities == ([] if never_slept else [1]), assumptions


def test_a_first_deploy_comes_to_rest_under_every_combination() -> None:
    """Without any request, with or without datapoints before the first one: or it never does, as is said."""

    def rests(assumptions: Assumptions) -> tuple[list[str], list[int], bool]:
        run = simulate(scaled(60), [], Options(assumptions=assumptions, horizon_seconds=HOUR / 4))
        capacities = [activity.to_capacity for activity in run.activities]
        promised = promises(assumptions, 60)
        return promised.broken_by(run), capacities, promised.rest_seconds is not None

    for assumptions, (lines, capacities, rest) in under_every_combination(rests, sample=40, of="first deploy"):
        assert lines == [], assumptions
        assert capacities == ([0] if rest else []), assumptions


OUTAGE = (2 * HOUR, 5 * HOUR)
TWO_DAYS = 48 * HOUR


def test_an_outage_of_metrics_removes_nothing() -> None:
    """Jobs that run when it begins, and jobs that come while it lasts, are safe, whatever is published of idleness."""
    trace = requests((1.8 * HOUR, 800.0), (2.2 * HOUR, 890.0), (3.5 * HOUR, 890.0), (4.5 * HOUR, 890.0))
    options = Options(outages=(OUTAGE,), horizon_seconds=8 * HOUR)

    def result(assumptions: Assumptions) -> tuple[Run, bool]:
        run = simulate(scaled(), trace, replace(options, assumptions=assumptions))
        return run, promises(assumptions).rest_seconds is not None

    for assumptions, (run, rests) in under_every_combination(result, sample=12, of="outage"):
        within = [activity for activity in run.activities if OUTAGE[0] + 180 < activity.time <= OUTAGE[1]]
        assert within == [], assumptions
        assert len(run.with_fate(Fate.COMPLETED)) == len(trace)
        assert run.minutes[-1].desired == 0 or not rests


@pytest.mark.parametrize(
    ("zeros_while_idle", "remedy", "lost"), [(True, False, 1), (False, False, 1), (False, True, 0)]
)
def test_an_outage_of_the_queues_metrics_alone_looks_like_idleness(
    *, zeros_while_idle: bool, remedy: bool, lost: int
) -> None:
    """Instances that go on reporting make silence mean that there is no work; only clients can say otherwise."""
    options = Options(
        assumptions=Assumptions(zeros_while_idle=zeros_while_idle),
        queue_outages=(OUTAGE,),
        clients_publish_in_flight=remedy,
        horizon_seconds=8 * HOUR,
    )
    trace = requests(*[(1.8 * HOUR + 800.0 * index, 780.0) for index in range(4)])
    run = simulate(scaled(count_jobs_in_flight=remedy), trace, options)
    assert len([job for job in run.jobs if job.fate is not Fate.COMPLETED]) == lost


@pytest.mark.parametrize("remedy", [False, True], ids=["default", "remedy"])
@pytest.mark.parametrize("name", PATTERNS)
def test_promises_hold_on_every_pattern(name: str, *, remedy: bool) -> None:
    """From one request to days and nights, with jobs of up to an hour: all of them come to an end.

    Of the week two days are enough: they have the same nights and mornings, and end with the work of the last evening.
    The remedy is for where the backlog does not count running work.
    """
    trace = [request for request in pattern(name) if request.time < TWO_DAYS]
    options = Options(clients_publish_in_flight=remedy, horizon_seconds=trace[-1].time + 6 * HOUR)
    found = broken(trace, options, 3_600, max_instances=4, count_jobs_in_flight=remedy)
    fixed = {"backlog_counts_running_work": False} if remedy else {}
    for assumptions, lines in under_every_combination(found, sample=1, of=f"{name} {remedy}", **fixed):
        assert lines == [], assumptions


@pytest.mark.parametrize(("delay", "offset"), [(0.0, 59.0), (60.0, 0.0), (120.0, 59.0), (119.0, 58.0)])
def test_the_exposure_is_what_the_documentation_says(delay: float, offset: float) -> None:
    """A job that arrives right after the last sample that can be read is cut off; one that is in it is safe."""
    assumptions = Assumptions(publication_delay_seconds=delay, evaluation_offset_seconds=offset)
    rests_at = simulate(scaled(), [], Options(assumptions=assumptions, horizon_seconds=HOUR)).activities[0].time
    options = Options(assumptions=assumptions, horizon_seconds=HOUR)
    sampled = (rests_at - delay) // 60 * 60

    def cut_off(arrival: float) -> float:
        return exposure(simulate(scaled(), requests((arrival, 600.0)), options))

    assert cut_off(sampled) == 0
    assert cut_off(sampled + 0.5) == rests_at - sampled - 0.5
    assert rests_at - sampled < EXPOSURE_SECONDS


def test_the_worst_exposure_is_three_minutes() -> None:
    """With metrics two minutes late and alarms evaluated a minute after the minute's end."""
    assumptions = Assumptions(publication_delay_seconds=120.0, evaluation_offset_seconds=59.99)
    rests_at = simulate(scaled(), [], Options(assumptions=assumptions, horizon_seconds=HOUR)).activities[0].time
    arrival = (rests_at - 120) // 60 * 60 + 0.001
    worst = exposure(simulate(scaled(), requests((arrival, 600.0)), Options(assumptions=assumptions)))
    assert worst == pytest.approx(EXPOSURE_SECONDS, abs=0.1)


def test_the_documentation_names_the_promises() -> None:
    """In seconds and minutes, as they are computed."""
    text = (Path(__file__).resolve().parents[2] / "docs/scaling.md").read_text()
    rest = ScalingSettings().rest_seconds(900) - 900
    assert f"**exposure {EXPOSURE_SECONDS} s**" in text
    assert f"within **{WAKE_SECONDS} s**" in text
    assert f"**`max_job_seconds` + {rest // 60} min**" in text


def test_without_the_remedy_a_metric_that_leaves_running_work_out_loses_jobs() -> None:
    """And with it, none: the reason why it is offered."""
    lost = []
    for remedy in (False, True):
        options = Options(assumptions=Assumptions(backlog_counts_running_work=False), clients_publish_in_flight=remedy)
        run = simulate(scaled(count_jobs_in_flight=remedy), requests((600.0, 890.0)), options)
        lost.append(len(run.with_fate(Fate.KILLED)))
    assert lost == [1, 0]


@pytest.mark.parametrize(("request_ttl_seconds", "fate"), [(900, Fate.EXPIRED), (1_800, Fate.COMPLETED)])
def test_a_job_that_drains_expires_no_request_thatis_accepted(request_ttl_seconds: int, fate: Fate) -> None:
    """It was taken just before the rest, and keeps the endpoint from waking until it is done."""
    late = Assumptions(scale_in=ScaleIn.DRAINS, publication_delay_seconds=120.0, evaluation_offset_seconds=59.99)
    rests_at = simulate(scaled(), [], Options(assumptions=late, horizon_seconds=HOUR)).activities[0].time
    options = Options(
        assumptions=late,
        launch=Distribution(600.0, 600.0),
        model_load=Distribution(0.0, 0.0),
        request_ttl_seconds=request_ttl_seconds,
    )
    run = simulate(scaled(), requests((rests_at - 1, 900.0), (rests_at + 1, 60.0)), options)
    assert fate is run.jobs[1].fate
    assert is_accepted({"request_ttl_seconds": request_ttl_seconds}) == (fate is Fate.COMPLETED)


@pytest.mark.parametrize(("backlog_per_instance", "expired"), [(24, 1), (23, 0)])
def test_no_backlog_that_is_accepted_expires_while_nothing_grows(backlog_per_instance: int, expired: int) -> None:
    """As many wait as nothing grows for, where those that run are not counted."""
    options = Options(
        assumptions=Assumptions(backlog_counts_running_work=False),
        launch=Distribution(600.0, 600.0),
        model_load=Distribution(0.0, 0.0),
    )
    trace = requests(*[(2 * HOUR + 0.001 * index, 900.0) for index in range(backlog_per_instance + 1)])
    given: dict[str, Any] = {"max_instances": 2, "backlog_per_instance": backlog_per_instance}
    run = simulate(scaled(**given), trace, options)
    assert expired == len(run.with_fate(Fate.EXPIRED))
    assert is_accepted({}, **given) == (not expired)


def test_a_single_minute_without_datapoints_delays_the_rest() -> None:
    """And nothing else: three of eighteen may be missing at most two."""
    outages = tuple((minute * 600.0 + 60, minute * 600.0 + 120) for minute in range(12))
    run = simulate(scaled(60), [], Options(outages=outages, horizon_seconds=2 * HOUR))
    assert run.minutes[-1].desired == 0


def test_warm_hours_keep_an_instance_and_let_it_rest_afterwards() -> None:
    """From eight to ten on a Monday; the endpoint is at zero again at once, for there was no work for long."""
    hours = WarmHours(start="08:00", end="10:00")
    run = simulate(scaled(warm_hours=(hours,)), [], Options(horizon_seconds=12 * HOUR))
    assert [(activity.time / HOUR, activity.to_capacity) for activity in run.activities[1:]] == [(8, 1), (10, 0)]


def test_a_minimum_of_one_answers_at_once() -> None:
    """However long nothing came."""
    run = simulate(scaled(min_instances=1, max_instances=3), requests((9 * HOUR, 60.0)), Options())
    assert run.jobs[0].wait_seconds == 0
    assert run.minutes[-1].desired == 1


def test_shrinking_saves_instances_and_rests_as_promised() -> None:
    """A burst, then a trickle that one instance could do: with shrinking, one does."""
    trace = requests(
        *[(HOUR + index, 200.0) for index in range(60)], *[(2 * HOUR + 600.0 * index, 100.0) for index in range(60)]
    )
    given: dict[str, Any] = {"max_instances": 4}
    shrinking = {**given, "shrink": True, "interruptions_accepted": True}
    options = Options(horizon_seconds=13 * HOUR)
    runs = {name: simulate(scaled(**chosen), trace, options) for name, chosen in (("", given), ("s", shrinking))}
    hours = {name: sum(minute.desired for minute in run.minutes) / 60 for name, run in runs.items()}
    assert hours["s"] < 0.5 * hours[""]
    assert min(minute.desired for minute in runs["s"].minutes if 2 * HOUR < minute.time < 11 * HOUR) == 1
    assert runs["s"].minutes[-1].desired == 0
