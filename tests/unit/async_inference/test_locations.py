"""Places in S3: reading them and keeping to one's own."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from async_inference import InvalidRequest, S3Location
from async_inference.locations import require_inside
from async_inference.messages import shown


def test_a_location_is_read_and_written() -> None:
    """Bucket and key, as they are."""
    location = S3Location.parse("s3://my-bucket/a b/ü?#%2e.out")

    assert (location.bucket, location.key) == ("my-bucket", "a b/ü?#%2e.out")
    assert str(location) == "s3://my-bucket/a b/ü?#%2e.out"


@pytest.mark.parametrize(
    "uri",
    [
        *(None, 7, b"s3://b/k", "", "bucket/key", "https://bucket/key", "s3://", "s3://bucket", "s3://bucket/"),
        *("s3:///key", "S3://bucket/key", "s3://Bucket/key", "s3://-b/key", "s3://b/key", " s3://bucket/key"),
        *("s3://bu cket/key", "s3://bucket/" + "ü" * 513, "s3://bucket/\ud800"),
    ],
)
def test_anything_else_is_refused_in_one_short_line(uri: object) -> None:
    """Under the name that the caller knows it by."""
    with pytest.raises(InvalidRequest, match=r"^input_location: ") as caught:
        S3Location.parse(uri, field="input_location")

    assert len(str(caught.value)) < 200
    assert str(caught.value).isprintable()


@given(st.text())
def test_what_errors_show_is_short_ascii_on_one_line(value: str) -> None:
    """Whatever somebody else wrote."""
    text = shown(value)

    assert text.isascii()
    assert text.isprintable()


@pytest.mark.parametrize("key", ["output/x", "output/a/b", "output//x", "output/..x", "output/x..out"])
def test_what_lies_below_the_prefix_is_allowed(key: str) -> None:
    """At any depth."""
    require_inside(S3Location("bucket", key), bucket="bucket", prefix="output/", field="f")


@pytest.mark.parametrize(
    "key", ["output", "output/", "outputs/x", "x/output/y", "output/../x", "output/a/..", "output/."]
)
def test_what_does_not_is_refused(key: str) -> None:
    """Neither look-alikes nor ways out."""
    with pytest.raises(InvalidRequest, match=r"^f: .* is not an object below s3://bucket/output/"):
        require_inside(S3Location("bucket", key), bucket="bucket", prefix="output/", field="f")
