"""The attempts whose outcomes are waited for, and the watch that waits for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from async_inference.batches.events import Accepted, Unknown
    from async_inference.job import Job
    from async_inference.locations import S3Location
    from async_inference.watching.watch import Watch


@dataclass(frozen=True, slots=True)
class Waited:
    """An attempt that is waited for."""

    attempt: Accepted | Unknown
    job: Job
    name: str
    """Of the item."""


class WaitingRoom:
    """What is waited for, by item and by location."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch
        self._by_output: dict[S3Location, Waited] = {}
        self._by_item: dict[int, list[Waited]] = {}
        self._to_acknowledge: dict[int, Job] = {}

    def __len__(self) -> int:
        return len(self._by_output)

    def __contains__(self, waited: Waited) -> bool:
        return waited.job.output_location in self._by_output

    def add(self, waited: Waited) -> None:
        """Wait for an attempt."""
        self._by_output[waited.job.output_location] = waited
        self._by_item.setdefault(waited.attempt.item, []).append(waited)
        self._watch.add(waited.job)

    def put_back(self, waited: Waited) -> None:
        """Go on waiting for an attempt that was said to have ended, and has not."""
        self._watch.add(waited.job)

    def ended(self) -> Iterator[Waited]:
        """Look once, and yield the attempts that seem to have ended."""
        for job in self._watch.tick():
            waited = self._by_output.get(job.output_location)
            if waited is not None:
                yield waited

    def pause(self) -> float:
        """Return the seconds until looking is worthwhile again."""
        return self._watch.pause()

    def forget(self, waited: Waited) -> None:
        """Wait for one attempt no longer."""
        of_item = self._by_item[waited.attempt.item]
        of_item.remove(waited)
        if not of_item:
            del self._by_item[waited.attempt.item]
        del self._by_output[waited.job.output_location]
        self._watch.discard(waited.job)

    def settle(self, item: int, by: Job | None = None) -> None:
        """Wait for no attempt of an item any more, since it is settled, ``by`` the outcome of a job if any."""
        for one in self._by_item.pop(item, ()):
            del self._by_output[one.job.output_location]
            if one.job != by:
                self._watch.discard(one.job)
        if by is not None:
            self._to_acknowledge[item] = by

    def acknowledge(self, item: int) -> None:
        """Say that what became of an item is recorded."""
        job = self._to_acknowledge.pop(item, None)
        if job is not None:
            self._watch.acknowledge(job)
