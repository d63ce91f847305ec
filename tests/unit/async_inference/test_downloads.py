"""Outputs written to files: whole or not at all, whatever breaks on the way."""

from __future__ import annotations

import gzip
import os
import stat
from io import BytesIO, RawIOBase, StringIO
from typing import TYPE_CHECKING, Any

import pytest

from async_inference import (
    EndpointUnavailable,
    InvalidRequest,
    Job,
    ModelError,
    PermissionDenied,
    ResultCorrupt,
    ResultTimeout,
    RetryPolicy,
)
from tests.unit.async_inference.fake_aws import FAILURE, OUTPUT, FakeAws, broken_off, s3_error

if TYPE_CHECKING:
    from pathlib import Path

CONTENT = bytes(range(251)) * 10_000
BROKEN = broken_off(b"?" * 2_000_000, size=len(CONTENT))
"""Broken off after some of it was written."""


@pytest.fixture
def job(aws: FakeAws) -> Job:
    """A job whose output is there."""
    aws.put(OUTPUT, CONTENT, "image/png")
    job = aws.endpoint(retry=RetryPolicy()).submit(b"x", inference_id="id-1")
    aws.requests.clear()
    return job


class Pipe(BytesIO):
    """A file that cannot be set back, and takes a few bytes at a time."""

    def seekable(self) -> bool:
        """It is not."""
        return False

    def tell(self) -> int:
        """Refuse, as pipes do."""
        raise OSError(29, "Illegal seek")

    def write(self, content: Any, /) -> int:  # noqa: ANN401 - a readable buffer, which Python 3.11 has no name for
        """Take a part."""
        return super().write(content[:100_000])


class Writer:
    """What is like a file but does not say how much it took, as some SFTP clients do."""

    def __init__(self) -> None:
        self.content = b""

    def writable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is not."""
        return False

    def write(self, content: bytes) -> None:
        """Take all of it."""
        self.content += content
        assert len(self.content) <= len(CONTENT)


class NonBlocking(RawIOBase):
    """A pipe that is full."""

    def writable(self) -> bool:
        """It would be."""
        return True

    def write(self, _: Any, /) -> None:  # noqa: ANN401 - likewise
        """Take nothing, and say so as Python's raw files do."""


def test_an_output_is_written_to_a_file(aws: FakeAws, job: Job, tmp_path: Path) -> None:
    """With one request, in place of what was there before, as if the caller had opened it."""
    page = tmp_path / "page.png"
    page.write_bytes(b"old")

    stored = job.download(page)

    assert page.read_bytes() == CONTENT
    assert (job.output_location, len(CONTENT), "image/png") == (stored.location, stored.size, stored.content_type)
    assert aws.operations() == ["GetObject"]
    assert [page] == list(tmp_path.iterdir())


def test_a_new_file_has_the_usual_permissions(job: Job, tmp_path: Path) -> None:
    """Not those of a temporary one, which nobody else may read."""
    (tmp_path / "usual").touch()

    job.download(tmp_path / "page")

    assert len({stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}) == 1


def test_the_longest_name_that_a_file_can_have_will_do(job: Job, tmp_path: Path) -> None:
    """The file that it is written to first has a name of its own."""
    page = tmp_path / ("x" * os.pathconf(tmp_path, "PC_NAME_MAX"))

    job.download(page)

    assert len(CONTENT) == page.stat().st_size


@pytest.mark.parametrize("file", [BytesIO(), Pipe()])
def test_an_output_is_written_to_an_open_file(job: Job, file: BytesIO) -> None:
    """Which need not be able to seek, and stays open."""
    job.download(file)

    assert file.getvalue() == CONTENT


def test_a_file_need_not_say_how_much_it_took(job: Job) -> None:
    """Then it took all; but a raw file says so that it would have had to wait."""
    writer: Any = Writer()
    job.download(writer)
    assert writer.content == CONTENT

    with pytest.raises(InvalidRequest, match=r"^to: the NonBlocking takes nothing for now, expected a blocking file"):
        job.download(NonBlocking())  # type: ignore[arg-type]


