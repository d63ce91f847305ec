"""``async-inference doctor``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import click

from async_inference.cli.failures import ExitCode
from async_inference.cli.surroundings import Caller, caller_options
from async_inference.cli.text import counted

if TYPE_CHECKING:
    from async_inference.doctor import Finding

_COLOURS: Final = {"ok": "green", "unknown": "yellow", "warning": "yellow", "problem": "red"}
_LEVEL_WIDTH: Final = max(map(len, _COLOURS))
_CHECK_WIDTH: Final = 16


@click.command()
@caller_options
def doctor(caller: Caller) -> ExitCode:
    """Check an endpoint as its caller, with a remedy for each problem.

    Nothing is submitted and nothing is written. What you may not look at is reported as unknown, with the action that
    looking would take. Exits with 3 if there is a problem.
    """
    from async_inference.doctor import examine  # noqa: PLC0415 - loads much that --help does without

    findings = []
    for finding in examine(caller.parameter, caller.region, session=caller.session, clock=caller.surroundings.clock):
        findings.append(finding)
        if not caller.as_json:
            _show(finding)
    problems = sum(finding.level == "problem" for finding in findings)
    caller.tell(
        {"healthy": not problems, "findings": [finding.to_dict() for finding in findings]},
        f"{counted(problems, 'problem') if problems else 'no problem'} found",
    )
    return ExitCode.UNAVAILABLE if problems else ExitCode.DONE


def _show(finding: Finding) -> None:
    level = click.style(f"{finding.level:{_LEVEL_WIDTH}}", fg=_COLOURS[finding.level])
    click.echo(f"{level}  {finding.check:{_CHECK_WIDTH}}  {finding.seen}")
    if finding.remedy is not None:
        click.echo(f"{'':{_LEVEL_WIDTH + 2}}remedy: {finding.remedy}")
