"""What MiniStack's S3 does otherwise than AWS, mended; beside the bridge the only module that knows how.

* ``AWS::S3::Bucket`` loses its tags, by which the CDK's bucket-emptying resource tells the buckets that it may empty.
* A key that does not exist is 404 to everybody; S3 says 403 to a caller without ``s3:ListBucket``. (Source: *Amazon S3
  API Reference*, GetObject.)
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote

from local_cloud.errors import AwsError
from local_cloud.ministack_iam import Grant

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from local_cloud.json_api import Members, Response
    from local_cloud.ministack_iam import Identities
    from local_cloud.scope import Scope

PRIVATE_NAMES: Final[Mapping[str, tuple[str, ...]]] = {"ministack.services.s3": ("_bucket_tags",)}
"""What is used of MiniStack, by module."""

_BUCKET: Final = "AWS::S3::Bucket"
_NOT_FOUND: Final = 404
_FORBIDDEN: Final = 403
_DENIED: Final = b"<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"


def keep_bucket_tags() -> None:
    """Let buckets of templates keep their tags."""
    provisioners: Any = import_module("ministack.services.cloudformation.provisioners")
    handlers = provisioners._RESOURCE_HANDLERS[_BUCKET]  # noqa: SLF001
    tags_of_buckets = import_module("ministack.services.s3")._bucket_tags  # noqa: SLF001
    create, update = handlers["create"], handlers["update"]

    def keep(name: str, properties: Members) -> None:
        tags_of_buckets[name] = {tag["Key"]: tag["Value"] for tag in properties.get("Tags") or ()}

    def create_with_tags(logical_id: str, properties: Members, stack_name: str) -> tuple[str, Members]:
        name, attributes = create(logical_id, properties, stack_name)
        keep(name, properties)
        return name, attributes

    def update_with_tags(name: str, old: Members, new: Members, stack_name: str) -> tuple[str, Members]:
        name, attributes = update(name, old, new, stack_name)
        keep(name, new)
        return name, attributes

    handlers.update(create=create_with_tags, update=update_with_tags)


def hide_missing_keys(identities: Identities, scope: Callable[[], Scope]) -> None:
    """Answer 403 for a missing key to callers who may not list its bucket; only where policies are enforced."""
    handlers = import_module("ministack.app").SERVICE_HANDLERS
    answer = handlers["s3"]

    async def answer_or_hide(
        method: str, path: str, headers: Mapping[str, str], body: bytes, query: Mapping[str, Any]
    ) -> Response:
        response: Response = await answer(method, path, headers, body, query)
        bucket, _, key = unquote(path).lstrip("/").partition("/")
        if response[0] != _NOT_FOUND or method not in ("GET", "HEAD") or not key:
            return response
        try:
            identities.require(scope(), headers, [Grant("s3:ListBucket", f"arn:aws:s3:::{bucket}")])
        except AwsError:
            return _FORBIDDEN, {"Content-Type": "application/xml"}, b"" if method == "HEAD" else _DENIED
        return response

    handlers["s3"] = answer_or_hide
