"""How a batch is to be worked on: said once, when it is recorded, and kept in its manifest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, TypedDict

from async_inference.exceptions import InvalidRequest
from async_inference.limits import Bounds
from async_inference.messages import shown

OnUnknown: TypeAlias = Literal["resubmit", "wait"]

MAX_UNFINISHED: Final = Bounds(1, 100_000)
MAX_ATTEMPTS: Final = Bounds(1, 100)
_ON_UNKNOWN: Final = ("resubmit", "wait")


class BatchOptions(TypedDict, total=False):
    """The keyword arguments of :meth:`~async_inference.AsyncEndpoint.batch`, described in :class:`Options`."""

    max_unfinished: int
    on_unknown: OnUnknown
    max_attempts: int
    content_type: str | None
    accept: str | None
    custom_attributes: str | None
    invocation_timeout_seconds: int | None
    request_ttl_seconds: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Options:
    """How a batch is to be worked on.

    Raises:
        InvalidRequest: a value is out of its bounds.
    """

    max_unfinished: int = 100
    """How many items may be submitted and unfinished at a time, 1 to 100,000. Fewer are as long as it is not known that
    all of them get their turn before their time to live ends; see :mod:`async_inference.batches.window`."""

    on_unknown: OnUnknown = "resubmit"
    """What to do with an item if it cannot be known whether its submission arrived: ``"resubmit"`` submits it again at
    once, and whichever result comes first counts; ``"wait"`` submits it again only when no result can come any more."""

    max_attempts: int = 1
    """How often an item may be submitted that expires, 1 to 100, besides attempts of which it is not known whether they
    arrived. What the model refuses is never submitted again."""

    content_type: str | None = None
    """Of items that have none of their own; by default as :meth:`~async_inference.AsyncEndpoint.submit` finds it."""

    accept: str | None = None
    custom_attributes: str | None = None
    invocation_timeout_seconds: int | None = None
    request_ttl_seconds: int | None = None

    def __post_init__(self) -> None:
        for name, bounds in (("max_unfinished", MAX_UNFINISHED), ("max_attempts", MAX_ATTEMPTS)):
            value = getattr(self, name)
            if value not in bounds:
                raise InvalidRequest(
                    f"{name}: got {value if isinstance(value, int | float) else shown(value)}, expected {bounds}"
                )
        if self.on_unknown not in _ON_UNKNOWN:
            raise InvalidRequest(f"on_unknown: got {shown(self.on_unknown)}, expected 'resubmit' or 'wait'")
