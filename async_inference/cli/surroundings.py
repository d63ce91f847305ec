"""What commands find around them: the clock, the terminal, AWS; and the options by which they are told of AWS."""

from __future__ import annotations

import functools
import json
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import click

from async_inference.cli.heartbeat import each_second
from async_inference.clock import Clock

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from boto3 import Session

    from async_inference.configuration import EndpointConfiguration
    from async_inference.endpoint import AsyncEndpoint
    from async_inference.observation import Observer

NewSession: TypeAlias = "Callable[[str | None, str | None], Session]"


def _new_session(region: str | None, profile: str | None) -> Session:
    import boto3  # noqa: PLC0415 - takes longer to import than everything else, and --help does without

    return boto3.Session(region_name=region, profile_name=profile)


def _is_terminal() -> bool:
    return sys.stderr.isatty()


@dataclass(frozen=True, kw_only=True, slots=True)
class Surroundings:
    """What a test replaces."""

    clock: Clock = field(default_factory=Clock)
    new_session: NewSession = _new_session
    """Makes a boto3 session for a region and a profile, or the caller's own."""

    is_terminal: Callable[[], bool] = _is_terminal
    """Whether somebody watches standard error."""

    heartbeat: Callable[[Callable[[], None]], AbstractContextManager[None]] = each_second
    """Calls something now and then while a context lasts."""

    width: int | None = None
    """Columns of the terminal; ``None`` finds out."""


@dataclass(frozen=True, kw_only=True)
class Caller:
    """Who runs a command, on which endpoint, and how results are to be told."""

    surroundings: Surroundings
    parameter: str
    region: str | None
    profile: str | None
    as_json: bool
    consumer: str | None = None

    @functools.cached_property
    def session(self) -> Session:
        """The boto3 session that everything of the command uses."""
        return self.surroundings.new_session(self.region, self.profile)

    def endpoint(self) -> AsyncEndpoint:
        """Return the endpoint, which its parameter describes."""
        from async_inference.endpoint import AsyncEndpoint  # noqa: PLC0415 - likewise
        from async_inference.parameter import read_configuration  # noqa: PLC0415 - likewise

        configuration = read_configuration(self.parameter, self.region, self.session)
        return AsyncEndpoint(configuration, session=self.session, clock=self.surroundings.clock, consumer=self.consumer)

    def observer(self, configuration: EndpointConfiguration) -> Observer:
        """Return what looks at the endpoint's instances and queue."""
        from async_inference.observation import Observer  # noqa: PLC0415 - likewise

        name, region = configuration.endpoint_name, configuration.region
        return Observer.connect(name, region, session=self.session, clock=self.surroundings.clock)

    def options(self) -> list[str]:
        """Return the words that name this endpoint in another command."""
        named = {
            "--endpoint": self.parameter,
            "--region": self.region,
            "--profile": self.profile,
            "--consumer": self.consumer,
        }
        return [word for option, value in named.items() if value is not None for word in (option, value)]

    def tell(self, document: object, *lines: str) -> None:
        """Write a result to standard output: the document for programs, the lines for people."""
        for line in [json.dumps(document)] if self.as_json else lines:
            click.echo(line)

    def remark(self, line: str) -> None:
        """Write what is no result, to standard error."""
        click.echo(line, err=True)


_CALLER: Final = frozenset({"parameter", "region", "profile", "as_json", "consumer"})
_OPTIONS: Final = (
    click.option(
        "--endpoint",
        "parameter",
        envvar="ASYNC_INFERENCE_ENDPOINT",
        required=True,
        metavar="NAME",
        help="The endpoint's SSM parameter, /async-inference/STAGE/ENDPOINT.  [env: ASYNC_INFERENCE_ENDPOINT]",
    ),
    click.option("--region", metavar="REGION", help="Where the parameter is; by default as boto3 finds it."),
    click.option("--profile", metavar="PROFILE", help="The profile of the AWS settings to use."),
    click.option("--json", "as_json", is_flag=True, help="Write JSON to standard output, and nothing else there."),
)


consumer_option = click.option(
    "--consumer",
    metavar="NAME",
    help="The endpoint's consumer that you are, and nobody else now: outcomes are then learnt from its queue.",
)
"""For commands that submit or wait: how :class:`AsyncEndpoint` uses it."""


def caller_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options that every command has, and its function a :class:`Caller` made of them."""

    @functools.wraps(function)
    def command(surroundings: Surroundings, **options: Any) -> Any:  # noqa: ANN401 - click's own, passed on
        own = {name: options.pop(name) for name in _CALLER & set(options)}
        return function(Caller(surroundings=surroundings, **own), **options)

    for option in reversed(_OPTIONS):
        command = option(command)
    passing: Callable[..., Any] = click.pass_obj(command)
    return passing
