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
    """Starts the process with the first group that it is told of, and again where somebody has killed it."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None
        self._groups: set[int] = set()

    def watch(self, group: int) -> None:
        """Have a process group killed once this process is gone.

        Raises:
            OSError: the process cannot be started.
        """
        self._groups.add(group)
        if self._process is None:
            self._start()
        else:
            self._tell(self._process, f"+{group}\n")

    def forget(self, group: int) -> None:
        """Let a process group be, which has ended."""
        self._groups.discard(group)
        if self._process is not None:
            self._tell(self._process, f"-{group}\n")

    def close(self) -> None:
        """Have killed what is still watched, and wait until it is; harmless a second time."""
        process, self._process = self._process, None
        groups, self._groups = self._groups, set()
        if process is None:
            return
        process.communicate()
        if process.returncode:
            _kill(groups)

    def _start(self) -> None:
        # A session of its own: what stops the local cloud's group must not stop the guard.
        self._process = subprocess.Popen(  # noqa: S603 - this file itself
            _COMMAND, stdin=subprocess.PIPE, bufsize=1, text=True, start_new_session=True
        )
        self._tell(self._process, "".join(f"+{group}\n" for group in self._groups))

    def _tell(self, process: subprocess.Popen[str], lines: str) -> None:
        if process.stdin is None:
            return
        try:
            process.stdin.write(lines)
        except BrokenPipeError:
            process.communicate()
            self._start()


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
    _kill(groups)


def _kill(groups: Iterable[int]) -> None:
    for group in groups:
        send(group, signal.SIGKILL)


if __name__ == "__main__":
    guard(sys.stdin)
