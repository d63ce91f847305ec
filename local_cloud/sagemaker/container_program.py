"""The program of a container with all that it starts: a process group of its own, which ends as a whole.

Entry points are often shells that start the server, and servers fork. In a container everything ends with the first
process; here a signal to the first alone would leave the others behind.
"""

from __future__ import annotations

import asyncio
import signal
from contextlib import suppress
from typing import IO, TYPE_CHECKING

from local_cloud.container_commands import REPOSITORY
from local_cloud.sagemaker.container_guard import send

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from local_cloud.sagemaker.container_guard import ContainerGuard


class ContainerProgram:
    """A program that was started by :func:`start_program`.

    Args:
        process: leads the group.
        guard: kills the group if nobody stops it.
    """

    def __init__(self, process: asyncio.subprocess.Process, guard: ContainerGuard) -> None:
        self._process = process
        self._guard = guard
        guard.watch(process.pid)

    @property
    def status(self) -> int | None:
        """The exit status of the first process, ``None`` while it runs."""
        return self._process.returncode

    async def wait(self) -> None:
        """Wait until the first process ends."""
        await self._process.wait()

    async def stop(self, seconds: float) -> None:
        """Ask all processes to end; kill what is left once the first has ended or so many real seconds are over."""
        send(self._process.pid, signal.SIGTERM)
        with suppress(TimeoutError):
            await asyncio.wait_for(self._process.wait(), seconds)
        send(self._process.pid, signal.SIGKILL)
        self._guard.forget(self._process.pid)
        await self._process.wait()


async def start_program(
    command: Sequence[str], environment: Mapping[str, str], output: IO[bytes], guard: ContainerGuard
) -> ContainerProgram:
    """Start ``command`` with nothing in its environment but ``environment``.

    Raises:
        OSError: it cannot be run, or not be guarded.
    """
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=REPOSITORY,
        env=environment,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=output,
        stderr=asyncio.subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        return ContainerProgram(process, guard)
    except OSError:
        send(process.pid, signal.SIGKILL)
        await process.wait()
        raise
