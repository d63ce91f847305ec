"""Who kills containers when nobody else can."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

from local_cloud.sagemaker.container_guard import guard

if TYPE_CHECKING:
    import pytest


def test_what_was_not_forgotten_is_killed_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """A group that has ended is let be: another program could have its number by now."""
    killed: list[tuple[int, int]] = []

    def kill(group: int, signal_number: int) -> None:
        killed.append((group, signal_number))
        raise ProcessLookupError

    monkeypatch.setattr(os, "killpg", kill)
    guard(["+7\n", "+8\n", "+9\n", "-7\n"])
    assert sorted(killed) == [(8, signal.SIGKILL), (9, signal.SIGKILL)]
