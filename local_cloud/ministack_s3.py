"""What MiniStack's S3 does otherwise than AWS, mended; beside the bridge the only module that knows how.

* ``AWS::S3::Bucket`` loses its tags, by which the CDK's bucket-emptying resource tells the buckets that it may empty.
* A key that does not exist is 404 to everybody; S3 says 403 to a caller without ``s3:ListBucket``. (Source: *Amazon S3
  API Reference*, GetObject.)
* Objects are encrypted by customer-managed keys in name only, and nobody is asked for rights to the key.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote
from xml.sax.saxutils import escape

from local_cloud.errors import AwsError
from local_cloud.ministack_iam import Grant
from local_cloud.ministack_kms import DECRYPT, ENCRYPT, NOT_FOUND, Caller

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from local_cloud.json_api import Members, Response
    from local_cloud.ministack_iam import Identities
    from local_cloud.ministack_kms import Keys
    from local_cloud.scope import Scope

PRIVATE_NAMES: Final[Mapping[str, tuple[str, ...]]] = {
    "ministack.services.s3": (
        "_bucket_encryption",
        "_bucket_tags",
        "_buckets",
        "_merge_hoisted_amz_headers",
        "_multipart_uploads",
        "_resolve_sse_write_headers",
        "_stored_sse_headers",
        "handle_request",
    )
}
"""What is used of MiniStack, by module."""

_BUCKET: Final = "AWS::S3::Bucket"
_NOT_FOUND: Final = 404
_FORBIDDEN: Final = 403
_BAD_REQUEST: Final = 400
_READ: Final = (200, 206)
_NO_SUBRESOURCES: Final = frozenset({"x-id", "awsaccesskeyid", "expires", "signature"})
"""Parameters besides ``x-amz-…`` that name no part of an object: SDKs' own, and those of signature version 2."""
_KEY_ID: Final = "x-amz-server-side-encryption-aws-kms-key-id"


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


def refuse_as_s3(identities: Identities, keys: Keys, scope: Callable[[], Scope]) -> None:
    """Refuse what S3 refuses besides what policies say of S3; only where policies are enforced.

    The bucket may be in the path or, virtual-hosted, in the host's name: MiniStack has put it into the path before.
    """
    s3: Any = import_module("ministack.services.s3")
    answer = s3.handle_request

    async def answer_or_refuse(
        method: str, path: str, headers: Mapping[str, str], body: bytes, query: Mapping[str, Any], **origin: object
    ) -> Response:
        caller = Caller(s3._merge_hoisted_amz_headers(headers, query), query)  # noqa: SLF001
        bucket, _, key = unquote(path).lstrip("/").partition("/")
        try:
            if key and method in ("PUT", "POST"):
                _require_to_write(keys, caller, method, (bucket, key))
            response: Response = await answer(method, path, headers, body, query, **origin)
            if key and method in ("GET", "HEAD"):
                _require_to_read(keys, caller, method, (bucket, key), response)
        except AwsError as error:
            return _refusal(error, method)
        if response[0] != _NOT_FOUND or method not in ("GET", "HEAD") or not key:
            return response
        try:
            identities.require(scope(), headers, [Grant("s3:ListBucket", f"arn:aws:s3:::{bucket}")], query=query)
        except AwsError:
            return _refusal(AwsError("AccessDenied", "Access Denied"), method)
        return response

    s3.handle_request = answer_or_refuse


def _require_to_read(keys: Keys, caller: Caller, method: str, address: tuple[str, str], response: Response) -> None:
    """Ask for the right to decrypt what was read; HEAD decrypts nothing but checksums.

    Raises:
        AwsError: the caller may not.
    """
    status, found, _ = response
    if status not in _READ or (method == "HEAD" and caller.headers.get("x-amz-checksum-mode", "").upper() != "ENABLED"):
        return
    keys.require(caller, found.get(_KEY_ID), DECRYPT, _encryption_context(*address))


def _require_to_write(keys: Keys, caller: Caller, method: str, address: tuple[str, str]) -> None:
    """Ask for the rights to what is going to be stored, and to what it is copied from.

    Source: *Amazon S3 API Reference*, PutObject, CopyObject, CreateMultipartUpload.

    Raises:
        AwsError: the caller may not.
    """
    s3: Any = import_module("ministack.services.s3")
    context, of_upload = _encryption_context(*address), caller.query.get("uploadId")
    if of_upload:
        upload_id = of_upload[0] if isinstance(of_upload, list) else of_upload
        upload = s3._multipart_uploads.get(upload_id)  # noqa: SLF001
        if upload and method == "PUT":
            keys.require(caller, s3._stored_sse_headers(upload).get(_KEY_ID), DECRYPT, context)  # noqa: SLF001
    elif (method == "PUT" and _names_an_object(caller.query)) or "uploads" in caller.query:
        encryption, refused = s3._resolve_sse_write_headers(caller.headers, address[0])  # noqa: SLF001
        keys.require(caller, None if refused else encryption.get(_KEY_ID), ENCRYPT, context)
    if source := caller.headers.get("x-amz-copy-source"):
        from_bucket, _, from_key = unquote(source.partition("?")[0]).lstrip("/").partition("/")
        original = s3._buckets.get(from_bucket, {}).get("objects", {}).get(from_key)  # noqa: SLF001
        key_id = s3._stored_sse_headers(original).get(_KEY_ID) if original else None  # noqa: SLF001
        keys.require(caller, key_id, DECRYPT, _encryption_context(from_bucket, from_key))


def _names_an_object(query: Mapping[str, Any]) -> bool:
    """Return whether a request is about an object itself, not its tags, its ACL and so on: pre-signed or not."""
    names = {name.lower() for name in query}
    return all(name.startswith("x-amz-") or name in _NO_SUBRESOURCES for name in names)


def _encryption_context(bucket: str, key: str) -> tuple[str, str]:
    """Return the pair that S3 gives KMS: the object, or the bucket where it has a bucket key."""
    settings = import_module("ministack.services.s3")._bucket_encryption.get(bucket) or ""  # noqa: SLF001
    by_bucket = "<BucketKeyEnabled>true</BucketKeyEnabled>" in settings
    return "aws:s3:arn", f"arn:aws:s3:::{bucket}" if by_bucket else f"arn:aws:s3:::{bucket}/{key}"


def _refusal(error: AwsError, method: str) -> Response:
    status, code = (_BAD_REQUEST, error.code) if error.code == NOT_FOUND else (_FORBIDDEN, "AccessDenied")
    body = f"<Error><Code>{code}</Code><Message>{escape(error.message)}</Message></Error>".encode()
    return status, {"Content-Type": "application/xml"}, b"" if method == "HEAD" else body
