"""Promises that are broken are seen to be: a check that cannot fail proves nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from scaling_engine.assumptions import Assumptions, ScaleIn
from scaling_simulator.options import Options
from scaling_simulator.outcome import Job
from scaling_simulator.patterns import pattern
from scaling_simulator.promises import Promises, exposure, was_seen, was_seen_waiting
from scaling_simulator.simulation import simulate
from scaling_simulator.template import read_template
from scaling_simulator.traces import Request

if TYPE_CHECKING:
    from scaling_simulator.outcome import Run

PEERS = Path(__file__).resolve().parents[3] / "benchmarks/templates_of_peers"
PROMISES = Promises(wake_seconds=300, rest_seconds=4_020, max_job_seconds=3_600)


def run_of(peer: str, name: str, **assumptions: bool | ScaleIn) -> Run:
    """Simulate a peer on a pattern."""
    options = Options(assumptions=Assumptions(**assumptions))  # type: ignore[arg-type]
    return simulate(read_template(PEERS / f"{peer}.json"), pattern(name), options)


@pytest.mark.parametrize(
    ("peer", "name", "broken"),
    [
        ("target-tracking-only", "single", "is stranded"),
        ("target-tracking-only", "single", "and no instance was wanted"),
        ("terraform-huggingface", "single", "instances were wanted until"),
        ("aws-documented-pair", "heavy-tail", "was cut off at"),
        ("vep-endpoint", "medium", "was cut off at"),
    ],
)
def test_what_peers_break_is_named(peer: str, name: str, broken: str) -> None:
    """Stranded, never resting, cut off although a sample had it."""
    assert any(broken in line for line in PROMISES.broken_by(run_of(peer, name)))


def test_work_that_begins_again_was_cut_off_too() -> None:
    """Where SageMaker requeues, a job that a sample had is no less broken a promise."""
    assert PROMISES.broken_by(run_of("aws-documented-pair", "heavy-tail", scale_in=ScaleIn.REQUEUES))


def test_running_jobs_are_judged_only_where_they_are_promised() -> None:
    """The documented pair strands nothing and rests."""
    run = run_of("aws-documented-pair", "heavy-tail")
    weaker = replace(PROMISES, protects_running_jobs=False)
    assert any("although a sample saw it waiting" in line for line in weaker.broken_by(run))
    assert replace(weaker, protects_waiting_jobs=False).broken_by(run) == []
    assert exposure(run) > 180


def test_a_job_that_ends_in_the_first_moment_is_the_last_job() -> None:
    """What never rests after it is seen."""
    path = PEERS / "terraform-huggingface.json"
    run = simulate(read_template(path), [Request(time=0, service_seconds=0)], Options())
    assert any("instances were wanted until" in line for line in PROMISES.broken_by(run))


@pytest.mark.parametrize(
    ("started", "cut", "delay", "seen"),
    [
        (60.1, 90.0, 0.0, True),
        (60.0, 90.0, 0.0, False),
        (90.0, 70.0, 0.0, False),
        (130.0, 180.0, 120.0, True),
        (130.0, 179.0, 120.0, False),
    ],
)
def test_a_job_was_seen_waiting_if_a_sample_that_could_be_read_had_it_before_the_work_that_was_cut_off(
    started: float, cut: float, delay: float, *, seen: bool
) -> None:
    """It arrives at 60 s; what begins after the cut is other work."""
    assert seen == was_seen_waiting(Job(0, 60.0, 100.0, started=started), cut, delay)


def test_a_schedule_keeps_instances_until_its_end() -> None:
    """The rest is promised from there on."""
    run = run_of("aws-documented-pair", "single")
    wanted = max(minute.time for minute in run.minutes if minute.desired)
    impatient = replace(PROMISES, rest_seconds=60)
    assert any("instances were wanted until" in line for line in impatient.broken_by(run))
    assert replace(impatient, kept_until=wanted - 60).broken_by(run) == []


@pytest.mark.parametrize(
    ("arrived", "cut", "delay", "seen"),
    [(60.0, 60.0, 0.0, True), (60.1, 119.0, 0.0, False), (60.0, 179.0, 60.0, True), (60.1, 179.0, 60.0, False)],
)
def test_a_job_was_seen_if_a_sample_that_could_be_read_had_it(
    arrived: float, cut: float, delay: float, *, seen: bool
) -> None:
    """Samples are taken at each minute's end."""
    assert seen == was_seen(Job(0, arrived, 1.0), cut, delay)
