"""The command ``simulate``: a template, or several, against a trace.

It is a Click command of its own, so that a group of commands can take it in.
"""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from scaling_engine.assumptions import Assumptions
from scaling_engine.exceptions import ScalingConfigurationError
from scaling_simulator.combinations import ANSWERS
from scaling_simulator.durations import Distribution
from scaling_simulator.exceptions import SimulationError
from scaling_simulator.options import Options
from scaling_simulator.patterns import PATTERNS, pattern
from scaling_simulator.pictures import draw
from scaling_simulator.report import report
from scaling_simulator.simulation import simulate
from scaling_simulator.tables import table
from scaling_simulator.template import read_template
from scaling_simulator.traces import read_trace

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scaling_simulator.traces import Request


SECONDS_PER_HOUR: Final = 3_600


class _Duration(click.ParamType[Distribution]):
    name = "seconds"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Distribution:  # noqa: ANN401 - Click's signature
        if isinstance(value, Distribution):
            return value
        try:
            return Distribution.parse(value)
        except SimulationError as error:
            self.fail(str(error), param, ctx)


@click.command(name="simulate", short_help="Replay requests against the scaling of a template.")
@click.argument("template", type=click.Path(path_type=Path))
@click.option("--compare", multiple=True, type=click.Path(path_type=Path), help="Another template; may be repeated.")
@click.option("--trace", type=click.Path(path_type=Path), help="CSV with the columns time, service_seconds, bytes.")
@click.option("--pattern", "pattern_name", type=click.Choice(list(PATTERNS)), help="A named pattern of requests.")
@click.option("--target", help="Logical id of the scalable target, where the template has several.")
@click.option(
    "--launch",
    type=_Duration(),
    default="uniform:120-240",
    show_default=True,
    help="Seconds: 180, uniform:120-240, lognormal:180-300 (median, 95 %).",
)
@click.option(
    "--model-load",
    type=_Duration(),
    default="uniform:60-120",
    show_default=True,
    help="From there until in service, likewise.",
)
@click.option(
    "--ttl", type=click.FloatRange(min=0), default=21_600, show_default=True, help="Seconds a request may wait."
)
@click.option(
    "--timeout", type=click.FloatRange(min=0), default=3_600, show_default=True, help="Seconds a job may take."
)
@click.option(
    "--concurrency",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Per instance, where the template names none.",
)
@click.option("--assume", multiple=True, metavar="SWITCH=ANSWER", help=f"Switches: {', '.join(ANSWERS)}.")
@click.option("--in-flight", is_flag=True, help="Clients publish how many jobs they wait for.")
@click.option("--price", type=click.FloatRange(min=0), help="Of an instance-hour, in any currency.")
@click.option(
    "--always-on", type=click.IntRange(min=1), default=1, show_default=True, help="Instances to compare with."
)
@click.option("--hours", type=click.FloatRange(min=0), help="How long to simulate.  [default: until all must be over]")
@click.option("--seed", type=int, default=1, show_default=True, help="Of patterns and durations.")
@click.option("--picture", type=click.Path(path_type=Path), help="PNG to write.")
@click.option("--json", "as_json", is_flag=True, help="For machines.")
def simulate_command(template: Path, compare: tuple[Path, ...], **given: Any) -> None:  # noqa: ANN401 - Click's options
    """Replay requests against the scaling that TEMPLATE, a synthesized CloudFormation template, declares."""
    try:
        requests = _requests(given["trace"], given["pattern_name"], given["seed"])
        options = _options(given)
        runs = {
            name: simulate(read_template(path, endpoint=given["target"]), requests, options)
            for name, path in _names(template, *compare).items()
        }
        if given["picture"] is not None:
            draw(runs, given["picture"])
    except (SimulationError, ScalingConfigurationError) as error:
        raise click.ClickException(str(error)) from error
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
    if (trace is None) == (pattern_name is None):
        raise click.UsageError("give either --trace or --pattern")
    return read_trace(trace) if trace is not None else pattern(str(pattern_name), seed)


def _options(given: Mapping[str, Any]) -> Options:
    return Options(
        assumptions=_assumptions(given["assume"]),
        launch=given["launch"],
        model_load=given["model_load"],
        request_ttl_seconds=given["ttl"],
        invocation_timeout_seconds=given["timeout"],
        max_concurrency=given["concurrency"],
        clients_publish_in_flight=given["in_flight"],
        horizon_seconds=None if given["hours"] is None else given["hours"] * SECONDS_PER_HOUR,
        seed=given["seed"],
    )


def _assumptions(given: tuple[str, ...]) -> Assumptions:
    answers = {}
    known = {field.name for field in fields(Assumptions)}
    for text in given:
        name, _, answer = text.partition("=")
        if name not in known:
            raise click.UsageError(f"--assume {text}: no such switch, use one of {', '.join(sorted(known))}")
        answers[name] = _answer(text, answer, type(ANSWERS[name][0]))
    return Assumptions(**answers)


def _answer(text: str, answer: str, kind: type[Any]) -> Any:  # noqa: ANN401 - whatever the switch takes
    try:
        return {"true": True, "false": False}[answer.lower()] if kind is bool else kind(answer)
    except (KeyError, ValueError) as error:
        allowed = (
            "true or false"
            if kind is bool
            else "a number"
            if kind is float
            else ", ".join(str(choice) for choice in kind)
        )
        raise click.UsageError(f"--assume {text}: the answer is {allowed}") from error
