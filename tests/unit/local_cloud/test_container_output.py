"""How the lines that a container writes reach its log."""

from __future__ import annotations

import asyncio
from typing import Any

from local_cloud.sagemaker.container_output import ContainerOutput


class SlowLog:
    """A log that takes lines once it may.

    Attributes:
        lines: what it took.
        asked: set when it is asked to take some.
        may: lets it take them.
    """

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.asked = asyncio.Event()
        self.may = asyncio.Event()

    async def put_output(self, lines: list[str]) -> None:
        """Take lines."""
        self.lines += lines
        self.asked.set()
        await self.may.wait()


def test_lines_that_are_being_logged_when_the_container_ends_are_logged_once() -> None:
    """And so is what came after them, the last line without an end."""

    async def close_meanwhile() -> list[str]:
        log: Any = SlowLog()
        output = ContainerOutput(log)
        output.file.write(b"first\n")
        output.file.flush()
        output.follow()
        await log.asked.wait()
        output.file.write(b"second\nlast")
        output.file.flush()
        closing = asyncio.create_task(output.close())
        # Far enough to wait for the log.
        await asyncio.sleep(0)
        log.may.set()
        await closing
        assert output.file.closed
        lines: list[str] = log.lines
        return lines

    assert asyncio.run(close_meanwhile()) == ["first", "second", "last"]
