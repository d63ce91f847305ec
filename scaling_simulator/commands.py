"""The command ``simulate``: a template, or several, against a trace.

It is a Click command of its own, so that a group of commands can take it in.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from scaling_engine.assumption_arguments import switches, values
from scaling_engine.assumptions import Assumptions
from scaling_engine.exceptions import ScalingConfigurationError
from scaling_simulator.command_types import AssumptionType, DurationType, FiniteRange, PairType
from scaling_simulator.exceptions import SimulationError
from scaling_simulator.options import Options
from scaling_simulator.patterns import PATTERNS, pattern
from scaling_simulator.pictures import draw, require_drawable
from scaling_simulator.report import report
from scaling_simulator.simulation import simulate
from scaling_simulator.tables import table
from scaling_simulator.template import read_template
from scaling_simulator.traces import LONGEST_SECONDS, read_trace

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scaling_simulator.template import Deployment
    from scaling_simulator.traces import Request


SECONDS_PER_HOUR: Final = 3_600

_PATTERNS_HELP: Final = "\b\nPatterns:\n" + "\n".join(
    f"  {name:<11} {(each.__doc__ or '').removeprefix('Return ').splitlines()[0]}" for name, each in PATTERNS.items()
)
_ASSUMPTIONS_HELP: Final = "\b\nAssumptions, what AWS leaves undocumented:\n" + "\n".join(
    f"  {name}: {values(kind)}  [default: {str(getattr(Assumptions(), name)).lower()}]"
    for name, kind in switches(Assumptions).items()
)


@click.command(
    name="simulate",
    short_help="Replay requests against the scaling of a template.",
    epilog=f"{_PATTERNS_HELP}\n\n{_ASSUMPTIONS_HELP}",
)
@click.argument("template", type=click.Path(path_type=Path))
@click.option(
    "--trace",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="CSV with the columns time and service_seconds, both in seconds, and perhaps bytes. This or --pattern.",
)
@click.option("--pattern", "pattern_name", type=click.Choice(list(PATTERNS)), help="Requests of a kind, see below.")
@click.option(
    "--compare",
    metavar="TEMPLATE",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Another template, in the same table and picture; may be repeated.",
)
@click.option(
    "--price",
    metavar="NUMBER",
    type=FiniteRange(min=0),
    help="Of an hour of one instance, in any currency: adds the cost.",
)
@click.option(
    "--always-on",
    metavar="COUNT",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Instances that never stop, to compare the cost with.",
)
@click.option("--picture", metavar="FILE", type=click.Path(path_type=Path), help="PNG to write.")
@click.option("--json", "as_json", is_flag=True, help="For machines.")
@click.option(
    "--launch",
    type=DurationType(),
    default="uniform:120-240",
    show_default=True,
    help="Until an instance runs: 180, uniform:120-240, lognormal:180-300 (median, 95 %).",
)
@click.option(
    "--model-load",
    type=DurationType(),
    default="uniform:60-120",
    show_default=True,
    help="From there until in service, likewise.",
)
@click.option(
    "--ttl",
    metavar="SECONDS",
    type=FiniteRange(min=0, min_open=True),
    default=21_600,
    show_default=True,
    help="How long a request may wait.",
)
@click.option(
    "--timeout",
    metavar="SECONDS",
    type=FiniteRange(min=0, min_open=True),
    default=3_600,
    show_default=True,
    help="How long a job may take.",
)
@click.option(
    "--concurrency",
    metavar="COUNT",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Requests at a time per instance, where the template names none.",
)
@click.option("--in-flight", is_flag=True, help="Clients publish how many jobs they wait for.")
@click.option("--assume", multiple=True, type=AssumptionType(), help="See below; may be repeated.")
@click.option(
    "--target",
    metavar="LOGICAL-ID",
    multiple=True,
    help="Of the scalable target, where a template has several; may be repeated.",
)
@click.option(
    "--parameter",
    multiple=True,
    type=PairType(),
    help="Of the template, where its default is missing or does not do; may be repeated.",
)
@click.option(
    "--hours",
    metavar="NUMBER",
    type=FiniteRange(min=0, min_open=True, max=LONGEST_SECONDS / SECONDS_PER_HOUR),
    help="How long to simulate.  [default: until all must be over]",
)
@click.option("--seed", type=int, default=1, show_default=True, help="Of patterns and durations.")
@click.pass_context
def simulate_command(context: click.Context, /, template: Path, compare: tuple[Path, ...], **given: Any) -> None:  # noqa: ANN401 - Click's options
    """Replay requests against the scaling that TEMPLATE declares, without AWS.

    TEMPLATE is a CloudFormation template in JSON, such as `cdk synth` writes to cdk.out. It says how many instances
    are in service at the beginning, as after a deployment.
    """
    try:
        requests = _requests(given["trace"], given["pattern_name"], given["seed"])
        options = _options(given)
        if given["picture"] is not None:
            require_drawable(given["picture"])
        deployments = _deployments(_names(template, *compare), given["target"], dict(given["parameter"]))
        runs = {name: simulate(one, requests, options) for name, one in deployments.items()}
        if given["picture"] is not None:
            draw(runs, given["picture"])
    except (SimulationError, ScalingConfigurationError) as error:
        raise click.UsageError(str(error), context) from error
    reports = {
        name: report(run, price_per_hour=given["price"], always_on=given["always_on"]) for name, run in runs.items()
    }
    if given["as_json"]:
        click.echo(json.dumps({name: one.to_dict() for name, one in reports.items()}, indent=2))
    else:
        click.echo(table(reports))


def _names(*paths: Path) -> dict[str, Path]:
    """Return the templates by the shortest names that tell them apart."""
    stems = [path.name.split(".")[0] for path in paths]
    return {stem if stems.count(stem) == 1 else str(path): path for stem, path in zip(stems, paths, strict=True)}


def _requests(trace: Path | None, pattern_name: str | None, seed: int) -> list[Request]:
    if trace is not None and pattern_name is not None:
        raise SimulationError("--trace and --pattern exclude each other: give one of them")
    if trace is not None:
        return read_trace(trace)
    if pattern_name is not None:
        return pattern(pattern_name, seed)
    raise SimulationError(f"no requests: give --trace FILE, or --pattern with one of {', '.join(PATTERNS)}")


def _deployments(
    paths: Mapping[str, Path], targets: tuple[str, ...], parameters: Mapping[str, str]
) -> dict[str, Deployment]:
    """Return what the templates declare, and see that there is something for every name to mean."""
    deployments = {name: read_template(path, targets=targets, parameters=parameters) for name, path in paths.items()}
    declared = frozenset[str]().union(*(one.parameters for one in deployments.values()))
    for option, names, known in (
        ("--target", targets, {one.target for one in deployments.values()}),
        ("--parameter", parameters, declared),
    ):
        if unknown := [name for name in names if name not in known]:
            there = ", ".join(sorted(known)) or "none"
            raise SimulationError(f"{option} {unknown[0]}: no template has it, there is {there}")
    return deployments


def _options(given: Mapping[str, Any]) -> Options:
    return Options(
        assumptions=Assumptions(**dict(given["assume"])),
        launch=given["launch"],
        model_load=given["model_load"],
        request_ttl_seconds=given["ttl"],
        invocation_timeout_seconds=given["timeout"],
        max_concurrency=given["concurrency"],
        clients_publish_in_flight=given["in_flight"],
        horizon_seconds=None if given["hours"] is None else given["hours"] * SECONDS_PER_HOUR,
        seed=given["seed"],
    )
