"""What a batch needs of its endpoint."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from async_inference.clock import Clock
    from async_inference.configuration import EndpointConfiguration
    from async_inference.job import Job
    from async_inference.retrying import RetryPolicy
    from async_inference.storage import ObjectStore
    from async_inference.watching.watch import Watch


@dataclass(frozen=True, kw_only=True, slots=True)
class Context:
    """An endpoint as batches see it: all of their I/O is in here."""

    configuration: EndpointConfiguration
    consumer: str | None
    objects: ObjectStore
    clock: Clock
    retry: RetryPolicy
    require_open: Callable[[], None]
    """Raises :class:`InvalidRequest` if the endpoint was closed."""

    submit: Callable[..., Job]
    """:meth:`AsyncEndpoint.submit`."""

    job: Callable[[Mapping[str, Any]], Job]
    """:meth:`AsyncEndpoint.job`."""

    watch: Callable[[], Watch]
    """:meth:`AsyncEndpoint.watch`."""
