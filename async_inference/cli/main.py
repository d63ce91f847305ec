"""The group of commands behind ``async-inference``, and the one place where their errors end."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any, NoReturn

import click

from async_inference.cli.batch import batch, resume
from async_inference.cli.doctor import doctor
from async_inference.cli.failures import EXIT_CODES_HELP, FORESEEN, ExitCode, Failure
from async_inference.cli.status import status
from async_inference.cli.submit import submit
from async_inference.cli.surroundings import Surroundings
from async_inference.cli.wait import wait
from scaling_simulator.commands import simulate_command

if TYPE_CHECKING:
    from collections.abc import Sequence


class Program(click.Group):
    """A group whose commands return their exit code and leave errors to it."""

    def main(  # type: ignore[override]  # narrower: this program never runs inside another
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        **extra: Any,  # noqa: ANN401 - click's own, passed on
    ) -> NoReturn:
        """Run a command and exit with its code; what was foreseen to go wrong is told in one line."""
        words = list(sys.argv[1:] if args is None else args)
        try:
            code = super().main(words, prog_name, standalone_mode=False, **extra)
        except BrokenPipeError:
            close_output()
            code = ExitCode.BAD_INPUT
        except FORESEEN as error:
            failure = Failure.of(error)
            failure.tell(as_json="--json" in words)
            code = failure.code
        sys.exit(int(code or ExitCode.DONE))


def close_output() -> None:
    """Let standard output lead nowhere: its reader has gone, which Python would complain of once more at the end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@click.group(cls=Program, epilog=EXIT_CODES_HELP, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="async-inference", message="%(version)s")
@click.pass_context
def program(context: click.Context) -> None:
    """Call an Amazon SageMaker Asynchronous Inference endpoint.

    Name the endpoint with --endpoint /async-inference/STAGE/ENDPOINT, or once for all in ASYNC_INFERENCE_ENDPOINT.
    Results go to standard output, everything else to standard error.
    """
    context.ensure_object(Surroundings)


for command in (submit, wait, batch, resume, status, doctor, simulate_command):
    program.add_command(command)
