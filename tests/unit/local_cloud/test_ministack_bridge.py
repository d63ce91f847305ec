"""The pinned MiniStack still has what the local cloud reaches for."""

from __future__ import annotations

import time
from importlib.metadata import version

import pytest

from local_cloud import ministack_bridge
from local_cloud.ministack_bridge import PINNED_VERSION, MiniStack, MiniStackError, missing_private_names


def test_the_pinned_version_is_installed() -> None:
    """``pyproject.toml`` and the bridge pin the same version."""
    assert version("ministack") == PINNED_VERSION, "adapt local_cloud/ministack_bridge.py to this MiniStack"


def test_no_private_name_has_moved() -> None:
    """Every private name that the bridge uses is where it was."""
    missing = missing_private_names()
    assert missing == [], f"MiniStack {version('ministack')} moved {missing}: adapt local_cloud/ministack_bridge.py"


def test_another_version_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """The message says which version is there, which is needed and what to do."""
    monkeypatch.setattr(ministack_bridge, "PINNED_VERSION", "0.0.1")
    with pytest.raises(MiniStackError, match=r"ministack .* is installed, 0\.0\.1 is needed: run make setup"):
        MiniStack(time.time)


def test_a_moved_name_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """The message names what is missing."""
    monkeypatch.setattr(ministack_bridge, "PRIVATE_NAMES", {"ministack.core.router": ("_GONE",)})
    with pytest.raises(MiniStackError, match=r"has no ministack\.core\.router\._GONE: adapt local_cloud"):
        MiniStack(time.time)
