"""What the functions' tests share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.unit.async_inference.fake_aws import FakeAws

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def aws() -> Iterator[FakeAws]:
    """AWS in memory."""
    aws = FakeAws()
    yield aws
    aws.close()
