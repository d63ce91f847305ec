"""Where outputs and failures go."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from local_cloud.errors import AwsError
from local_cloud.sagemaker.locations import S3Location, failure_location, output_location

if TYPE_CHECKING:
    from local_cloud.sagemaker.resources import AsyncInferenceSettings


@pytest.mark.parametrize(
    ("extension", "filename", "expected"),
    [
        (None, None, "s3://bucket/output/u-u.out"),
        ("batch-1/a", None, "s3://bucket/output/batch-1/a/u-u.out"),
        ("/batch-1/", "0001.json", "s3://bucket/output/batch-1/0001.json"),
        (None, "0001.json", "s3://bucket/output/0001.json"),
        ("/", None, "s3://bucket/output/u-u.out"),
    ],
)
@pytest.mark.parametrize("output_path", ["s3://bucket/output", "s3://bucket/output/"])
def test_outputs_lie_under_the_output_path(
    settings: AsyncInferenceSettings, output_path: str, extension: str | None, filename: str | None, expected: str
) -> None:
    """Extension and file name are honoured, and no slash is doubled."""
    settings = replace(settings, output_path=output_path)
    assert expected == output_location(settings, "u-u", extension=extension, filename=filename)


def test_failures_have_the_generated_name(settings: AsyncInferenceSettings) -> None:
    """A failure is named as users observe it."""
    assert failure_location(settings, "u-u") == "s3://bucket/failure/u-u-error.out"


def test_failures_follow_the_extension_where_that_is_assumed(settings: AsyncInferenceSettings) -> None:
    """The generated name stays."""
    assert failure_location(settings, "u-u", extension="/batch/a/") == "s3://bucket/failure/batch/a/u-u-error.out"
    assert failure_location(settings, "u-u", extension="//") == "s3://bucket/failure/u-u-error.out"


def test_without_a_failure_path_there_is_no_failure_location(settings: AsyncInferenceSettings) -> None:
    """The response then lacks the member."""
    assert failure_location(replace(settings, failure_path=None), "u-u") is None


def test_an_s3_uri_has_bucket_and_key() -> None:
    """The key may contain slashes."""
    assert S3Location.from_uri("s3://bucket/a/b.png") == S3Location("bucket", "a/b.png")


@pytest.mark.parametrize("uri", ["https://bucket/key", "s3://bucket", "s3:///key", "bucket/key"])
def test_other_uris_are_refused(uri: str) -> None:
    """The error names the URI and the form that is expected."""
    with pytest.raises(AwsError, match="is not an S3 URI of the form s3://bucket/key"):
        S3Location.from_uri(uri)
