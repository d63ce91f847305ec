"""Starts the programs that stand for containers, each with a folder of its own, and knows those that run."""

from __future__ import annotations

import asyncio
import os
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Final

from local_cloud.loopback import free_port
from local_cloud.sagemaker.container_guard import ContainerGuard
from local_cloud.sagemaker.container_log import ContainerLog
from local_cloud.sagemaker.container_output import ContainerOutput
from local_cloud.sagemaker.container_process import ContainerProcess
from local_cloud.sagemaker.container_program import start_program
from local_cloud.sagemaker.container_specification import ContainerError
from local_cloud.sagemaker.undocumented import LEAST_STOP_SECONDS

if TYPE_CHECKING:
    from local_cloud.clock import SimulatedClock
    from local_cloud.sagemaker.container_specification import ContainerSpecification


STOP_SECONDS: Final = 30.0
"""Simulated seconds between SIGTERM and SIGKILL. Source: *SageMaker Developer Guide*, "Custom inference code with
hosting services"."""

_INHERITED: Final = ("HOME", "LANG", "LC_ALL", "LC_CTYPE", "LD_LIBRARY_PATH", "PATH", "TMPDIR", "TZ")
"""What a program needs to know of the machine. A container inherits nothing of its host's environment: neither the
address of this cloud, which isolated models must not reach, nor what else the developer's shell keeps there."""


def stop_seconds(clock: SimulatedClock) -> float:
    """Return how many real seconds a container has between SIGTERM and SIGKILL."""
    return max(clock.real_seconds(STOP_SECONDS), LEAST_STOP_SECONDS)


class ContainerHost:
    """Starts containers, none of which outlives the local cloud.

    Args:
        stop_seconds: real ones that a container has between SIGTERM and SIGKILL.
    """

    def __init__(self, stop_seconds: float) -> None:
        self._stop_seconds = stop_seconds
        self._guard = ContainerGuard()
        self._closed = False

    async def start(self, specification: ContainerSpecification) -> ContainerProcess:
        """Start a container on a free port; it is not ready yet.

        Raises:
            ContainerError: it cannot be started, or the host is closed.
        """
        if self._closed:
            raise ContainerError("the local cloud is stopping")
        async with AsyncExitStack() as resources:
            base = Path(resources.enter_context(tempfile.TemporaryDirectory(prefix="local-cloud-instance-")))
            await _copy_model(specification, base / "model")
            output = ContainerOutput(ContainerLog(specification))
            resources.push_async_callback(output.close)
            try:
                port = free_port()
                environment = _environment(specification, port, base)
                program = await start_program(specification.command, environment, output.file, self._guard)
            except OSError as error:
                raise ContainerError(f"cannot run {specification.command[0]}: {error.strerror}") from error
            output.follow()
            return ContainerProcess(
                specification, port, program, output, resources.pop_all(), stop_seconds=self._stop_seconds
            )

    def close(self) -> None:
        """Let no more containers start, and those that run end soon."""
        self._closed = True
        asyncio.get_running_loop().call_later(LEAST_STOP_SECONDS, self.kill_all)

    def kill_all(self) -> None:
        """Kill what still runs."""
        self._guard.close()


async def _copy_model(specification: ContainerSpecification, folder: Path) -> None:
    await asyncio.to_thread(folder.mkdir)
    if specification.data is None:
        return
    try:
        async with asyncio.timeout(specification.download_seconds):
            await specification.data.copy_to(folder)
    except TimeoutError as error:
        raise ContainerError("the download of the model data took longer than it may") from error


def _environment(specification: ContainerSpecification, port: int, base: Path) -> dict[str, str]:
    return {
        **{name: os.environ[name] for name in _INHERITED if name in os.environ},
        # The developer's own credentials are none of a container's, and there is no instance to ask for any.
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        **specification.environment,
        "SAGEMAKER_BIND_TO_PORT": str(port),
        "MODEL_SERVER_HOST": "127.0.0.1",
        # A process has no file system of its own: these say where its /opt/ml and its /opt/ml/model are.
        "SAGEMAKER_BASE_DIR": str(base),
        "SM_MODEL_DIR": str(base / "model"),
    }
