"""Compares the synthesized scaling with that of others, on the same requests, in figures and pictures.

Run from the repository: ``python -m benchmarks.scaling``. The tables go to standard output, the figures to
``benchmarks/results/scaling.json``; with ``--docs`` the tables and pictures of docs/scaling.md are written anew.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

os.environ.setdefault("CDK_VALIDATION", "false")

from aws_cdk import App, Stack, assertions

from benchmarks.table import Row
from constructs_lib.endpoint_scaling import EndpointScaling
from constructs_lib.scaling_settings import ScalingSettings
from scaling_engine.assumptions import Assumptions, ScaleIn
from scaling_simulator.options import Options
from scaling_simulator.patterns import PATTERNS, pattern
from scaling_simulator.pictures import draw
from scaling_simulator.report import Report, report
from scaling_simulator.simulation import simulate
from scaling_simulator.tables import duration
from scaling_simulator.template import Deployment, deployment, read_template
from scaling_simulator.traces import Request

if TYPE_CHECKING:
    from collections.abc import Iterable

HERE: Final = Path(__file__).resolve().parent
PEERS: Final = HERE / "templates_of_peers"
DOCS: Final = HERE.parent / "docs"
MAX_INSTANCES: Final = 5

COUNTED: Final = Assumptions()
NOT_COUNTED: Final = Assumptions(backlog_counts_running_work=False)
REQUEUED: Final = Assumptions(scale_in=ScaleIn.REQUEUES)

NEEDED_JOB_SECONDS: Final = {"single": 60, "trickle": 60, "burst": 60, "short": 60, "medium": 300, "diurnal": 900}
"""The longest job of each pattern where it is far below an hour; one request in a million of diurnal takes longer."""


def ours(max_job_seconds: int, **settings: Any) -> Deployment:  # noqa: ANN401 - settings of all kinds
    """Return what the construct synthesizes."""
    stack = Stack(App(), "Stack")
    EndpointScaling(
        stack,
        "Scaling",
        endpoint_name="endpoint",
        variant_name="AllTraffic",
        settings=ScalingSettings(max_instances=MAX_INSTANCES, **settings),
        max_job_seconds=max_job_seconds,
    )
    return deployment(assertions.Template.from_stack(stack).to_json())


def candidates(name: str) -> dict[str, tuple[Deployment, bool]]:
    """Return what is compared on a pattern, and whether its clients publish what is in flight."""
    found = {"this project, jobs to 1 h": (ours(3_600), False)}
    if (needed := NEEDED_JOB_SECONDS.get(name)) is not None:
        found[f"this project, jobs to {duration(needed)}"] = (ours(needed), False)
    found["this project, in-flight remedy"] = (ours(3_600, count_jobs_in_flight=True), True)
    for path in sorted(PEERS.glob("*.json")):
        found[path.stem] = (read_template(path), "in-flight" in path.stem)
    return found


def options(assumptions: Assumptions, *, in_flight: bool, peer: bool) -> Options:
    """Return the options of a run; the one peer whose clients publish does so under its own name."""
    chosen = Options(assumptions=assumptions, clients_publish_in_flight=in_flight)
    return replace(chosen, in_flight_metric=("Yomitoku/AsyncEndpoint", "InflightInvocations")) if peer else chosen


def compared(name: str) -> dict[str, tuple[Report, Report, Report]]:
    """Return the figures of every candidate on a pattern.

    Where the backlog counts running work and scale-in kills it, where the backlog does not, where scale-in requeues.
    """
    requests = pattern(name)
    figures = {}
    for label, (scaling, in_flight) in candidates(name).items():
        peer = not label.startswith("this project")
        counted, not_counted, requeued = (
            report(simulate(scaling, requests, options(assumptions, in_flight=in_flight, peer=peer)))
            for assumptions in (COUNTED, NOT_COUNTED, REQUEUED)
        )
        figures[label] = (counted, not_counted, requeued)
    return figures


HEADINGS: Final = (
    "scaling",
    "completed",
    "stranded, expired",
    "killed",
    "killed if running work is not counted",
    "begun again if scale-in requeues",
    "wait: median, 95 %, longest",
    "cold starts",
    "instance-hours",
    "busy",
    "rests",
)


def row(label: str, figures: Report, not_counted: Report, requeued: Report) -> list[str]:
    """Return a line of a table."""
    waits = (figures.wait_p50_seconds, figures.wait_p95_seconds, figures.wait_max_seconds)
    return [
        label,
        f"{figures.completed} of {figures.requests}",
        str(figures.stranded + figures.expired + figures.unfinished),
        str(figures.killed),
        f"{not_counted.killed} ({not_counted.killed / max(1, not_counted.requests):.0%})",
        f"{requeued.restarted} ({requeued.repeated_hours:.1f} h)",
        ", ".join(map(duration, waits)),
        str(figures.cold_starts),
        f"{figures.instance_hours:.1f}",
        f"{figures.busy_share:.0%}",
        "yes" if figures.rests_at_end else "**no**",
    ]


def markdown(name: str, figures: dict[str, tuple[Report, Report, Report]]) -> str:
    """Return the table of a pattern."""
    summary = (PATTERNS[name].__doc__ or "").removeprefix("Return ").split("\n")[0].rstrip(".")
    lines = [f"### {name}: {summary}", "", f"| {' | '.join(HEADINGS)} |", "|---" * len(HEADINGS) + "|"]
    lines += [f"| {' | '.join(row(label, *reports))} |" for label, reports in figures.items()]
    return "\n".join(lines)


def strategies() -> str:
    """Return what each way to save comes to, in instance-hours of the instance that is compared with."""
    lines = ["| strategy | instance-hours | of | saving | median wait |", "|---|---|---|---|---|"]
    week = pattern("diurnal")
    slower = [replace(request, service_seconds=1.8 * request.service_seconds) for request in week]
    busy = [Request(time=36.0 * index, service_seconds=22.0) for index in range(2_400)]
    batched = [Request(time=720.0 * index + 700, service_seconds=20 * 2.0 + 20) for index in range(120)]
    rare = [Request(time=8 * 3_600.0 * index + 10_000, service_seconds=60.0) for index in range(9)]
    for label, scaling, trace, price in (
        ("a working week, one instance always on", ours(900, min_instances=1), week, 1.0),
        ("the same, scaled to zero (jobs to 15 min)", ours(900), week, 1.0),
        ("the same on an instance of half the price that takes 1.8 times as long", ours(1_800), slower, 0.5),
        ("trickle, scaled to zero (jobs to 1 min)", ours(60), pattern("trickle"), 1.0),
        ("medium, scaled to zero (jobs to 5 min)", ours(300), pattern("medium"), 1.0),
        ("long, scaled to zero (jobs to 1 h)", ours(3_600), pattern("long"), 1.0),
        ("three requests a day, scaled to zero (jobs to 1 min)", ours(60), rare, 1.0),
        ("2,400 requests a day, of 20 s overhead and 2 s work each", ours(60), busy, 1.0),
        ("the same in batches of 20, every 12 min", ours(60), batched, 1.0),
    ):
        end = math.ceil(trace[-1].time / 86_400) * 86_400.0
        figures = report(simulate(scaling, trace, Options(horizon_seconds=end)))
        hours = price * figures.instance_hours
        wait = duration(figures.wait_p50_seconds)
        lines.append(f"| {label} | {hours:.1f} | {figures.hours:.0f} | {1 - hours / figures.hours:.0%} | {wait} |")
    return "\n".join(lines)


def pictures(folder: Path) -> None:
    """Write the pictures of docs/scaling.md."""
    pair = read_template(PEERS / "aws-documented-pair.json")
    for name, needed in (("burst", 3_600), ("long", 3_600), ("diurnal", 900)):
        requests = pattern(name)
        chosen = Options(assumptions=NOT_COUNTED if name == "long" else COUNTED)
        remedy = {"count_jobs_in_flight": True} if name == "long" else {}
        mine = simulate(ours(needed, **remedy), requests, replace(chosen, clients_publish_in_flight=bool(remedy)))
        title = "this project, in-flight remedy" if remedy else "this project"
        draw({"AWS's documented pair": simulate(pair, requests, chosen), title: mine}, folder / f"scaling-{name}.png")


def run() -> Iterable[Row]:
    """Yield what becomes of each pattern's requests under each scaling, and what that costs."""
    for name in PATTERNS:
        for label, (figures, not_counted, _) in compared(name).items():
            lost = figures.stranded + figures.expired + figures.unfinished
            for figure, unit, value in (
                ("stranded or expired", "requests", lost),
                ("killed", "requests", figures.killed),
                ("killed if running work is not counted", "requests", not_counted.killed),
                ("instances run for", "hours", figures.instance_hours),
            ):
                yield Row(f"scaling: {name}", label, figure, unit, value)


def main() -> None:
    """Compare, print, store."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--docs", action="store_true", help="write the tables and pictures of docs/scaling.md anew")
    arguments = parser.parse_args()
    tables, stored = [], {}
    for name in PATTERNS:
        figures = compared(name)
        tables.append(markdown(name, figures))
        stored[name] = {
            label: dict(zip(("counted", "not counted", "requeued"), (one.to_dict() for one in reports), strict=True))
            for label, reports in figures.items()
        }
        sys.stdout.write(f"{tables[-1]}\n\n")
    saving = strategies()
    sys.stdout.write(f"{saving}\n")
    results = HERE / "results"
    results.mkdir(exist_ok=True)
    (results / "scaling.json").write_text(json.dumps(stored, indent=2) + "\n")
    if arguments.docs:
        (DOCS / "pictures").mkdir(exist_ok=True)
        pictures(DOCS / "pictures")
        written = "Written by `python -m benchmarks.scaling --docs`; [scaling.md](scaling.md) says what it means."
        text = "\n\n".join(["# Scaling in figures", written, *tables, "### Ways to save", saving])
        (DOCS / "scaling-figures.md").write_text(text + "\n")


if __name__ == "__main__":
    main()
