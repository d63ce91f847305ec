"""What a batch is: written once, after all its inputs are safe in S3. The batch exists from then on."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final, Self

from async_inference.batches.options import Options
from async_inference.exceptions import InvalidRequest
from async_inference.messages import shown
from async_inference.storage import AlreadyExists

if TYPE_CHECKING:
    from async_inference.batches.naming import Names
    from async_inference.storage import ObjectStore

SCHEMA: Final = 1
"""The newest form of a manifest that this code reads and the one that it writes."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Manifest:
    """A recorded batch."""

    batch_id: str
    recording: str
    endpoint_name: str
    created_at: float
    items: int
    segments: tuple[int, ...]
    """The number of the first item in each segment of the items."""

    options: Options

    def create(self, objects: ObjectStore, names: Names) -> None:
        """Write it, if there is no other batch of that id.

        Raises:
            InvalidRequest: there is one.
            PermissionDenied: it may not be written.
            EndpointUnavailable: S3 could not be reached; the batch may exist.
        """
        content = json.dumps({"schema": SCHEMA} | asdict(self)).encode()
        try:
            objects.create(names.manifest, content, content_type="application/json")
        except AlreadyExists:
            # S3's answer to the first attempt may have been lost: the recording is the writer's own random number.
            if self.read(objects, names).recording != self.recording:
                raise already_recorded(self.batch_id) from None

    @classmethod
    def read(cls, objects: ObjectStore, names: Names) -> Self:
        """Return the manifest of the batch.

        Raises:
            InvalidRequest: there is no such batch, it is another endpoint's, or its manifest is of a newer schema or
                malformed.
            PermissionDenied: it may not be read.
            EndpointUnavailable: S3 could not be asked.
        """
        content = objects.get(names.manifest, lambda _, body: body.read())
        if content is None:
            raise InvalidRequest(f"batch_id: there is no batch {names.batch_id} at {names.manifest}")
        manifest = cls._parse(names, content)
        if manifest.endpoint_name != names.configuration.endpoint_name:
            raise InvalidRequest(
                f"batch_id: batch {names.batch_id} is one of endpoint {shown(manifest.endpoint_name)}, "
                f"this endpoint is {names.configuration.endpoint_name}"
            )
        return manifest

    @classmethod
    def _parse(cls, names: Names, content: bytes) -> Self:
        try:
            members: dict[str, Any] = json.loads(content)
            schema = members.pop("schema")
            if type(schema) is not int or schema != SCHEMA:
                raise InvalidRequest(
                    f"batch {names.batch_id}: its manifest has schema {schema!r}, "
                    f"this version of async_inference reads {SCHEMA}"
                )
            options, segments = Options(**members.pop("options")), tuple(members.pop("segments"))
            return cls(options=options, segments=segments, **members)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise InvalidRequest(f"batch {names.batch_id}: its manifest is malformed") from error


def already_recorded(batch_id: str) -> InvalidRequest:
    """Return the error for an id that is taken."""
    return InvalidRequest(f"batch_id: there is a batch {batch_id} already: resume it, or choose another id")
