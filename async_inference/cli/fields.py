"""The options that say what is asked of the model, the same for one job and for a batch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import click

if TYPE_CHECKING:
    from collections.abc import Callable

_OPTIONS: Final = (
    click.option("--content-type", metavar="TYPE", help="What the input is; by default as its name says."),
    click.option("--accept", metavar="TYPE", help="What the model should answer with."),
    click.option("--custom-attributes", metavar="TEXT", help="Handed to the model as it is."),
    click.option(
        "--invocation-timeout",
        "invocation_timeout_seconds",
        type=int,
        metavar="SECONDS",
        help="The longest that the model may work; by default the endpoint's own limit.",
    ),
    click.option(
        "--request-ttl",
        "request_ttl_seconds",
        type=int,
        metavar="SECONDS",
        help="The longest that a request may wait in the queue; by default the endpoint's own limit.",
    ),
)


def request_fields(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the fields of a request as options, under the names that the library has for them."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function
