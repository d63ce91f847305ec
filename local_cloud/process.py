"""A local cloud in a child process, for whoever needs one for a while: tests, the demo, ``make local``."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import urllib3

from local_cloud.container_commands import REPOSITORY
from local_cloud.errors import LocalCloudError
from local_cloud.loopback import free_port, listen
from local_cloud.state_folder import remove_state_folder
from local_cloud.tail import tail

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import IO, Any

__all__ = ["ACCOUNT", "REGION", "LocalCloudError", "RunningLocalCloud", "local_cloud"]

ACCOUNT: Final = "000000000000"
"""The account of the environment below; an access key of twelve digits is an account to the local cloud."""

REGION: Final = "us-east-1"
"""The region of the environment below."""

START_SECONDS: Final = 30.0
"""How long a local cloud may take to answer on a busy machine; it needs two or three."""

_STOP_SECONDS: Final = 15.0
_POLL_SECONDS: Final = 0.1


@dataclass(frozen=True, kw_only=True, slots=True)
class RunningLocalCloud:
    """A local cloud that answers.

    Attributes:
        endpoint_url: the one address of all its services.
        process: its process.
        errors: the file that has its standard error; ``None`` where that is the caller's own.
    """

    endpoint_url: str
    process: subprocess.Popen[bytes]
    errors: IO[bytes] | None

    @property
    def environment(self) -> dict[str, str]:
        """What makes boto3, the CDK CLI and the AWS CLI use this cloud and no other."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint_url,
            "AWS_ACCESS_KEY_ID": ACCOUNT,
            "AWS_SECRET_ACCESS_KEY": "local",
            "AWS_DEFAULT_REGION": REGION,
            "AWS_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
            # Files of the user's own could name another profile or endpoint.
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        }

    def health(self) -> dict[str, Any]:
        """Return what ``GET /_localcloud/health`` answers.

        Raises:
            urllib3.exceptions.HTTPError: it does not answer.
        """
        response = urllib3.request(
            "GET", f"{self.endpoint_url}/_localcloud/health", retries=False, timeout=_STOP_SECONDS
        )
        health: dict[str, Any] = json.loads(response.data)
        return health

    def last_words(self) -> str:
        """Return the end of its standard error, while the context lasts; empty where the caller's own has it."""
        return tail(self.errors) if self.errors is not None else ""


@contextmanager
def local_cloud(
    *,
    port: int | None = None,
    time_scale: float = 1.0,
    containers: Mapping[str, Sequence[str]] | None = None,
    capacity: Mapping[str, int] | None = None,
    assumptions: Sequence[str] = (),
    enforce_iam: bool = False,
    inherit_stderr: bool = False,
) -> Iterator[RunningLocalCloud]:
    """Run a local cloud while the context lasts, then stop it with all its children.

    Args:
        port: to listen on; a free one by default.
        time_scale: simulated seconds per real second.
        containers: commands by the image that they stand for, besides the reference model.
        capacity: how many instances of a type there are, by the type; any number of those that are not named.
        assumptions: ``NAME=VALUE`` each, for what AWS leaves open (:mod:`local_cloud.assumptions`).
        enforce_iam: refuse what no policy allows.
        inherit_stderr: let it write its warnings to the caller's standard error instead of keeping them.

    Raises:
        PortTakenError: something listens on the port already.
        LocalCloudError: it ended at once, and the message has its last words, or does not answer; or something in it
            failed that was no request's fault, and the message says what.
    """
    port = port or free_port()
    # Whatever listens there would answer in place of the new process.
    listen(port).close()
    with tempfile.TemporaryFile() as errors:
        # A session of its own: an interrupt of the terminal reaches the caller alone, who stops the cloud in order.
        process = subprocess.Popen(  # noqa: S603 - this program itself
            [
                *_command(port, time_scale, containers or {}),
                *_circumstances(capacity or {}, assumptions, enforce_iam=enforce_iam),
            ],
            cwd=REPOSITORY,
            # Held open by this process alone: if it dies without a word, the local cloud stops as well.
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=None if inherit_stderr else errors,
            start_new_session=True,
        )
        cloud = RunningLocalCloud(
            endpoint_url=f"http://127.0.0.1:{port}", process=process, errors=None if inherit_stderr else errors
        )
        try:
            _wait_until_ready(cloud)
            yield cloud
            _require_no_internal_errors(cloud)
        finally:
            _stop(process)


def _command(port: int, time_scale: float, containers: Mapping[str, Sequence[str]]) -> list[str]:
    command = [sys.executable, "-m", "local_cloud", "--port", str(port), "--time-scale", str(time_scale)]
    command.append("--stop-at-end-of-input")
    for image, words in containers.items():
        command += ["--container", f"{image}={shlex.join(words)}"]
    return command


def _circumstances(capacity: Mapping[str, int], assumptions: Sequence[str], *, enforce_iam: bool) -> list[str]:
    limited = [word for one, count in capacity.items() for word in ("--capacity", f"{one}={count}")]
    assumed = [word for assumption in assumptions for word in ("--assume", assumption)]
    return [*limited, *assumed, *(["--enforce-iam"] if enforce_iam else [])]


def _wait_until_ready(cloud: RunningLocalCloud) -> None:
    deadline = time.monotonic() + START_SECONDS
    while cloud.process.poll() is None and time.monotonic() < deadline:
        try:
            cloud.health()
        except urllib3.exceptions.HTTPError:
            time.sleep(_POLL_SECONDS)
        else:
            return
    status, port = cloud.process.returncode, cloud.endpoint_url.rpartition(":")[2]
    failure = (
        f"does not answer on port {port} after {START_SECONDS:.0f} s"
        if status is None
        else f"ended with status {status}"
    )
    raise LocalCloudError(": ".join(filter(None, [f"the local cloud {failure}", cloud.last_words()])))


def _require_no_internal_errors(cloud: RunningLocalCloud) -> None:
    """Let nobody overlook what the local cloud survived."""
    if cloud.process.poll() is None and (errors := cloud.health()["internal_errors"]):
        raise LocalCloudError(f"the local cloud failed in {len(errors)} things, the first: {errors[0]}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    try:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(_STOP_SECONDS)
    finally:
        # A cloud that died or hangs has stopped no function, and they are all in the group that it leads. Containers
        # lead groups of their own, and have a guard (local_cloud.sagemaker.container_guard).
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        remove_state_folder(process.pid)
        if process.stdin is not None:
            process.stdin.close()
