"""Run all benchmarks, or those that are named: one table on standard output, JSON beside it in benchmarks/results/."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from typing import Final

from benchmarks import table

BENCHMARKS: Final = ("waiting", "many_jobs", "scaling", "round_trip", "local_cloud_load")
RESULTS: Final = Path(__file__).with_name("results")


def main(names: list[str]) -> int:
    """Run the benchmarks and show what they found."""
    unknown = set(names) - set(BENCHMARKS)
    if unknown:
        sys.stderr.write(f"benchmarks: no {', '.join(sorted(unknown))}, expected some of {', '.join(BENCHMARKS)}\n")
        return 2
    rows: list[table.Row] = []
    for name in names or BENCHMARKS:
        sys.stderr.write(f"benchmark: {name}\n")
        found = list(import_module(f"benchmarks.{name}").run())
        table.write_json(found, RESULTS / f"{name}.json")
        rows += found
    sys.stdout.write(table.text(rows) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