def test_a_download_waits_for_the_output(aws: FakeAws, job: Job, tmp_path: Path) -> None:
    """As result() does."""
    aws.put(OUTPUT, b"1", after=12)

    job.download(tmp_path / "page", timeout=20)

    assert aws.time.slept == [5.0, 7.5]
    assert (tmp_path / "page").read_bytes() == b"1"


def test_a_download_that_breaks_off_starts_over(aws: FakeAws, job: Job, tmp_path: Path) -> None:
    """Nothing of the attempts before is left, in front of it or behind it."""
    aws.fail("GetObject", BROKEN, s3_error(503, "SlowDown"), BROKEN)
    job.download(tmp_path / "page")
    assert (tmp_path / "page").read_bytes() == CONTENT

    aws.fail("GetObject", BROKEN, BROKEN)
    file = BytesIO(b"header")
    file.seek(6)
    job.download(file)
    assert file.getvalue() == b"header" + CONTENT

    aws.fail("GetObject", BROKEN)
    with (tmp_path / "page").open("ab") as appended:
        job.download(appended)
    assert (tmp_path / "page").read_bytes() == CONTENT * 2


def test_a_download_into_a_pipe_cannot_start_over(aws: FakeAws, job: Job, tmp_path: Path) -> None:
    """Whoever reads it must not take the pieces for the whole."""
    with gzip.open(tmp_path / "page.gz", "wb") as zipped:
        for pipe, name in ((Pipe(), "Pipe"), (zipped, "GzipFile")):
            aws.fail("GetObject", BROKEN)
            with pytest.raises(EndpointUnavailable) as caught:
                job.download(pipe)  # type: ignore[arg-type]  # types take a GzipFile for no BinaryIO

            assert str(caught.value) == (
                f"reading {OUTPUT} broke off, and the {name} that it is written to cannot be set back to start over"
            )
            assert job is caught.value.job


def test_a_download_that_fails_leaves_the_file_as_it_was(aws: FakeAws, job: Job, tmp_path: Path) -> None:
    """And nothing beside it."""
    page = tmp_path / "page"
    page.write_bytes(b"old")
    for fault, error in (
        ([BROKEN] * 100, EndpointUnavailable),
        ([s3_error(403, "AccessDenied")] * 2, PermissionDenied),
        ([broken_off(b"", size=0)], ResultCorrupt),
    ):
        aws.fail("GetObject", *fault)
        with pytest.raises(error):
            job.download(page)
        aws.faults.clear()

    assert ([page], b"old") == (list(tmp_path.iterdir()), page.read_bytes())


def test_a_job_without_output_creates_no_file(aws: FakeAws, job: Job, tmp_path: Path) -> None:
    """Its outcome is raised as result() raises it."""
    aws.objects.clear()
    with pytest.raises(ResultTimeout):
        job.download(tmp_path / "page", timeout=1)
    aws.put(FAILURE, b"no image")
    with pytest.raises(ModelError, match="no image"):
        job.download(tmp_path / "page")

    assert list(tmp_path.iterdir()) == []


def test_an_error_of_the_file_system_passes_through(job: Job, tmp_path: Path) -> None:
    """Python's own words name the file."""
    with pytest.raises(OSError, match="File name too long"):
        job.download(tmp_path / ("x" * 300))

    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_written_to_is_refused_before_waiting(aws: FakeAws, job: Job, tmp_path: Path) -> None:
    """Not after an hour."""
    (tmp_path / "read").touch()
    with (tmp_path / "read").open("rb") as read:
        targets: list[tuple[Any, str]] = [
            (tmp_path, f"to: {tmp_path} is a directory, expected the path of a file"),
            (tmp_path / "none" / "page", f"to: there is no directory {tmp_path}/none"),
            (StringIO(), "to: got StringIO, expected a Path, or a file opened for writing in binary mode"),
            (read, "to: got BufferedReader, expected a Path, or a file opened for writing in binary mode"),
            ("page", "to: got str, expected a Path, or a file opened for writing in binary mode"),
        ]
        for target, message in targets:
            with pytest.raises(InvalidRequest) as caught:
                job.download(target)
            assert message == str(caught.value)

    assert aws.requests == []
