"""Waiting for a thousand jobs at once through the local cloud, by listing and by notices: requests for each job."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from benchmarks.local_endpoint import NAME, local_endpoint
from benchmarks.table import Row

if TYPE_CHECKING:
    from collections.abc import Iterable

JOBS: Final = 1_000
ROOT: Final = Path(__file__).parents[1]
CONTAINER: Final = (sys.executable, str(Path(__file__).with_name("mirror_container.py")))
SUBJECTS: Final = {"async_inference, listing": (), "async_inference, push": (NAME,)}
FIGURES: Final = {
    "lists": ("LISTs for each job", "requests"),
    "queue_requests": ("queue requests for each job", "requests"),
    "seconds": ("submitted and all waited for in", "s"),
    "missing": ("jobs that were not seen to end", "jobs"),
    "threads_left": ("threads left", "threads"),
}


def run() -> Iterable[Row]:
    """Yield what each way of waiting took."""
    with local_endpoint(CONTAINER) as (cloud, configuration):
        for subject, consumer in SUBJECTS.items():
            finished = subprocess.run(  # noqa: S603 - this project's own program
                [sys.executable, "-m", "benchmarks.subjects.many_jobs", str(JOBS), *consumer],
                cwd=ROOT,
                env=os.environ | cloud.environment,
                input=json.dumps(configuration.to_dict()),
                capture_output=True,
                text=True,
                check=False,
            )
            if finished.returncode != 0:
                raise RuntimeError(f"many jobs, {subject}: {finished.stderr[-1000:]}")
            figures = json.loads(finished.stdout)
            for name, (figure, unit) in FIGURES.items():
                yield Row(f"{JOBS:,} jobs", subject, figure, unit, figures[name])
