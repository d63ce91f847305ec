"""Waiting for one job: this project's client and AWS's SDK, on the same answers at the same interval.

Each subject is a program of its own, because what counts is also when it can end: AWS's SDK leaves a thread behind.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from pathlib import Path
from statistics import mean
from typing import TYPE_CHECKING, Any, Final

from benchmarks.table import Row

if TYPE_CHECKING:
    from collections.abc import Iterable

ROOT: Final = Path(__file__).parents[1]
SUBJECTS: Final = {
    "async_inference": (sys.executable, "benchmarks.subjects.ours"),
    "sagemaker 2.257.7": (str(ROOT / ".venv-peers" / "bin" / "python"), "benchmarks.subjects.sagemaker_sdk"),
}
CASES: Final = {
    "success after 3.2 s": ("success", 3.2, 1.0, 10.0),
    "failure after 3.2 s": ("failure", 3.2, 1.0, 10.0),
    "success after 7.7 s": ("success", 7.7, 1.0, 10.0),
}
FIGURES: Final = {
    "requests": ("requests until it returns", "requests"),
    "requests_in_the_end": ("requests until the program can end", "requests"),
    "late_seconds": ("returns later than the outcome appears by", "s"),
    "exit_late_seconds": ("the program can end later by", "s"),
    "threads_left": ("threads left when it returns", "threads"),
}
RUNS: Final = 3
"""Of each subject in each case; the figures are means, because polling intervals are drawn."""


def run() -> Iterable[Row]:
    """Yield what each subject needed in each case."""
    plan = [pair for pair in product(CASES, SUBJECTS) for _ in range(RUNS)]
    with ThreadPoolExecutor(len(plan)) as pool:
        said = list(pool.map(lambda pair: _wait(*pair), plan))
    for case, subject in product(CASES, SUBJECTS):
        runs = [words for pair, words in zip(plan, said, strict=True) if pair == (case, subject)]
        for name, (figure, unit) in FIGURES.items():
            yield Row(f"waiting: {case}", subject, figure, unit, mean(words[name] for words in runs))


def _wait(case: str, subject: str) -> dict[str, Any]:
    python, module = SUBJECTS[subject]
    arguments = [str(value) for value in CASES[case]]
    # Nothing but the interpreter's own needs: no account, no settings of the SDK.
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": os.environ["HOME"],
        "AWS_ACCESS_KEY_ID": "benchmark",
        "AWS_SECRET_ACCESS_KEY": "benchmark",
        "SAGEMAKER_SUPPRESS_V2_WARNING": "1",
    }
    finished = subprocess.run(  # noqa: S603 - this project's own programs
        [python, "-m", module, *arguments], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    if finished.returncode != 0:
        raise RuntimeError(f"{module} {case}: exit code {finished.returncode}: {finished.stderr[-1000:]}")
    words: dict[str, Any] = json.loads(finished.stdout.splitlines()[-1])
    return words
