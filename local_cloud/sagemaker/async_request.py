"""One asynchronous request, from the moment it is accepted."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class AsyncRequest:
    """What ``InvokeEndpointAsync`` accepted.

    Attributes:
        inference_id: the caller's or a generated one; nothing is derived from it.
        received_at: simulated seconds since the epoch.
        ttl_seconds: how long it may wait.
        timeout_seconds: how long the container may work on it.
        output_location: S3 URI of the output.
        failure_location: S3 URI of the failure; ``None`` where the configuration has no failure path.
        body: the inline input; ``None`` where it lies at ``input_location``.
        input_location: S3 URI of the input; ``None`` where it came inline.
        content_type: of the input, if given.
        accept: what the caller wants back, if given.
        custom_attributes: for the container, if given.
    """

    inference_id: str
    received_at: float
    ttl_seconds: float
    timeout_seconds: float
    output_location: str
    failure_location: str | None
    body: bytes | None = None
    input_location: str | None = None
    content_type: str | None = None
    accept: str | None = None
    custom_attributes: str | None = None

    @property
    def expires_at(self) -> float:
        """The moment after which the request is not worked on any more."""
        return self.received_at + self.ttl_seconds
