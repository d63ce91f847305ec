"""The queue of an endpoint: first in, first out, with a time to live."""

from __future__ import annotations

import heapq
from collections import OrderedDict
from itertools import count
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from local_cloud.sagemaker.async_request import AsyncRequest


class RequestQueue:
    """Requests that wait for an instance, and how many have left for one.

    Nothing expires by itself: call :meth:`expire` before :meth:`take`, and from time to time.

    Attributes:
        running: requests that have been taken and have not ended.
        had_requests: whether there ever was one.
    """

    def __init__(self) -> None:
        self._waiting: OrderedDict[int, AsyncRequest] = OrderedDict()
        self._expiries: list[tuple[float, int]] = []
        self._tickets = count()
        self.running = 0
        self.had_requests = False

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, request: AsyncRequest) -> None:
        """Append ``request``."""
        ticket = next(self._tickets)
        self.had_requests = True
        self._waiting[ticket] = request
        heapq.heappush(self._expiries, (request.expires_at, ticket))

    def take(self) -> AsyncRequest | None:
        """Remove and return the oldest request, which is running from now on; ``None`` if none waits."""
        if not self._waiting:
            return None
        _, request = self._waiting.popitem(last=False)
        self.running += 1
        return request

    def put_back(self, request: AsyncRequest) -> None:
        """Make ``request``, which was taken, the first in line again; its time to live goes on."""
        self.add(request)
        self._waiting.move_to_end(next(reversed(self._waiting)), last=False)

    def finish(self) -> None:
        """Say that a request that was taken has ended, however it did."""
        self.running -= 1

    def expire(self, now: float) -> list[AsyncRequest]:
        """Remove and return the requests whose time to live has passed, in the order in which it did."""
        expired = []
        while self._expiries and self._expiries[0][0] <= now:
            _, ticket = heapq.heappop(self._expiries)
            request = self._waiting.pop(ticket, None)
            if request is not None:
                expired.append(request)
        return expired

    def oldest_age(self, now: float) -> float:
        """Return how long the oldest request has waited, in seconds; 0 if none waits."""
        oldest = next(iter(self._waiting.values()), None)
        return now - oldest.received_at if oldest else 0.0
