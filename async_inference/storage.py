"""Reading, writing and listing objects in S3, with this library's retries and errors."""

from __future__ import annotations

import math
from contextlib import closing
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn, Protocol, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from async_inference import aws_errors, retrying
from async_inference.clients import upload_configuration
from async_inference.submitting.streams import unreadable

if TYPE_CHECKING:
    from collections.abc import Callable

    from types_boto3_s3.type_defs import GetObjectOutputTypeDef

    from async_inference.clients import Clients
    from async_inference.clock import Clock
    from async_inference.locations import S3Location
    from async_inference.retrying import RetryPolicy

Answer = TypeVar("Answer")

_CONDITION_FAILED: Final = "PreconditionFailed"
_CONFLICT: Final = "ConditionalRequestConflict"
"""Another write of the same object was under way; S3 says to try again (S3 user guide, conditional writes)."""


class AlreadyExists(Exception):  # noqa: N818 - a signal within the library, never seen by its callers
    """An object was to be created where there is one."""


class ObjectChanged(Exception):  # noqa: N818 - likewise
    """An object was to be replaced that is no longer the one that was read."""


@dataclass(frozen=True, slots=True)
class StoredObject:
    """What is known of an object before its content is read.

    Example:
        >>> stored = job.locate()
        >>> stored.size, stored.content_type
        (19, 'application/json')
    """

    location: S3Location
    size: int
    """In bytes."""

    content_type: str | None
    etag: str
    """What names this content of the object among all that it ever has."""

    age_seconds: float = field(compare=False)
    """How long ago it was written when it was asked for, in whole seconds and all by S3's own clock."""


@dataclass(frozen=True, slots=True)
class ListedPage:
    """One page of a listing."""

    keys: tuple[str, ...]
    """In the order of their UTF-8 bytes."""

    is_truncated: bool
    """Whether more keys follow."""


class Body(Protocol):
    """An object's content, not yet read."""

    def read(self, amt: int | None = None) -> bytes:
        """Return the next ``amt`` bytes, fewer only at the end, or all that is left."""
        ...  # pragma: no cover - a protocol


class Readable(Protocol):
    """Content to upload, which is read once, from its beginning to its end."""

    def read(self, size: int = -1, /) -> bytes:
        """Return the next ``size`` bytes, fewer only at the end, or all that is left."""
        ...  # pragma: no cover - a protocol


