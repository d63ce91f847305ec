"""``python -m local_cloud --port P``: the bare local cloud on the loopback interface until interrupted."""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
from typing import TYPE_CHECKING

from local_cloud.arguments import common_options, tcp_port
from local_cloud.assumptions import assumption, assumptions
from local_cloud.container_commands import DEFAULT_COMMANDS
from local_cloud.loopback import PortTakenError, listen
from local_cloud.ministack_bridge import MiniStackError, prepare_environment
from local_cloud.server import serve
from local_cloud.state_folder import state_folder

if TYPE_CHECKING:
    from collections.abc import Sequence


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m local_cloud",
        description="An embedded AWS on 127.0.0.1.",
        parents=[common_options(default_time_scale=1.0)],
    )
    parser.add_argument("--port", type=tcp_port, required=True, help="TCP port, 1 to 65535")
    parser.add_argument(
        "--stop-at-end-of-input",
        action="store_true",
        help="stop when standard input, a pipe, ends: whoever holds it takes the local cloud along",
    )
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until interrupted and return the exit status."""
    options = _parse(arguments)
    try:
        listener = listen(options.port)
        prepare_environment(options.port, enforce_iam=options.enforce_iam)
        logging.getLogger("local_cloud").setLevel(logging.WARNING)
        with state_folder():
            asyncio.run(
                serve(
                    listener,
                    time_scale=options.time_scale,
                    commands={**DEFAULT_COMMANDS, **dict(options.container)},
                    capacity=dict(options.capacity),
                    assumptions=assumptions(map(assumption, options.assume)),
                    stop_at_end_of_input=options.stop_at_end_of_input,
                )
            )
    except (MiniStackError, PortTakenError) as error:
        sys.stderr.write(f"local_cloud: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
