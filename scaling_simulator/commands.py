"""The command ``simulate``: a template, or several, against a trace.

It is a Click command of its own, so that a group of commands can take it in.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import click

from scaling_engine.assumption_arguments import switches, values
from scaling_engine.assumptions import Assumptions
from scaling_engine.exceptions import ScalingConfigurationError
from scaling_simulator.command_types import AssumptionType, DurationType, FiniteRange, PairType
from scaling_simulator.exceptions import SimulationError
from scaling_simulator.inputs import deployments_of, options_of, requests_of
from scaling_simulator.patterns import HOUR, PATTERNS
from scaling_simulator.pictures import draw, require_drawable
from scaling_simulator.report import report
from scaling_simulator.simulation import simulate
from scaling_simulator.tables import table
from scaling_simulator.traces import LONGEST_SECONDS

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
    context_settings={"help_option_names": ["-h", "--help"]},
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
    type=FiniteRange(min=0, min_open=True, max=LONGEST_SECONDS / HOUR),
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
        options = options_of(given)
        requests = requests_of(given["trace"], given["pattern_name"], options)
        if given["picture"] is not None:
            require_drawable(given["picture"])
        deployments = deployments_of((template, *compare), given["target"], dict(given["parameter"]))
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
