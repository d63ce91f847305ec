"""``make local``: the local cloud with the ``local`` stage deployed, until interrupted."""

from __future__ import annotations

import argparse
import shlex
import signal
import sys
from contextlib import suppress
from typing import Final

from local_cloud.deployment import DeploymentError, bootstrap, deploy
from local_cloud.process import ACCOUNT, REGION, LocalCloudError, RunningLocalCloud, local_cloud

STAGE: Final = "local"


def main() -> int:
    """Start, deploy, print what to export, and wait; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m local_cloud.foreground", description="A deployed local cloud.")
    parser.add_argument("--port", type=int, default=4566, help="TCP port (default: 4566)")
    parser.add_argument("--time-scale", type=float, default=60.0, help="simulated seconds per second (default: 60)")
    options = parser.parse_args()
    try:
        with local_cloud(port=options.port, time_scale=options.time_scale) as cloud:
            _deploy_and_describe(cloud)
            with suppress(KeyboardInterrupt):
                signal.pause()
    except (LocalCloudError, DeploymentError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def _deploy_and_describe(cloud: RunningLocalCloud) -> None:
    bootstrap(cloud.environment, account=ACCOUNT, region=REGION)
    (outputs,) = deploy(cloud.environment, stage=STAGE).values()
    lines = [f"export {name}={shlex.quote(value)}" for name, value in cloud.environment.items()]
    lines += ["", *(f"# {name}: {value}" for name, value in outputs.items()), "", "# Ctrl-C stops everything", ""]
    sys.stdout.write("\n".join(lines))
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
