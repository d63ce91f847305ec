"""Where outputs and failures go: S3 URIs as the service generates them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from local_cloud.errors import validation_exception

if TYPE_CHECKING:
    from local_cloud.sagemaker.resources import AsyncInferenceSettings


class S3Location(NamedTuple):
    """An object in S3."""

    bucket: str
    key: str

    @classmethod
    def from_uri(cls, uri: str) -> S3Location:
        """Read an ``s3://bucket/key`` URI.

        Raises:
            AwsError: it is none.
        """
        scheme, _, rest = uri.partition("://")
        bucket, _, key = rest.partition("/")
        if scheme != "s3" or not bucket or not key:
            raise validation_exception(f"{uri} is not an S3 URI of the form s3://bucket/key")
        return cls(bucket, key)


def output_location(
    settings: AsyncInferenceSettings, generated: str, *, extension: str | None, filename: str | None
) -> str:
    """Return the URI of a request's output.

    Args:
        settings: of the endpoint.
        generated: an identifier that has nothing to do with the inference id.
        extension: the request's ``S3OutputPathExtension``, appended to the output path.
        filename: the request's ``Filename``, in place of the generated name.
    """
    return "/".join([*_folders(settings.output_path, extension), filename or f"{generated}.out"])


def failure_location(settings: AsyncInferenceSettings, generated: str, *, extension: str | None = None) -> str | None:
    """Return the URI of a request's failure; ``None`` where the endpoint has no failure path.

    It does not follow ``Filename``.

    Args:
        settings: of the endpoint.
        generated: the identifier that names the output.
        extension: appended to the failure path, where failures follow the request's.
    """
    if settings.failure_path is None:
        return None
    return "/".join([*_folders(settings.failure_path, extension), f"{generated}-error.out"])


def _folders(path: str, extension: str | None) -> list[str]:
    """Return a path and what a request adds to it; an extension of slashes adds nothing."""
    return [path.rstrip("/"), *filter(None, [(extension or "").strip("/")])]
