"""File objects as payloads: of any kind, in one pass, within the bound, never half uploaded."""

from __future__ import annotations

import codecs
import gzip
import mmap
import random
from io import BufferedReader, BytesIO, RawIOBase, StringIO
from typing import TYPE_CHECKING, Any

import pytest

from async_inference import InvalidRequest
from async_inference.clients import UPLOAD_PART_BYTES
from async_inference.submitting import streams
from tests.unit.async_inference.fake_aws import BUCKET, FakeAws

if TYPE_CHECKING:
    from pathlib import Path

CONTENT_TYPE = "x-amzn-sagemaker-content-type"


class Pipe(RawIOBase):
    """What returns a few bytes at a time and cannot be set back."""

    def __init__(self, content: bytes, *, at_once: int = 100_000, error: Exception | None = None) -> None:
        super().__init__()
        self._content = BytesIO(content)
        self._at_once = at_once
        self._error = error

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401 - a writable buffer, which Python 3.11 has no name for
        """Return a part of what was asked for, and fail at the end."""
        content = self._content.read(min(len(buffer), self._at_once))
        if not content and self._error:
            raise self._error
        buffer[: len(content)] = content
        return len(content)


@pytest.mark.parametrize("wrap", [BytesIO, Pipe, lambda content: BufferedReader(Pipe(content))])
@pytest.mark.parametrize("size", [1, 128_000])
def test_a_small_stream_travels_in_the_request(aws: FakeAws, wrap: Any, size: int) -> None:  # noqa: ANN401 - any file
    """However few bytes it returns at a time."""
    aws.endpoint().submit(wrap(b"x" * size))

    assert aws.operations() == ["InvokeEndpointAsync"]
    assert (b"x" * size, "application/octet-stream") == (aws.requests[0].body, aws.requests[0].headers[CONTENT_TYPE])


