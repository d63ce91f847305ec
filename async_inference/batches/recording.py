"""Recording a batch: its inputs go to S3 first, then its manifest, and only then the batch exists.

A process that is killed before the manifest is written has recorded no batch and submitted nothing; what it left behind
goes the way of all old inputs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING
from uuid import uuid4

from async_inference.batches.inputs import BatchItem, ItemNames
from async_inference.batches.items import Item, ItemWriter
from async_inference.batches.manifest import Manifest, already_recorded
from async_inference.batches.naming import MAX_ITEMS, Names, check_batch_id, new_batch_id
from async_inference.exceptions import InvalidRequest
from async_inference.limits import HEADER_LENGTH, HEADER_PATTERN
from async_inference.locations import S3Location
from async_inference.submitting import payloads
from async_inference.submitting.inputs import require_input
from async_inference.submitting.requests import RequestFields, check_text
from async_inference.submitting.streams import BinaryFile

if TYPE_CHECKING:
    from async_inference.batches.context import Context
    from async_inference.batches.options import Options
    from async_inference.submitting.payloads import Payload, PreparedPayload


def record(
    context: Context, inputs: Iterable[Payload | BatchItem], options: Options, *, batch_id: str | None = None
) -> Manifest:
    """Write a batch to S3, and submit nothing.

    An input that cannot be sent, such as an unreadable or empty file, becomes an item that is going to fail; the rest
    is recorded all the same.

    Raises:
        InvalidRequest: an option, the id or the name of an item is not allowed, there are no inputs, or there is a
            batch of that id.
        PermissionDenied: the caller may not write to the bucket.
        EndpointUnavailable: S3 could not be reached.
    """
    # Text, a mapping and a file can be iterated over, too, but nobody means their characters, keys or lines.
    is_one = isinstance(inputs, str | bytes | bytearray | memoryview | Mapping | BinaryFile)
    if is_one or not isinstance(inputs, Iterable):
        raise InvalidRequest(f"inputs: got one {type(inputs).__name__}, expected an iterable of payloads")
    options = _complete(context, options)
    batch_id = new_batch_id(context.clock.now()) if batch_id is None else check_batch_id(batch_id)
    names = Names(context.configuration, batch_id, uuid4().hex, context.consumer)
    names.check()
    if context.objects.get(names.manifest, lambda *_: True):
        raise already_recorded(batch_id)
    recorder = _Recorder(context, names, options)
    for given in inputs:
        recorder.add(given)
    if not recorder.items.count:
        raise InvalidRequest("inputs: are empty, expected at least one")
    manifest = Manifest(
        batch_id=batch_id,
        recording=names.recording,
        endpoint_name=context.configuration.endpoint_name,
        created_at=context.clock.now(),
        segments=recorder.items.finish(),
        items=recorder.items.count,
        options=options,
    )
    manifest.create(context.objects, names)
    return manifest


class _Recorder:
    """Turns inputs into items."""

    def __init__(self, context: Context, names: Names, options: Options) -> None:
        self._context = context
        self._names = names
        self._options = options
        self._item_names = ItemNames()
        self.items = ItemWriter(context.objects, names)

    def add(self, given: Payload | BatchItem) -> None:
        number = self.items.count
        if number == MAX_ITEMS:
            raise InvalidRequest(f"inputs: are more than {MAX_ITEMS:,}, which is the most that a batch may have")
        if isinstance(given, BatchItem):
            payload, own_type = given.payload, given.content_type
            name = self._item_names.given(number, given.name)
        else:
            payload, own_type = given, None
            name = self._item_names.found(number, given)
        try:
            self.items.add(self._item(number, name, payload, own_type))
        except InvalidRequest as error:
            self.items.add(Item(name, None, None, str(error)))

    def _item(self, number: int, name: str, payload: Payload, own_type: str | None) -> Item:
        prepared = payloads.prepare(payload)
        content_type = own_type or self._options.content_type or prepared.content_type
        if content_type is not None:
            check_text("content_type", content_type, HEADER_LENGTH, HEADER_PATTERN)
        return Item(name, content_type, self._stored(number, prepared, content_type))

    def _stored(self, number: int, prepared: PreparedPayload, content_type: str | None) -> bytes | S3Location:
        """Return what fits into a segment, and put what does not into S3 by itself."""
        source, configuration = prepared.source, self._context.configuration
        if isinstance(source, S3Location):
            require_input(source, configuration)
            return source
        try:
            content = prepared.inline()
            if content is not None:
                return content
            location = self._names.large_input(number)
            self._context.objects.put(source, location, content_type=content_type)
        except OSError as error:  # the file went away after it was looked at
            raise InvalidRequest(f"payload: cannot read it: {error.strerror}") from error
        return location


def _complete(context: Context, options: Options) -> Options:
    """Refuse at once what every single request would be refused for, and fill in what the endpoint says today."""
    fields = RequestFields.checked(
        context.configuration.limits,
        content_type=options.content_type,
        accept=options.accept,
        custom_attributes=options.custom_attributes,
        inference_id=None,
        invocation_timeout_seconds=options.invocation_timeout_seconds,
        request_ttl_seconds=options.request_ttl_seconds,
    )
    return replace(
        options,
        invocation_timeout_seconds=fields.invocation_timeout_seconds,
        request_ttl_seconds=fields.request_ttl_seconds,
    )
