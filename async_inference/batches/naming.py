"""What everything of a batch is called: its id, its objects in S3, its attempts.

::

    batches/<batch_id>/manifest.json                       what the batch is; its creation is the batch's
    batches/<batch_id>/items/<recording>/<segment>.jsonl   its inputs, up to 1,000 a segment
    batches/<batch_id>/journal/<sequence>.jsonl            all that has become of it
    batches/<batch_id>/lease.json                          who works on it
    input/<batch_id>/<recording>/<item>                    inputs that are too large for a segment
    output/batches/<batch_id>/<recording>/<item>-<attempt> outputs, as the requests ask for them

The recording, a random number that the manifest names, keeps what an earlier batch of the same id has left behind, or
one that was killed while it was being recorded, from being taken for this one's.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final
from uuid import uuid4

from async_inference.exceptions import InvalidRequest
from async_inference.limits import INFERENCE_ID_LENGTH
from async_inference.locations import S3Location
from async_inference.messages import shown

if TYPE_CHECKING:
    from async_inference.configuration import EndpointConfiguration

MAX_ITEMS: Final = 10**8
"""Items of one batch: their numbers have eight digits in names."""

_PATTERN: Final = re.compile(r"[a-z0-9](?:-?[a-z0-9])*")
_LONGEST: Final = 32


def new_batch_id(now: float) -> str:
    """Return an id that sorts by time and that nobody else has, such as ``20260131-120000-1a2b3c``."""
    return f"{datetime.fromtimestamp(now, UTC):%Y%m%d-%H%M%S}-{uuid4().hex[:6]}"


def check_batch_id(value: object) -> str:
    """Return a batch's id that may be part of keys and of inference ids.

    Raises:
        InvalidRequest: it is none.
    """
    if not isinstance(value, str) or len(value) > _LONGEST or not _PATTERN.fullmatch(value):
        raise InvalidRequest(
            f"batch_id: got {shown(value)}, expected up to {_LONGEST} lower-case letters, digits and single hyphens"
        )
    return value


@dataclass(frozen=True, slots=True)
class Names:
    """The names of one recorded batch's objects and attempts."""

    configuration: EndpointConfiguration
    batch_id: str
    recording: str = ""
    consumer: str | None = None

    @property
    def manifest(self) -> S3Location:
        """What the batch is."""
        return self._own("manifest.json")

    @property
    def lease(self) -> S3Location:
        """Who works on it."""
        return self._own("lease.json")

    @property
    def journal_prefix(self) -> str:
        """What the keys of all segments of the journal start with."""
        return self._own("journal/").key

    def journal_segment(self, sequence: int) -> S3Location:
        """Return where the ``sequence``-th segment of the journal lies, counted from 1."""
        return self._own(f"journal/{sequence:08}.jsonl")

    def item_segment(self, number: int) -> S3Location:
        """Return where the ``number``-th segment of the items lies, counted from 0."""
        return self._own(f"items/{self.recording}/{number:06}.jsonl")

    def large_input(self, item: int) -> S3Location:
        """Return where the payload of one item lies that is too large for a segment."""
        prefix = self.configuration.prefixes.input
        return S3Location(self.configuration.bucket, f"{prefix}{self.batch_id}/{self.recording}/{item:08}")

    @property
    def output_extension(self) -> str:
        """What the requests of this batch, and no others, append to the endpoint's output path."""
        return f"batches/{self.batch_id}/{self.recording}"

    def filename(self, item: int, attempt: int) -> str:
        """Return what the output of one attempt is to be called."""
        return f"{item:08}-{attempt:03}"

    def expected_output(self, item: int, attempt: int) -> S3Location:
        """Return where the output of an attempt should be whose response nobody has."""
        prefix = self.configuration.prefixes.output
        return S3Location(self.configuration.bucket, f"{prefix}{self.output_extension}/{self.filename(item, attempt)}")

    def inference_id(self, item: int, attempt: int) -> str:
        """Return the label of one attempt, which names the consumer that is told of its outcome."""
        consumer = f"{self.consumer}-" if self.consumer else ""
        return f"{consumer}{self.batch_id}-{self.filename(item, attempt)}"

    def check(self) -> None:
        """Refuse a batch whose attempts could not be labelled.

        Raises:
            InvalidRequest: batch id and consumer are too long together.
        """
        longest = len(self.inference_id(MAX_ITEMS - 1, 999))
        if longest > INFERENCE_ID_LENGTH.maximum:
            raise InvalidRequest(
                f"batch_id: {self.batch_id} is {longest - INFERENCE_ID_LENGTH.maximum} characters too long for the "
                f"inference ids of consumer {self.consumer}"
            )

    def _own(self, name: str) -> S3Location:
        return S3Location(self.configuration.bucket, f"{self.configuration.prefixes.batches}{self.batch_id}/{name}")
