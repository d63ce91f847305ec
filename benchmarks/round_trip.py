"""The largest payload there and back through the local cloud, in constant memory of the client's.

The client is a program of its own, because a process never gives back what the kernel counts as its peak.
"""

from __future__ import annotations

import filecmp
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from async_inference.limits import MAX_PAYLOAD_BYTES
from benchmarks.local_endpoint import local_endpoint
from benchmarks.table import Row

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

ROOT: Final = Path(__file__).parents[1]
CONTAINER: Final = (sys.executable, str(Path(__file__).with_name("mirror_container.py")))
GROWTH_BOUND_MEBIBYTES: Final = 64.0
"""What the client's memory may grow by, however large the payload."""

KINDS: Final = ("file", "stream")
FIGURES: Final = {
    "growth_mebibytes": ("the client's memory grows by", "MiB"),
    "submit_seconds": ("upload and submission take", "s"),
    "download_seconds": ("the download takes", "s"),
}
_BLOCK_BYTES: Final = 1024 * 1024


def run() -> Iterable[Row]:
    """Yield what one gigabyte took, from and to a file, and from and to a stream.

    Raises:
        RuntimeError: memory grew beyond the bound, or something else came back than was sent.
    """
    for kind, figures in round_trips(MAX_PAYLOAD_BYTES):
        for name, (figure, unit) in FIGURES.items():
            yield Row(f"round trip of 1 GB: {kind}", "async_inference", figure, unit, figures[name])
        if figures["growth_mebibytes"] >= GROWTH_BOUND_MEBIBYTES:
            raise RuntimeError(
                f"round trip: memory grew by {figures['growth_mebibytes']:.1f} MiB, "
                f"expected less than {GROWTH_BOUND_MEBIBYTES:.0f}"
            )


def round_trips(size: int) -> Iterator[tuple[str, dict[str, float]]]:
    """Send ``size`` bytes there and back in each way, and yield the way with its figures.

    Raises:
        RuntimeError: something else came back than was sent.
    """
    with tempfile.TemporaryDirectory() as folder, local_endpoint(CONTAINER) as (cloud, configuration):
        sent, received = Path(folder, "sent"), Path(folder, "received")
        _write_random(sent, size)
        for kind in KINDS:
            finished = subprocess.run(  # noqa: S603 - this project's own program
                [sys.executable, "-m", "benchmarks.subjects.round_trip", kind, str(sent), str(received)],
                cwd=ROOT,
                env=os.environ | cloud.environment,
                input=json.dumps(configuration.to_dict()),
                capture_output=True,
                text=True,
                check=False,
            )
            if finished.returncode != 0:
                raise RuntimeError(f"round trip: exit code {finished.returncode}: {finished.stderr[-1000:]}")
            if not filecmp.cmp(sent, received, shallow=False):
                raise RuntimeError(f"round trip: what came back as a {kind} is not what was sent")
            received.unlink()
            yield kind, json.loads(finished.stdout)


def _write_random(path: Path, size: int) -> None:
    with path.open("wb") as file:
        for left in range(size, 0, -_BLOCK_BYTES):
            file.write(os.urandom(min(left, _BLOCK_BYTES)))
