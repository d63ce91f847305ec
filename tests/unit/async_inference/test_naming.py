"""What outputs are called: checked before they are sent, and ordered."""

from __future__ import annotations

import pytest

from async_inference import InvalidRequest, OutputName
from async_inference.submitting import submission
from async_inference.submitting.naming import OutputNames
from tests.unit.async_inference.fake_aws import OUTPUT, FakeAws

EXTENSION_HEADER = "x-amzn-sagemaker-s3outputpathextension"
FILENAME_HEADER = "x-amzn-sagemaker-filename"


@pytest.mark.parametrize(
    ("extension", "filename"),
    [("a", "b"), ("batches/b-1!_.*'()", "00000042-001"), ("x" * 512, "a" * 32), ("a.b", "page-1_2.out")],
)
def test_names_within_the_bounds_are_sent_as_they_are(aws: FakeAws, extension: str, filename: str) -> None:
    """The location that comes back is the job's, whatever it is."""
    job = aws.endpoint().submit(b"x", output_name=OutputName(extension, filename))

    headers = aws.requests[0].headers
    assert (headers[EXTENSION_HEADER], headers[FILENAME_HEADER]) == (extension, filename)
    assert str(job.output_location) == OUTPUT


@pytest.mark.parametrize(
    "extension", ["", "x" * 513, "s3:a", "https:a", "a b", "é", "/a", "a/", "a//b", "a/../b", ".", 7]
)
def test_other_folders_are_refused(extension: str) -> None:
    """Before anything is sent."""
    with pytest.raises(InvalidRequest, match=r"^output_name.extension: "):
        OutputName(extension, "a")


@pytest.mark.parametrize("filename", ["", "a" * 33, "-a", ".a", "a.b.c", "a/b", "a b", "é", None])
def test_other_filenames_are_refused(filename: str) -> None:
    """Before anything is sent."""
    with pytest.raises(InvalidRequest, match=r"^output_name.filename: "):
        OutputName("a", filename)


def test_what_is_wrong_with_a_name_is_told_as_it_is() -> None:
    """A dot too many is no matter of ASCII."""
    with pytest.raises(InvalidRequest, match=r"^output_name.filename: .* letters, digits, -, _ and one dot"):
        OutputName("a", "a.b.c")
    with pytest.raises(InvalidRequest, match=r"^output_name.extension: .* letters, digits and !_"):
        OutputName("a b", "a")


def test_an_endpoint_object_has_a_folder_of_its_own(aws: FakeAws) -> None:
    """In which its outputs are in the order of submission."""
    endpoint = aws.endpoint()
    for _ in range(5):
        endpoint.submit(b"x")
        aws.time.advance(1)
    aws.endpoint().submit(b"x")

    *own, other = aws.requests
    folders = {request.headers[EXTENSION_HEADER] for request in own}
    names = [request.headers[FILENAME_HEADER] for request in own]
    assert len(folders) == 1
    assert other.headers[EXTENSION_HEADER] not in folders
    assert sorted(names) == names
    assert {32} == {len(name) for name in names}


@pytest.mark.parametrize("now", [0.0, 1_800_000_000.0, 1e12])
def test_names_are_unique_at_any_time(now: float) -> None:
    """Even if nobody has set the clock."""
    names = OutputNames()

    assert len({names.new(now).filename for _ in range(100)}) == 100


def test_an_sdk_that_knows_no_names_sends_none(aws: FakeAws, monkeypatch: pytest.MonkeyPatch) -> None:
    """SageMaker then makes them up."""
    monkeypatch.setattr(submission, "has_output_names", lambda _: False)
    aws.endpoint().submit(b"x")

    assert FILENAME_HEADER not in aws.requests[0].headers
