"""Deploys a stage of the app into the local cloud with the real CDK CLI, as a user would into an account."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

CHECKOUT: Final = Path(__file__).resolve().parent.parent
_TOOLS: Final = CHECKOUT / ".venv" / "bin"
_TIMEOUT_SECONDS: Final = 600


class DeploymentError(RuntimeError):
    """The CDK CLI failed or did not end; the message ends with what it said."""


def bootstrap(environment: Mapping[str, str], *, account: str, region: str) -> None:
    """Prepare an account and a region for deployments.

    Args:
        environment: What makes the AWS SDK talk to the local cloud.
        account: Twelve digits.
        region: Such as ``us-east-1``.

    Raises:
        DeploymentError: the CLI failed.
    """
    # In a folder without an app the CLI has nothing to synthesize first.
    with tempfile.TemporaryDirectory(prefix="async-inference-") as folder:
        _cdk(environment, Path(folder), "bootstrap", f"aws://{account}/{region}")


def deploy(environment: Mapping[str, str], *, stage: str, assembly: Path | None = None) -> dict[str, dict[str, str]]:
    """Deploy all stacks of a stage.

    Args:
        environment: What makes the AWS SDK talk to the local cloud.
        stage: One of :mod:`stacks.stages`.
        assembly: Folder in which the synthesized app stays, or already is: synthesis takes most of the time.

    Returns:
        The outputs of each stack.

    Raises:
        DeploymentError: the CLI failed.
    """
    with tempfile.TemporaryDirectory(prefix="async-inference-") as folder:
        outputs = Path(folder) / "outputs.json"
        _cdk(
            environment,
            CHECKOUT,
            *("deploy", "--all", "--require-approval", "never", "--outputs-file", str(outputs)),
            *_app(stage, assembly or Path(folder) / "cdk.out"),
        )
        deployed: dict[str, dict[str, str]] = json.loads(outputs.read_text())
        return deployed


def diff(environment: Mapping[str, str], *, stage: str) -> None:
    """Compare all stacks of a stage, synthesized anew, with what is deployed.

    Args:
        environment: What makes the AWS SDK talk to the local cloud.
        stage: One of :mod:`stacks.stages`.

    Raises:
        DeploymentError: they differ, and the message says where, or the CLI failed.
    """
    with tempfile.TemporaryDirectory(prefix="async-inference-") as folder:
        _cdk(environment, CHECKOUT, "diff", "--fail", *_app(stage, Path(folder) / "cdk.out"))


def destroy(environment: Mapping[str, str], *, stage: str, assembly: Path | None = None) -> None:
    """Delete all stacks of a stage.

    Args:
        environment: What makes the AWS SDK talk to the local cloud.
        stage: One of :mod:`stacks.stages`.
        assembly: As for :func:`deploy`.

    Raises:
        DeploymentError: the CLI failed.
    """
    with tempfile.TemporaryDirectory(prefix="async-inference-") as folder:
        _cdk(environment, CHECKOUT, "destroy", "--all", "--force", *_app(stage, assembly or Path(folder) / "cdk.out"))


def _app(stage: str, assembly: Path) -> tuple[str, ...]:
    """Return the options that take the app from ``assembly``, or synthesize it there."""
    if (assembly / "manifest.json").is_file():
        return "--app", str(assembly)
    return "--context", f"stage={stage}", "--output", str(assembly)


def _cdk(environment: Mapping[str, str], folder: Path, *arguments: str) -> None:
    own = {
        "PATH": f"{_TOOLS}{os.pathsep}{os.environ['PATH']}",
        # Neither is to be had offline, and the CLI would wait for both.
        "CDK_DISABLE_CLI_TELEMETRY": "true",
        "CDK_HOME": str(CHECKOUT / ".cache" / "cdk"),
    }
    try:
        run = subprocess.run(  # noqa: S603 - the project's own CLI
            [str(_TOOLS / "cdk"), *arguments, "--no-notices", "--ci", "--no-color"],
            cwd=folder,
            env={**os.environ, **own, **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=_TIMEOUT_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        said = (error.stdout or b"").decode(errors="replace")
        raise DeploymentError(f"cdk {arguments[0]} did not end within {_TIMEOUT_SECONDS} s:\n{said}") from error
    if run.returncode != 0:
        raise DeploymentError(f"cdk {arguments[0]} failed with exit code {run.returncode}:\n{run.stdout}")
