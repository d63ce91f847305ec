"""Ports for those who are about to listen."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from local_cloud import loopback

if TYPE_CHECKING:
    import pytest


def test_no_port_is_handed_out_twice_in_a_row(monkeypatch: pytest.MonkeyPatch) -> None:
    """The system offers it again as long as the first container does not listen yet."""
    offers = iter([7, 7, 8, 7, 8, 9])
    monkeypatch.setattr(loopback, "_unused_port", lambda: next(offers))
    monkeypatch.setattr(loopback, "_handed_out", deque(maxlen=2))
    assert [loopback.free_port() for _ in range(3)] == [7, 8, 9]


def test_a_port_is_handed_out_again_in_the_long_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """There are not so many."""
    offers = iter([7, 8, 9, 7])
    monkeypatch.setattr(loopback, "_unused_port", lambda: next(offers))
    monkeypatch.setattr(loopback, "_handed_out", deque(maxlen=2))
    assert [loopback.free_port() for _ in range(4)] == [7, 8, 9, 7]
