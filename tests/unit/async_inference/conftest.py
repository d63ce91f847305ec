"""What the client's tests share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.unit.async_inference.fake_aws import FakeAws
from tests.unit.async_inference.fake_queue import FakeQueueAws

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def aws() -> Iterator[FakeAws]:
    """AWS in memory."""
    aws = FakeAws()
    yield aws
    aws.close()


@pytest.fixture
def queue_aws() -> Iterator[FakeQueueAws]:
    """AWS in memory for many jobs, with a consumer's queue."""
    aws = FakeQueueAws()
    yield aws
    aws.close()
