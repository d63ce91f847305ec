"""Large payloads through the local cloud: what comes back is what was sent, and the client's memory stays as it is."""

from __future__ import annotations

from benchmarks.round_trip import GROWTH_BOUND_MEBIBYTES, KINDS, round_trips

SIZE = 64_000_000


def test_a_payload_of_64_megabytes_goes_there_and_back_in_constant_memory() -> None:
    """Files and streams, in a process that has done nothing else; a gigabyte is measured by the benchmark."""
    figures = dict(round_trips(SIZE))

    assert tuple(figures) == KINDS
    assert max(figures[kind]["growth_mebibytes"] for kind in KINDS) < GROWTH_BOUND_MEBIBYTES