class ObjectStore:
    """The objects of S3, as far as jobs and batches have to do with them."""

    def __init__(self, clients: Clients, *, retry: RetryPolicy, clock: Clock) -> None:
        self._clients = clients
        self._retry = retry
        self._clock = clock

    def get(
        self, location: S3Location, take: Callable[[StoredObject, Body], Answer], *, until: float = math.inf
    ) -> Answer | None:
        """Return what ``take`` makes of the object, or ``None`` if there is none.

        One request, whether the object is there or not: its size and type come before its content, which ``take``
        may leave unread. ``take`` runs again if reading fails in a way that may pass.

        Args:
            location: The object.
            take: Is given what is known of it and its content.
            until: When to stop retrying, by the monotonic clock.

        Raises:
            PermissionDenied: reading was refused, or cannot be told from the object's absence.
            EndpointUnavailable: S3 could not be asked.
        """
        try:
            return self._ask(lambda: self._get_once(location, take), until)
        except (BotoCoreError, ClientError) as error:
            if aws_errors.is_missing(error):
                return None
            # S3 does not always say which of the two is missing, and both look the same while there is no object.
            aws_errors.raise_for_caller(
                error, action="s3:GetObject or s3:ListBucket", resource=f"bucket {location.bucket}"
            )

    def list_page(self, bucket: str, prefix: str, *, start_after: str = "", until: float = math.inf) -> ListedPage:
        """Return up to 1,000 keys that start with ``prefix``, with one request.

        Args:
            bucket: Where to look.
            prefix: What the keys start with.
            start_after: Leave out this key, which need not exist, and all before it.
            until: When to stop retrying, by the monotonic clock.

        Raises:
            PermissionDenied: listing was refused.
            EndpointUnavailable: S3 could not be asked.
        """
        parameters: dict[str, Any] = {"Bucket": bucket, "Prefix": prefix, "StartAfter": start_after}
        try:
            response = self._ask(lambda: self._clients.s3.list_objects_v2(**parameters), until)
        except (BotoCoreError, ClientError) as error:
            aws_errors.raise_for_caller(error, action="s3:ListBucket", resource=f"bucket {bucket}")
        return ListedPage(tuple(listed["Key"] for listed in response.get("Contents", ())), response["IsTruncated"])

    def create(self, location: S3Location, content: bytes, *, content_type: str) -> str:
        """Write an object where there is none, and return its ETag.

        Raises:
            AlreadyExists: there is one. It may be the caller's own, if S3's answer to an earlier attempt was lost.
            PermissionDenied: writing was refused.
            EndpointUnavailable: S3 could not be reached; the object may have been written.
        """
        try:
            return self._write(location, content, ContentType=content_type, IfNoneMatch="*")
        except (BotoCoreError, ClientError) as error:
            if _is(error, _CONDITION_FAILED):
                raise AlreadyExists(str(location)) from error
            _raise_for_writer(error, location)

    def replace(self, location: S3Location, content: bytes, *, etag: str, content_type: str) -> str:
        """Write an object in place of the one that has ``etag``, and return the new ETag.

        Raises:
            ObjectChanged: it has another by now, or is gone. It may be the caller's own doing, as with :meth:`create`.
            PermissionDenied: writing was refused.
            EndpointUnavailable: S3 could not be reached; the object may have been written.
        """
        try:
            return self._write(location, content, ContentType=content_type, IfMatch=etag)
        except (BotoCoreError, ClientError) as error:
            if _is(error, _CONDITION_FAILED) or aws_errors.is_missing(error):
                raise ObjectChanged(str(location)) from error
            _raise_for_writer(error, location)

    def put(self, source: bytes | Path | Readable, location: S3Location, *, content_type: str | None) -> None:
        """Upload bytes, a file or a stream, in parts if it is large; no file or stream is held in memory as a whole.

        Whatever reading a stream raises passes through, and the upload is given up: nothing appears.

        Raises:
            InvalidRequest: the file cannot be read.
            PermissionDenied: writing was refused.
            EndpointUnavailable: S3 could not be reached.
        """
        from boto3.exceptions import S3UploadFailedError  # noqa: PLC0415 - boto3 loads with the first client

        where: dict[str, Any] = {
            "Bucket": location.bucket,
            "Key": location.key,
            "ExtraArgs": {"ContentType": content_type} if content_type else {},
            "Config": upload_configuration(),
        }
        try:
            if isinstance(source, Path):
                self._clients.s3_uploads.upload_file(str(source), **where)
            else:
                stream: Any = BytesIO(source) if isinstance(source, bytes) else source
                self._clients.s3_uploads.upload_fileobj(stream, **where)
        except (BotoCoreError, ClientError) as error:
            _raise_for_writer(error, location)
        except OSError as error:  # never of the connection, whose errors botocore wraps
            raise unreadable(source, error) from error
        except S3UploadFailedError as error:
            # What upload_file makes of a ClientError, which it keeps nowhere else.
            if not isinstance(error.__context__, ClientError):
                raise
            _raise_for_writer(error.__context__, location)

    def _ask(self, question: Callable[[], Answer], until: float = math.inf) -> Answer:
        return retrying.call(
            question, may_repeat=aws_errors.is_transient, policy=self._retry, clock=self._clock, until=until
        )

    def _get_once(self, location: S3Location, take: Callable[[StoredObject, Body], Answer]) -> Answer:
        response = self._clients.s3.get_object(Bucket=location.bucket, Key=location.key)
        stored = StoredObject(
            location, response["ContentLength"], response.get("ContentType"), response["ETag"], _age_seconds(response)
        )
        with closing(response["Body"]) as body:
            return take(stored, body)

    def _write(self, location: S3Location, content: bytes, **fields: Any) -> str:  # noqa: ANN401 - of put_object
        return retrying.call(
            lambda: self._clients.s3.put_object(Bucket=location.bucket, Key=location.key, Body=content, **fields)[
                "ETag"
            ],
            may_repeat=lambda error: aws_errors.is_transient(error) or _is(error, _CONFLICT),
            policy=self._retry,
            clock=self._clock,
        )


def _is(error: Exception, code: str) -> bool:
    return isinstance(error, ClientError) and aws_errors.code(error) == code


def _raise_for_writer(error: BotoCoreError | ClientError, location: S3Location) -> NoReturn:
    aws_errors.raise_for_caller(error, action="s3:PutObject", resource=str(location))


def _age_seconds(response: GetObjectOutputTypeDef) -> float:
    """Compare S3's two moments, so that no clock of the caller's is involved."""
    answered_at = parsedate_to_datetime(response["ResponseMetadata"]["HTTPHeaders"]["date"])
    return max(0.0, (answered_at - response["LastModified"]).total_seconds())