@pytest.mark.parametrize("size", [128_001, UPLOAD_PART_BYTES, 2 * UPLOAD_PART_BYTES + 1])
def test_a_large_stream_is_uploaded_whole(aws: FakeAws, size: int) -> None:
    """Short reads are not taken for its end, nor parts for too small."""
    content = bytes(range(251)) * (size // 251 + 1)

    aws.endpoint().submit(Pipe(content[:size]))

    location = aws.sent("InvokeEndpointAsync")[0].headers["x-amzn-sagemaker-inputlocation"]
    assert content[:size] == aws.objects[location].content
    assert {len(part) for part in aws.parts} <= {UPLOAD_PART_BYTES, size % UPLOAD_PART_BYTES}


@pytest.mark.parametrize("size", [10, 200_000])
def test_a_stream_is_read_from_where_it_stands_and_stays_open(aws: FakeAws, size: int) -> None:
    """As a caller expects who has read its header, and closes it himself."""
    file = BytesIO(b"header" + b"x" * size)
    file.seek(6)

    aws.endpoint().submit(file)

    sent = (aws.sent("PutObject") or aws.sent("InvokeEndpointAsync"))[0]
    assert b"x" * size == sent.body
    assert not file.closed


def test_a_files_name_tells_its_type(aws: FakeAws, tmp_path: Path) -> None:
    """Where it has one; a descriptor's number is none."""
    page = tmp_path / "page.png"
    page.write_bytes(b"png")

    with page.open("rb") as file, page.open("rb") as same, open(same.fileno(), "rb", closefd=False) as number:
        aws.endpoint().submit(file)
        aws.endpoint().submit(number)

    assert [request.headers[CONTENT_TYPE] for request in aws.requests] == ["image/png", "application/octet-stream"]


def test_what_reads_bytes_is_a_file(aws: FakeAws, tmp_path: Path) -> None:
    """Mapped and compressed files too."""
    plain, zipped = tmp_path / "plain", tmp_path / "zipped"
    plain.write_bytes(b"content")
    zipped.write_bytes(gzip.compress(b"content"))

    with plain.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        aws.endpoint().submit(mapped)
    with gzip.open(zipped) as unzipped:
        aws.endpoint().submit(unzipped)

    assert [request.body for request in aws.requests] == [b"content"] * 2


@pytest.mark.parametrize("size", [100, 400_000])
def test_a_damaged_compressed_file_is_refused(aws: FakeAws, size: int) -> None:
    """Cut off, or altered."""
    whole = gzip.compress(random.Random(0).randbytes(size))  # noqa: S311 - no secret
    altered = whole[:10] + b"\xff" + whole[11:]
    for damaged, problem in ((whole[:-20], "Compressed file ended"), (altered, "Error -3 while decompressing")):
        with pytest.raises(InvalidRequest, match=rf"^payload: cannot read the GzipFile: {problem}"):
            aws.endpoint().submit(gzip.GzipFile(fileobj=BytesIO(damaged)))

    assert (aws.objects, aws.uploads, aws.sent("InvokeEndpointAsync")) == ({}, {}, [])


class Stalled(BytesIO):
    """A file that does not block."""

    def read(self, _size: int | None = -1, /) -> Any:  # noqa: ANN401 - none, as Python's own do
        """Return nothing yet."""
        return None


@pytest.mark.parametrize(
    ("file", "name"),
    [
        (StringIO("text"), "StringIO"),
        (codecs.getreader("utf-8")(BytesIO(b"text")), "StreamReader"),
        (Stalled(), "Stalled"),
    ],
)
def test_a_file_that_reads_no_bytes_is_refused(aws: FakeAws, file: Any, name: str) -> None:  # noqa: ANN401 - wrong on purpose
    """Which encoding was meant cannot be known."""
    with pytest.raises(InvalidRequest) as caught:
        aws.endpoint().submit(file)

    assert str(caught.value) == (
        f"payload: a {name} that does not read bytes, expected a blocking file in binary mode, "
        'as open(path, "rb") returns it'
    )
    assert aws.requests == []


def test_an_empty_stream_is_refused(aws: FakeAws) -> None:
    """As is one that was read to its end."""
    with pytest.raises(InvalidRequest, match=r"^payload: is empty, expected at least 1 byte"):
        aws.endpoint().submit(BytesIO(b""))

    assert aws.requests == []


def test_a_stream_that_cannot_be_read_is_refused(aws: FakeAws, tmp_path: Path) -> None:
    """Closed, opened for writing, broken."""
    closed = BytesIO(b"x")
    closed.close()
    with (tmp_path / "new").open("wb") as written:
        for file, problem in (
            (closed, "BytesIO: I/O operation on closed file"),
            (written, "BufferedWriter: read"),
            (Pipe(b"", error=OSError(5, "Input/output error")), "Pipe: Input/output error"),
        ):
            with pytest.raises(InvalidRequest, match=rf"^payload: cannot read the {problem}"):
                aws.endpoint().submit(file)

    assert aws.requests == []


@pytest.mark.parametrize("size", [200_000, 3 * UPLOAD_PART_BYTES])
def test_a_stream_that_breaks_in_the_middle_leaves_nothing(aws: FakeAws, size: int) -> None:
    """The upload is given up and nothing is submitted."""
    with pytest.raises(InvalidRequest, match=r"^payload: cannot read the Pipe: Input/output error"):
        aws.endpoint().submit(Pipe(b"x" * size, error=OSError(5, "Input/output error")))

    assert (aws.objects, aws.uploads, aws.sent("InvokeEndpointAsync")) == ({}, {}, [])


def test_a_stream_beyond_the_largest_payload_is_given_up(aws: FakeAws, monkeypatch: pytest.MonkeyPatch) -> None:
    """As soon as it is known: what was uploaded of it is deleted, and nothing is submitted."""
    limit = 2 * UPLOAD_PART_BYTES
    monkeypatch.setattr(streams, "MAX_PAYLOAD_BYTES", limit)
    aws.endpoint().submit(Pipe(b"x" * limit))
    aws.requests.clear()
    aws.objects.clear()

    with pytest.raises(InvalidRequest, match=rf"^payload: has more than the {limit:,} bytes that are allowed"):
        aws.endpoint().submit(Pipe(b"x" * (limit + 1)))

    assert (aws.objects, aws.uploads, aws.sent("InvokeEndpointAsync")) == ({}, {}, [])
    assert BUCKET in aws.sent("AbortMultipartUpload")[0].location
