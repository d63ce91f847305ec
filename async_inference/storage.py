"""Reading and writing objects in S3, with this library's retries and errors."""

from __future__ import annotations

import math
from contextlib import closing
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from async_inference import aws_errors, retrying

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from async_inference.clients import Clients
    from async_inference.clock import Clock
    from async_inference.locations import S3Location
    from async_inference.retrying import RetryPolicy

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class StoredObject:
    """What is known of an object before its content is read."""

    location: S3Location
    size: int
    """In bytes."""

    content_type: str | None


class Body(Protocol):
    """An object's content, not yet read."""

    def read(self) -> bytes:
        """Return all of it."""
        ...  # pragma: no cover - a protocol


class ObjectStore:
    """The objects of S3, as far as jobs have to do with them."""

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
            return retrying.call(
                lambda: self._get_once(location, take),
                may_repeat=aws_errors.is_transient,
                policy=self._retry,
                clock=self._clock,
                until=until,
            )
        except (BotoCoreError, ClientError) as error:
            if aws_errors.is_missing(error):
                return None
            # S3 does not always say which of the two is missing, and both look the same while there is no object.
            aws_errors.raise_for_caller(
                error, action="s3:GetObject or s3:ListBucket", resource=f"bucket {location.bucket}"
            )

    def put(self, source: bytes | Path, location: S3Location, *, content_type: str | None) -> None:
        """Upload bytes or a file, in parts if it is large; a file is never held in memory as a whole.

        Raises:
            PermissionDenied: writing was refused.
            EndpointUnavailable: S3 could not be reached.
        """
        from boto3.exceptions import S3UploadFailedError  # noqa: PLC0415 - boto3 loads with the first client
        from boto3.s3.transfer import TransferConfig  # noqa: PLC0415 - likewise

        where: dict[str, Any] = {
            "Bucket": location.bucket,
            "Key": location.key,
            "ExtraArgs": {"ContentType": content_type} if content_type else {},
            # The alternative, which boto3 picks where it is installed, brings its own retries.
            "Config": TransferConfig(preferred_transfer_client="classic"),
        }
        asked = {"action": "s3:PutObject", "resource": str(location)}
        try:
            if isinstance(source, bytes):
                self._clients.s3_uploads.upload_fileobj(BytesIO(source), **where)
            else:
                self._clients.s3_uploads.upload_file(str(source), **where)
        except (BotoCoreError, ClientError) as error:
            aws_errors.raise_for_caller(error, **asked)
        except S3UploadFailedError as error:
            # What upload_file makes of a ClientError, which it keeps nowhere else.
            if not isinstance(error.__context__, ClientError):
                raise
            aws_errors.raise_for_caller(error.__context__, **asked)

    def _get_once(self, location: S3Location, take: Callable[[StoredObject, Body], Answer]) -> Answer:
        response = self._clients.s3.get_object(Bucket=location.bucket, Key=location.key)
        stored = StoredObject(location, response["ContentLength"], response.get("ContentType"))
        with closing(response["Body"]) as body:
            return take(stored, body)
