"""``make local``: the local cloud with a stage deployed, until interrupted."""

from __future__ import annotations

import argparse
import shlex
import sys
from typing import TYPE_CHECKING, Final

from local_cloud import arguments
from local_cloud.deployment import DeploymentError, bootstrap, deploy
from local_cloud.process import ACCOUNT, REGION, LocalCloudError, RunningLocalCloud, local_cloud

if TYPE_CHECKING:
    from collections.abc import Sequence

INTERRUPTED: Final = 130
"""The exit status after Ctrl-C, as shells have it."""


def main(command_line: Sequence[str] | None = None) -> int:
    """Start, deploy, print what to export, and wait; returns the exit status."""
    options = _parser().parse_args(command_line)
    try:
        with local_cloud(
            port=options.port,
            time_scale=options.time_scale,
            containers=dict(options.container),
            capacity=dict(options.capacity),
            assumptions=options.assume,
            enforce_iam=options.enforce_iam,
            inherit_stderr=True,
        ) as cloud:
            bootstrap(cloud.environment, account=ACCOUNT, region=REGION)
            stacks = deploy(cloud.environment, stage=options.stage)
            sys.stdout.write(_described(cloud, stacks, options.time_scale, enforce_iam=options.enforce_iam))
            sys.stdout.flush()
            status = cloud.process.wait()
            sys.stderr.write(f"the local cloud ended by itself with status {status}\n")
            return 1
    except KeyboardInterrupt:
        sys.stderr.write("interrupted; nothing is left running\n")
        return INTERRUPTED
    except (LocalCloudError, DeploymentError) as error:
        sys.stderr.write(f"{error}\n")
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m local_cloud.foreground",
        description="A deployed local cloud.",
        parents=[arguments.common_options(default_time_scale=60.0)],
    )
    parser.add_argument("--stage", default="local", help="what to deploy (default: local)")
    parser.add_argument("--port", type=arguments.tcp_port, default=4566, help="TCP port (default: 4566)")
    return parser


def _described(
    cloud: RunningLocalCloud, stacks: dict[str, dict[str, str]], time_scale: float, *, enforce_iam: bool
) -> str:
    """Return what to export, and the outputs of each stack, as lines that a shell can read."""
    lines = [f"export {name}={shlex.quote(value)}" for name, value in cloud.environment.items()]
    parameters = [value for outputs in stacks.values() for name, value in outputs.items() if name == "ParameterName"]
    lines += [f"export ASYNC_INFERENCE_ENDPOINT={shlex.quote(name)}" for name in parameters[:1]]
    for stack, outputs in stacks.items():
        lines += ["", f"# {stack}", *(f"#   {name}: {value}" for name, value in outputs.items())]
    fast = f"# {time_scale:g} simulated seconds pass each second; TIME_SCALE=1 for real time"
    root = ["# the access key is the account's root, which may do everything: docs/local-cloud.md, Permissions"]
    return "\n".join([*lines, "", *(root if enforce_iam else []), fast, "# Ctrl-C stops everything", ""])


if __name__ == "__main__":
    sys.exit(main())
