"""How the command line ends: its exit codes, and errors in one line with their remedy."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import click
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, PartialCredentialsError

from async_inference import exceptions, remedies


class ExitCode(IntEnum):
    """What the command's status says."""

    DONE = 0
    FAILED = 1
    """Of the inputs, at least one has no result: the model failed on it, it expired, or it could not be read."""

    BAD_INPUT = 2
    """Wrong usage, or a file that cannot be used."""

    UNAVAILABLE = 3
    """AWS, a permission or the configuration; for ``doctor``, a problem found."""

    STILL_RUNNING = 4
    """The timeout passed; the work goes on."""

    BUSY = 5
    """Another process works on this batch."""

    INTERRUPTED = 130
    """By Ctrl-C, as shells count it."""


EXIT_CODES_HELP = """\b
Exit codes:
  0    done
  1    at least one input has no result: the model failed, or it expired
  2    wrong usage, or an input that cannot be used
  3    AWS, permissions or configuration; doctor: a problem was found
  4    the timeout passed, the work goes on
  5    another process works on this batch
  130  interrupted"""


_CODES: tuple[tuple[type[Exception], ExitCode], ...] = (
    (exceptions.ResultTimeout, ExitCode.STILL_RUNNING),
    (exceptions.ModelError, ExitCode.FAILED),
    (exceptions.RequestExpired, ExitCode.FAILED),
    (exceptions.ResultCorrupt, ExitCode.FAILED),
    (exceptions.InvalidRequest, ExitCode.BAD_INPUT),
    (exceptions.BatchBusy, ExitCode.BUSY),
    (exceptions.AsyncInferenceError, ExitCode.UNAVAILABLE),
    (BotoCoreError, ExitCode.UNAVAILABLE),
    (ClientError, ExitCode.UNAVAILABLE),
    (OSError, ExitCode.BAD_INPUT),
    (click.ClickException, ExitCode.BAD_INPUT),
    (click.Abort, ExitCode.INTERRUPTED),
)
"""The first that fits."""

FORESEEN = tuple(kind for kind, _ in _CODES)
"""What ends a command in one line; anything else is a defect, and shows its traceback."""


@dataclass(frozen=True, slots=True)
class Failure:
    """An error as a command tells it."""

    code: ExitCode
    kind: str
    message: str
    remedy: str

    @classmethod
    def of(cls, error: Exception) -> Failure:
        """Return how ``error``, one of :data:`FORESEEN`, is told."""
        code = next(code for kind, code in _CODES if isinstance(error, kind))
        return cls(code, type(error).__name__, " ".join(_message(error).split()), _remedy(error))

    def line(self) -> str:
        """Return what people read of one failure among many."""
        return f"{click.style('error:', fg='red', bold=True)} {self.message}"

    def lines(self) -> str:
        """Return what people read of the one that ended the command."""
        return f"{self.line()}\nremedy: {self.remedy}"

    def document(self) -> dict[str, Any]:
        """Return what programs read."""
        return {"error": {"type": self.kind, "message": self.message, "remedy": self.remedy}}

    def tell(self, *, as_json: bool) -> None:
        """Write it to standard error and, for programs, to standard output."""
        click.echo(self.lines(), err=True)
        if as_json:
            click.echo(json.dumps(self.document()))


def _message(error: Exception) -> str:
    if isinstance(error, click.ClickException):
        return error.format_message()
    if isinstance(error, click.Abort):
        return "interrupted"
    return str(error)


def _remedy(error: Exception) -> str:
    remedy = "async-inference --help says what is expected."
    match error:
        case exceptions.AsyncInferenceError():
            remedy = error.remedy
        case NoCredentialsError() | PartialCredentialsError():
            remedy = remedies.CREDENTIALS_MISSING
        case BotoCoreError() | ClientError():
            remedy = remedies.CALLER_SET_UP
        case click.UsageError() if error.ctx is not None:
            remedy = f"{error.ctx.command_path} --help says what is expected."
        case click.Abort():
            remedy = "what was submitted goes on, so wait for it again; what was recorded can be resumed."
        case OSError():
            remedy = "check that the file is there and may be read or written."
    return remedy
