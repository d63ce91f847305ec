"""Every combination of assumptions, and the few that stand for all of them."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from math import prod
from random import Random
from typing import TYPE_CHECKING, Any

from scaling_engine.assumptions import Assumptions, ScaleIn
from scaling_simulator.combinations import ANSWERS, every_combination, every_difference
from scaling_simulator.options import Options
from scaling_simulator.simulation import simulate
from scaling_simulator.traces import Request

if TYPE_CHECKING:
    from scaling_simulator.template import Deployment


def test_every_combination_is_another() -> None:
    """Two answers to each of twelve switches, three ways to scale in, and nothing twice."""
    combinations = list(every_combination())
    assert len(combinations) == len(set(combinations)) == 2**12 * 3
    assert len(list(every_combination(backlog_counts_running_work=True))) == len(combinations) // 2


def test_every_switch_has_answers() -> None:
    """The first is the default."""
    assert {name: getattr(Assumptions(), name) for name in Assumptions.__slots__} == {
        name: answers[0] for name, answers in ANSWERS.items()
    }


def test_what_is_not_asked_for_is_not_varied() -> None:
    """A switch that is asked for under one answer to another one is varied under that answer alone."""

    def result(assumptions: Assumptions) -> object:
        return assumptions.zeros_while_idle or assumptions.scale_in

    found = {value: names for _, names, value in every_difference(result)}
    expected: dict[object, set[str]] = {one: {"zeros_while_idle", "scale_in"} for one in ScaleIn}
    assert found == {True: {"zeros_while_idle"}, **expected}
    assert [value for *_, value in every_difference(result, zeros_while_idle=True)] == [True]


def test_the_few_stand_for_every_combination(pair: Deployment) -> None:
    """Each combination belongs to exactly one of them, and scales alike."""
    trace = [Request(time=time, service_seconds=400.0) for time in (100.0, 5_000.0, 5_001.0, 5_002.0, 6_000.0)]

    def result(assumptions: Assumptions) -> tuple[object, ...]:
        run = simulate(pair, trace, replace(Options(horizon_seconds=9_000.0), assumptions=assumptions))
        capacities = [(activity.time, activity.to_capacity) for activity in run.activities]
        return capacities, [(job.fate, job.started, job.ended, job.cuts) for job in run.jobs]

    held = ("sampling", "extra_datapoints", "evaluation_offset_seconds", "instance_publication_delay_seconds")
    fixed: dict[str, Any] = {name: ANSWERS[name][0] for name in held}
    few = list(every_difference(result, **fixed))
    shares = [Fraction(1, prod(len(ANSWERS[name]) for name in names - fixed.keys())) for _, names, _ in few]
    assert sum(shares) == 1
    assert len(few) < len(list(every_combination(**fixed))) / 4
    for assumptions in Random(1).sample(list(every_combination(**fixed)), 40):  # noqa: S311 - chance that repeats
        [stands_for_it] = [
            value
            for few_assumptions, names, value in few
            if all(getattr(assumptions, name) == getattr(few_assumptions, name) for name in names)
        ]
        assert stands_for_it == result(assumptions), assumptions
