"""A batch is a wait: its process says in each minute how many jobs it waits for."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from tests.unit.async_inference.fake_metrics import FakeCloudWatch, counting

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.async_inference.batches.conftest import AnsweringAws


def test_each_minute_of_a_batch_has_a_datapoint(answering: AnsweringAws, tmp_path: Path) -> None:
    """From before the first submission until the last outcome, here that there can be none any more."""
    with closing(FakeCloudWatch(answering.time)) as cloudwatch:
        batch = counting(answering, cloudwatch.client).batch(
            [b"text", b"never", b"never"], batch_id="b", request_ttl_seconds=60, invocation_timeout_seconds=60
        )
        assert cloudwatch.attempts == 0
        start = answering.time.monotonic

        summary = batch.run(results=tmp_path)

        assert (summary.succeeded, summary.failed) == (1, 2)
        assert cloudwatch.moments[0] == start
        assert cloudwatch.longest_gap(start, start + 420) < 60
        assert max(cloudwatch.values) >= 2
