"""The command line: ``async-inference``, an extra of the package that a Lambda function never loads."""

from __future__ import annotations

import sys
from importlib.util import find_spec

__all__ = ["main"]

_EXTRA = ("click", "rich")


def main() -> None:
    """Run ``async-inference`` with the arguments of this process, and exit with its status."""
    missing = [name for name in _EXTRA if find_spec(name) is None]
    if missing:
        sys.exit(f"error: {missing[0]} is not installed\nremedy: pip install 'async-inference[cli]'")
    from async_inference.cli.main import program  # noqa: PLC0415 - only now is it known that it can be imported

    program(prog_name="async-inference")
