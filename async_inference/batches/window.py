"""How many items may be unfinished at a time, so that none expires in the queue that had no chance to be worked on.

A request waits behind all that were submitted before it. What SageMaker can work on within the time to live is not
known in advance; what is certain is one job after the other, each taking the longest that a job may take::

    certain  = 1 + time to live // longest job
    observed = finished items per second x time to live / 2
    window   = min(max_unfinished, max(certain, observed))

The observed rate is that of the last 100 items that finished, up to now: it falls while nothing finishes. Half of it is
a margin for jobs that take longer than the last, and for other callers of the same endpoint.
"""

from __future__ import annotations

from collections import deque
from typing import Final

_OBSERVED: Final = 100
_MARGIN: Final = 2


class Window:
    """The bound of unfinished items.

    Args:
        maximum: What the caller allows.
        request_ttl_seconds: How long a request may wait in the queue.
        invocation_timeout_seconds: How long the model may work on one.
    """

    def __init__(self, maximum: int, *, request_ttl_seconds: int, invocation_timeout_seconds: int) -> None:
        self._maximum = maximum
        self._ttl = request_ttl_seconds
        self._certain = 1 + request_ttl_seconds // invocation_timeout_seconds
        self._finished: deque[float] = deque(maxlen=_OBSERVED)
        self._since: float | None = None

    def submitted(self, now: float) -> None:
        """Take note that SageMaker has accepted a request at this moment."""
        if self._since is None:
            self._since = now

    def finished(self, now: float) -> None:
        """Take note that an item has got its outcome."""
        if len(self._finished) == _OBSERVED:
            self._since = self._finished[0]
        self._finished.append(now)

    def size(self, now: float) -> int:
        """Return how many items may be unfinished."""
        return max(1, min(self._maximum, max(self._certain, self._observed(now))))

    def _observed(self, now: float) -> int:
        if self._since is None or not self._finished or now <= self._since:
            return 0
        return int(len(self._finished) * self._ttl / (now - self._since) / _MARGIN)
