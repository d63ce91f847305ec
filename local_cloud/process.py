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
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import urllib3

from local_cloud.container_commands import REPOSITORY
from local_cloud.loopback import free_port, listen

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import IO, Any

ACCOUNT: Final = "000000000000"
"""The account of the environment below; an access key of twelve digits is an account to the local cloud."""

REGION: Final = "us-east-1"
"""The region of the environment below."""

START_SECONDS: Final = 30.0
"""How long a local cloud may take to answer on a busy machine; it needs two or three."""

_STOP_SECONDS: Final = 15.0
_POLL_SECONDS: Final = 0.1


class LocalCloudError(RuntimeError):
    """The local cloud did not start."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RunningLocalCloud:
    """A local cloud that answers.

    Attributes:
        endpoint_url: the one address of all its services.
        process: its process.
    """

    endpoint_url: str
    process: subprocess.Popen[bytes]

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


@contextmanager
def local_cloud(
    *, port: int | None = None, time_scale: float = 1.0, containers: Mapping[str, Sequence[str]] | None = None
) -> Iterator[RunningLocalCloud]:
    """Run a local cloud while the context lasts, then stop it with all its children.

    Args:
        port: to listen on; a free one by default.
        time_scale: simulated seconds per real second.
        containers: commands by the image that they stand for, besides the reference model.

    Raises:
        PortTakenError: something listens on the port already.
        LocalCloudError: it ended at once or does not answer; the message has its last words.
    """
    port = port or free_port()
    # Whatever listens there would answer in place of the new process.
    listen(port).close()
    with tempfile.TemporaryFile() as errors:
        # A session of its own: an interrupt of the terminal reaches the caller alone, who stops the cloud in order.
        process = subprocess.Popen(  # noqa: S603 - this program itself
            _command(port, time_scale, containers or {}),
            cwd=REPOSITORY,
            # Held open by this process alone: if it dies without a word, the local cloud stops as well.
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=errors,
            start_new_session=True,
        )
        cloud = RunningLocalCloud(endpoint_url=f"http://127.0.0.1:{port}", process=process)
        try:
            _wait_until_ready(cloud, errors)
            yield cloud
        finally:
            _stop(process)


def _command(port: int, time_scale: float, containers: Mapping[str, Sequence[str]]) -> list[str]:
    command = [sys.executable, "-m", "local_cloud", "--port", str(port), "--time-scale", str(time_scale)]
    command.append("--stop-at-end-of-input")
    for image, words in containers.items():
        command += ["--container", f"{image}={shlex.join(words)}"]
    return command


def _wait_until_ready(cloud: RunningLocalCloud, errors: IO[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while cloud.process.poll() is None and time.monotonic() < deadline:
        try:
            cloud.health()
        except urllib3.exceptions.HTTPError:
            time.sleep(_POLL_SECONDS)
        else:
            return
    errors.seek(0)
    raise LocalCloudError(f"the local cloud did not start: {errors.read().decode(errors='replace').strip()}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    if process.stdin is not None:
        process.stdin.close()
