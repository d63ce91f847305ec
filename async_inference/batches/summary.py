"""A batch in numbers."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class BatchSummary:
    """What a batch has come to, as far as its journal says."""

    batch_id: str
    items: int
    succeeded: int
    failed: int

    unfinished: int
    """Items that have neither a result nor a failure yet."""

    submissions: int
    """Requests that arrived or may have arrived, of all items."""

    unknown: int
    """Those of which it cannot be known whether they arrived: their process died, or the response was lost."""

    resubmitted: int
    """Those that came after another of the same item that had arrived or may have: the inferences that may be paid for
    twice. Never more than there are unknown ones, unless ``max_attempts`` allows more for items that expire."""


@dataclass(frozen=True, kw_only=True, slots=True)
class BatchProgress:
    """A moment of a run. ``succeeded + failed + running + remaining`` is ``items``."""

    batch_id: str
    items: int
    submitted: int
    """Requests so far, as :attr:`BatchSummary.submissions`."""

    running: int
    """Items that are submitted, or being submitted, and unfinished: queued or worked on."""

    succeeded: int
    failed: int
    remaining: int
    """Items that are still to be submitted, or to be submitted again."""

    started: float
    """When this run started, in seconds since the epoch."""
