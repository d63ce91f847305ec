"""A process of its own that kills containers whose local cloud is gone, however it went.

Containers lead process groups of their own, so that they end with all that they started. Nobody else would end them
where the local cloud is killed: the guard knows their groups from a pipe, and whatever they are when the pipe ends, it
kills.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

_COMMAND: Final = (sys.executable, "-I", "-S", __file__)
"""The standard library alone: it starts in milliseconds, and nothing in the environment has a say."""


class ContainerGuard:
    """Starts the process with the first group that it is told of."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None

    def watch(self, group: int) -> None:
        """Have a process group killed once this process is gone."""
        if self._process is None:
            # A session of its own: what stops the local cloud's group must not stop the guard.
            self._process = subprocess.Popen(  # noqa: S603 - this file itself
                _COMMAND, stdin=subprocess.PIPE, bufsize=1, text=True, start_new_session=True
            )
        self._tell(f"+{group}")

    def forget(self, group: int) -> None:
        """Let a process group be, which has ended."""
        self._tell(f"-{group}")

    def close(self) -> None:
        """Have killed what is still watched, and wait until it is; harmless a second time."""
        process, self._process = self._process, None
        if process is not None:
            process.communicate()

    def _tell(self, line: str) -> None:
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.write(f"{line}\n")


def send(group: int, signal_number: signal.Signals) -> None:
    """Signal all processes of a group; harmless where none is left."""
    # PermissionError is macOS's answer where all that is left waits for its parent.
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal_number)


def guard(lines: Iterable[str]) -> None:
    """Read ``+group`` and ``-group`` until the end, then kill the groups that are left."""
    groups: set[int] = set()
    for line in lines:
        number = int(line[1:])
        groups = groups | {number} if line.startswith("+") else groups - {number}
    for group in groups:
        send(group, signal.SIGKILL)


if __name__ == "__main__":
    guard(sys.stdin)
