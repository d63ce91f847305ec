"""Published scaling, read from templates, shows the faults that its users report."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from scaling_engine.assumptions import Assumptions
from scaling_simulator.options import Options
from scaling_simulator.patterns import pattern
from scaling_simulator.report import Report, report
from scaling_simulator.simulation import simulate
from scaling_simulator.template import read_template

PEERS = Path(__file__).resolve().parents[3] / "benchmarks/templates_of_peers"


def figures(peer: str, name: str, assumptions: Assumptions | None = None) -> Report:
    """Return the figures of a peer on a pattern."""
    scaling = read_template(PEERS / f"{peer}.json")
    return report(simulate(scaling, pattern(name), Options(assumptions=assumptions or Assumptions())))


@pytest.mark.parametrize("path", sorted(PEERS.glob("*.json")), ids=lambda path: path.stem)
def test_every_template_names_its_source(path: Path) -> None:
    """With repository or guide, and what was set here."""
    assert json.loads(path.read_text())["Metadata"]["Source"]


@pytest.mark.parametrize("at_zero", [False, True])
def test_target_tracking_alone_strands_a_request_at_zero(*, at_zero: bool) -> None:
    """Whether the backlog per instance is published at zero or not: one is below the target."""
    assert figures("target-tracking-only", "single", Assumptions(backlog_per_instance_at_zero=at_zero)).stranded == 1


def test_the_documented_pair_loses_long_jobs_where_they_are_not_counted() -> None:
    """Backlog zero for fifteen minutes, with a job of 55 min running."""
    uncounted = Assumptions(backlog_counts_running_work=False)
    assert figures("aws-documented-pair", "long", uncounted).killed > 15


def test_the_documented_pair_loses_jobs_where_they_are_counted_too() -> None:
    """Below nine tenths of the target it removes instances, whether they work or not."""
    assert figures("aws-documented-pair", "heavy-tail").killed > 5


def test_scale_in_on_a_missing_backlog_without_capacity_loses_every_job_of_five_minutes() -> None:
    """The metric is zero whenever there is an instance."""
    vep = figures("vep-endpoint", "medium")
    assert vep.killed == vep.requests


@pytest.mark.parametrize("peer", ["generative-ai-cdk-constructs", "terraform-huggingface"])
def test_metrics_that_nobody_publishes_never_let_an_endpoint_rest(peer: str) -> None:
    """Its alarms have no data, and nothing says so."""
    assert not figures(peer, "single").rests_at_end
