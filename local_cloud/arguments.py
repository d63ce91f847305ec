"""What the command lines of the local cloud take, as types of ``argparse``."""

from __future__ import annotations

import argparse
import shlex
from typing import Any, Final

from local_cloud import assumptions
from local_cloud.service_model import service_model

MAX_TIME_SCALE: Final = 10_000
"""Beyond it a minute is shorter than the event loop can keep."""

_MAX_PORT: Final = 65_535


def common_options(*, default_time_scale: float) -> argparse.ArgumentParser:
    """Return what a local cloud takes, whether something is deployed in it or not, as a parent of parsers."""
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument(
        "--time-scale",
        type=time_scale,
        default=default_time_scale,
        metavar="S",
        help=f"simulated seconds per real second, above 0, at most {MAX_TIME_SCALE} (default: {default_time_scale:g})",
    )
    parser.add_argument(
        "--container",
        type=container,
        action="append",
        default=[],
        metavar="IMAGE_URI=COMMAND",
        help="program that stands for a container image; may be repeated",
    )
    parser.add_argument(
        "--capacity",
        type=capacity,
        action="append",
        default=[],
        metavar="TYPE=COUNT",
        help="how many instances of a type there are, any number if not said; may be repeated",
    )
    parser.add_argument(
        "--assume",
        type=known_assumption,
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="answer to a question that AWS leaves open (docs/local-cloud.md lists them); may be repeated",
    )
    parser.add_argument(
        "--enforce-iam",
        action="store_true",
        help="refuse what no policy allows, to callers, functions and execution roles alike; an account's root may all",
    )
    return parser


def tcp_port(text: str) -> int:
    """Return a TCP port.

    Raises:
        argparse.ArgumentTypeError: it is none.
    """
    if not text.isdecimal() or not 1 <= int(text) <= _MAX_PORT:
        raise argparse.ArgumentTypeError(f"{text!r} is no port: it must be 1 to {_MAX_PORT}")
    return int(text)


def time_scale(text: str) -> float:
    """Return simulated seconds per real second.

    Raises:
        argparse.ArgumentTypeError: it is no number, or out of bounds.
    """
    try:
        scale = float(text)
    except ValueError:
        scale = 0.0
    if not 0 < scale <= MAX_TIME_SCALE:
        raise argparse.ArgumentTypeError(f"{text!r} is no time scale: it must be above 0 and at most {MAX_TIME_SCALE}")
    return scale


def known_assumption(text: str) -> str:
    """Return ``text``, which has to name a switch of :mod:`local_cloud.assumptions` and one of its values.

    Raises:
        argparse.ArgumentTypeError: there is none of the name, or of the value.
    """
    try:
        assumptions.assumption(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    return text


def capacity(text: str) -> tuple[str, int]:
    """Return an instance type and how many instances of it there are.

    Raises:
        argparse.ArgumentTypeError: there is no such type, or the number is none.
    """
    instance_type, _, count = text.partition("=")
    if not count.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is no capacity: it must be TYPE=COUNT, such as ml.g5.xlarge=0")
    shape: Any = service_model("sagemaker").shape_for("ProductionVariantInstanceType")
    if instance_type not in shape.enum:
        raise argparse.ArgumentTypeError(f"{instance_type!r} is no instance type of endpoints: is it misspelt?")
    return instance_type, int(count)


def container(text: str) -> tuple[str, tuple[str, ...]]:
    """Return an image's URI and the command that stands for it.

    Raises:
        argparse.ArgumentTypeError: one of them is missing, or the command's quotes do not match.
    """
    image, _, command = text.partition("=")
    try:
        words = tuple(shlex.split(command))
    except ValueError:
        words = ()
    if not image or not words:
        raise argparse.ArgumentTypeError(f"{text!r} is no container: it must be IMAGE_URI=COMMAND")
    return image, words
