"""The command line on the fake AWS."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.unit.async_inference.cli.fake_cloud import CommandLine, FakeCloud

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def cloud() -> Iterator[FakeCloud]:
    """AWS in memory, with a healthy endpoint."""
    cloud = FakeCloud()
    yield cloud
    cloud.close()


@pytest.fixture
def plain(cloud: FakeCloud) -> CommandLine:
    """The command line in a script."""
    return CommandLine(cloud)


@pytest.fixture(params=[False, True], ids=["plain", "terminal"])
def command_line(cloud: FakeCloud, request: pytest.FixtureRequest) -> CommandLine:
    """The command line, in a script and in a terminal."""
    return CommandLine(cloud, is_terminal=request.param)
