"""What a container writes: kept in a file for as long as it runs, and handed on line by line."""

from __future__ import annotations

import asyncio
import os
import tempfile
from contextlib import suppress
from typing import IO, TYPE_CHECKING, Final

from local_cloud.tail import tail

if TYPE_CHECKING:
    from local_cloud.sagemaker.container_log import ContainerLog

INTERVAL_SECONDS: Final = 0.5
"""How often new lines are looked for."""


class ContainerOutput:
    """The output of one container.

    Args:
        log: takes new lines.

    Attributes:
        log: the same.
        file: where the container writes.
    """

    def __init__(self, log: ContainerLog) -> None:
        self.log = log
        self.file: IO[bytes] = tempfile.TemporaryFile(prefix="local-cloud-container-")  # noqa: SIM115 - see close
        self._position = 0
        self._following: asyncio.Task[None] | None = None
        self._closing = asyncio.Event()

    def follow(self) -> None:
        """Begin to hand on lines."""
        self._following = asyncio.create_task(self._follow())

    def last_line(self) -> str:
        """Return what was written last, empty if nothing was."""
        return next(reversed(tail(self.file).splitlines()), "")

    async def close(self) -> None:
        """Hand on what is left and drop the file."""
        if self._following is not None:
            # Not cancelled: what is being handed on would be handed on once more.
            self._closing.set()
            await asyncio.wait([self._following])
        await self._hand_on(whole_lines=False)
        self.file.close()

    async def _follow(self) -> None:
        while not self._closing.is_set():
            await self._hand_on()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._closing.wait(), INTERVAL_SECONDS)

    async def _hand_on(self, *, whole_lines: bool = True) -> None:
        # The child shares the file's position: to seek would move where it writes.
        size = os.fstat(self.file.fileno()).st_size
        written = os.pread(self.file.fileno(), size - self._position, self._position)
        end = written.rfind(b"\n") + 1 if whole_lines else len(written)
        if lines := [line for line in written[:end].decode(errors="replace").splitlines() if line]:
            await self.log.put_output(lines)
        self._position += end
