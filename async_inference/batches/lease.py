"""Who works on a batch, as a promise that is renewed: so that a second process does not start by mistake.

The lease is one small object, replaced with ``If-Match`` at each renewal. Its age is by S3's own clock, so clocks that
differ do no harm. It saves work and nerves only; what keeps two owners from doing harm is the chain of the journal.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Final
from uuid import uuid4

from async_inference.batches.owner import Owner
from async_inference.exceptions import BatchBusy, InvalidRequest
from async_inference.storage import AlreadyExists, ObjectChanged

if TYPE_CHECKING:
    from async_inference.batches.naming import Names
    from async_inference.clock import Clock
    from async_inference.storage import ObjectStore

SCHEMA: Final = 1

LEASE_SECONDS: Final = 60.0
"""How long after its last sign of life an owner is taken for alive."""

RENEWAL_SECONDS: Final = 15.0
"""How often an owner gives one."""


@dataclass(frozen=True, slots=True)
class _Held:
    """What the object says."""

    owner: Owner
    is_released: bool
    token: str
    """New with each write, so that two never have the same ETag, and so that a write can be recognised."""

    etag: str
    age_seconds: float


class Lease:
    """The lease of one batch, for one owner.

    Args:
        objects: S3.
        names: Of the batch.
        owner: Who this process is.
        clock: When to renew, by its monotonic side.
    """

    def __init__(self, objects: ObjectStore, names: Names, owner: Owner, clock: Clock) -> None:
        self._objects = objects
        self._names = names
        self._owner = owner
        self._clock = clock
        self._etag = ""
        self.renew_at = 0.0
        """The moment of the monotonic clock from which :meth:`renew` is due."""

    def acquire(self, *, take_over: bool) -> None:
        """Become the owner.

        Args:
            take_over: Whether to do so although another owner is alive.

        Raises:
            BatchBusy: another owner is alive, or became the owner at the same time.
            PermissionDenied: the lease may not be read or written.
            EndpointUnavailable: S3 could not be asked.
        """
        held = self._read()
        if held is not None and not held.is_released and held.age_seconds < LEASE_SECONDS and not take_over:
            raise self._busy(held)
        self._write(None if held is None else held.etag)

    def renew(self) -> None:
        """Give a sign of life, if one is due.

        Raises:
            BatchBusy: another process has become the owner.
            PermissionDenied: the lease may not be written.
            EndpointUnavailable: S3 could not be reached.
        """
        if self._clock.monotonic() >= self.renew_at:
            self._write(self._etag)

    def release(self) -> None:
        """Stop being the owner; without effect if another has become it.

        Raises:
            PermissionDenied: the lease may not be written.
            EndpointUnavailable: S3 could not be reached.
        """
        try:
            self._write(self._etag, is_released=True)
        except BatchBusy:
            return  # there is nothing left to release

    def _write(self, etag: str | None, *, is_released: bool = False) -> None:
        token = uuid4().hex
        members = {"schema": SCHEMA, "owner": asdict(self._owner), "is_released": is_released, "token": token}
        content = json.dumps(members).encode()
        asked_at = self._clock.monotonic()
        try:
            if etag is None:
                self._etag = self._objects.create(self._names.lease, content, content_type="application/json")
            else:
                self._etag = self._objects.replace(
                    self._names.lease, content, etag=etag, content_type="application/json"
                )
        except (AlreadyExists, ObjectChanged):
            self._etag = self._own_etag(token)
        self.renew_at = asked_at + RENEWAL_SECONDS

    def _own_etag(self, token: str) -> str:
        """Return the ETag of what was written although S3's answer was lost."""
        held = self._read()
        if held is None or held.token != token:
            raise self._busy(held)
        return held.etag

    def _read(self) -> _Held | None:
        found = self._objects.get(self._names.lease, lambda stored, body: (stored, body.read()))
        if found is None:
            return None
        stored, content = found
        try:
            members = json.loads(content)
            if members["schema"] != SCHEMA:
                raise InvalidRequest(
                    f"batch {self._names.batch_id}: its lease has schema {members['schema']!r}, "
                    f"this version of async_inference reads {SCHEMA}"
                )
            owner = Owner(**members["owner"])
            return _Held(owner, members["is_released"], members["token"], stored.etag, stored.age_seconds)
        except (KeyError, TypeError, ValueError) as error:
            raise InvalidRequest(f"batch {self._names.batch_id}: its lease is malformed: delete lease.json") from error

    def _busy(self, held: _Held | None) -> BatchBusy:
        if held is None:
            return BatchBusy(f"batch {self._names.batch_id}: its lease was deleted while this process worked on it")
        seconds = held.age_seconds
        return BatchBusy(
            f"batch {self._names.batch_id} is worked on by {held.owner}, last heard of {seconds:.0f} s ago: "
            f"after {LEASE_SECONDS:.0f} s of silence it counts as dead",
            owner=str(held.owner),
            silent_seconds=seconds,
        )
