"""What type checkers know of the public API: mypy reads this file with all others, and so holds it to these types.

Where an error is expected, ``type: ignore`` names it, and mypy tells if it does not occur.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO, StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, assert_type

import pytest

from async_inference import (
    AsyncEndpoint,
    AsyncInferenceError,
    Clock,
    DoneAndNotDone,
    InvalidRequest,
    Job,
    PollingPolicy,
    Result,
    S3Location,
    StoredObject,
    aio,
    as_completed,
    wait,
)
from tests.unit.async_inference.fake_aws import BUCKET, CONFIGURATION, OUTPUT, FakeAws

if TYPE_CHECKING:
    from async_inference.submitting.payloads import Payload


@dataclass(frozen=True)
class Page:
    """A type of the caller's own."""

    text: str
    content_type: str | None

    @classmethod
    def read(cls, content: bytes, content_type: str | None) -> Page:
        """Decode an output."""
        return cls(json.loads(content)["text"], content_type)


@pytest.fixture
def job(aws: FakeAws) -> Job:
    """A job that has succeeded."""
    job = assert_type(aws.endpoint().submit(b"x"), Job)
    aws.put(OUTPUT, b'{"text": "x"}')
    return job


def test_a_result_has_its_type(job: Job) -> None:
    """And so have its parts."""
    result = assert_type(job.result(timeout=5), Result)

    assert_type(result.content, bytes)
    assert_type(result.content_type, str | None)
    assert_type(result.location, S3Location)
    assert_type(result.text(), str)
    assert assert_type(result.json(), Any) == {"text": "x"}


def test_a_decoded_result_has_the_decoders_type(job: Job) -> None:
    """Of a function, a class method, a lambda."""

    def length(content: bytes, _: str | None) -> int:
        return len(content)

    assert assert_type(job.result(decoder=length), int) == 13
    assert assert_type(job.result(5, decoder=Page.read), Page) == Page("x", "application/json")
    assert assert_type(job.result(decoder=lambda content, _: content.hex()), str).startswith("7b")
    assert assert_type(job.result().decode(Page.read), Page).text == "x"
    assert assert_type(job.result(decoder=None), Result).content


def test_a_decoder_of_other_arguments_is_an_error(job: Job) -> None:
    """For the type checker, before it is one for Python."""

    def alone(content: bytes) -> int:
        return len(content)

    with pytest.raises(AsyncInferenceError, match="its decoder raised TypeError"):
        job.result(decoder=alone)  # type: ignore[arg-type]


def test_the_rest_of_a_job_has_its_types(job: Job, tmp_path: Path) -> None:
    """As of concurrent.futures, where it has them."""
    assert assert_type(job.done(), bool)
    assert assert_type(job.exception(), AsyncInferenceError | None) is None
    assert assert_type(job.locate(), StoredObject).size == 13
    assert assert_type(job.download(tmp_path / "page"), StoredObject).size == 13
    assert assert_type(job.download(BytesIO()), StoredObject).size == 13
    with (tmp_path / "page").open("wb") as file:
        assert_type(job.download(file), StoredObject)
    assert assert_type(job.deadline, datetime) > assert_type(job.submitted_at, datetime)
    assert assert_type(job.to_dict(), dict[str, Any])


def test_a_download_to_a_text_file_is_an_error(job: Job) -> None:
    """A path as text too: it could be meant for the content."""
    for wrong in (StringIO(), "page.png"):
        with pytest.raises(InvalidRequest):
            job.download(wrong)  # type: ignore[arg-type]


def test_every_kind_of_payload_is_one(aws: FakeAws, tmp_path: Path) -> None:
    """Type checkers accept what is accepted."""
    (tmp_path / "page.png").write_bytes(b"x")
    payloads: list[Payload] = [
        b"x",
        bytearray(b"x"),
        memoryview(b"x"),
        "x",
        {"a": [1, 2.5, True, None, "x"]},
        [{"a": 1}],
        ("a", 1),
        7,
        tmp_path / "page.png",
        BytesIO(b"x"),
        S3Location(BUCKET, "input/x"),
    ]
    with (tmp_path / "page.png").open("rb") as file:
        for payload in [*payloads, file]:
            aws.endpoint().submit(payload)

    assert aws.operations() == ["InvokeEndpointAsync"] * 12


def test_what_is_no_payload_is_an_error(aws: FakeAws) -> None:
    """For the type checker as for the library."""
    with pytest.raises(InvalidRequest):
        aws.endpoint().submit({1, 2})  # type: ignore[arg-type]
    with pytest.raises(InvalidRequest):
        aws.endpoint().submit(StringIO("x"))  # type: ignore[arg-type]
    with pytest.raises(InvalidRequest):
        aws.endpoint().submit({"a": {1}})  # type: ignore[dict-item]
    with pytest.raises(InvalidRequest):
        aws.endpoint().submit(b"x", request_ttl_seconds="60")  # type: ignore[arg-type]


def test_many_jobs_have_their_types(aws: FakeAws, job: Job) -> None:
    """As of concurrent.futures."""
    with aws.endpoint() as endpoint:
        assert_type(endpoint, AsyncEndpoint)
        completed = assert_type(as_completed([job]), Iterator[Job])
        waited = assert_type(wait([job]), DoneAndNotDone)
        mapped = assert_type(endpoint.map([b"x", "y", Path(__file__)]), Iterator[Result])

        assert [job] == list(completed)
        assert assert_type(waited.done, set[Job]) == {job}
        assert [result.text() for result in mapped] == ['{"text": "x"}'] * 3
        assert assert_type(endpoint.invoke(b"x", attempts=2, timeout=5), Result).json()
    with pytest.raises(InvalidRequest):
        wait([b"x"])  # type: ignore[list-item]


def test_coroutines_return_the_same_types(aws: FakeAws) -> None:
    """For every name that they share."""
    aws.put(OUTPUT, b'{"text": "x"}')
    # A thread waits for coroutines, in real time.
    polling = PollingPolicy(initial_seconds=0.01, maximum_seconds=0.01)
    typed = aio.AsyncEndpoint(CONFIGURATION, clients=aws.clients, polling=polling, clock=Clock())
    assert_type(typed, aio.AsyncEndpoint)
    with pytest.raises(TypeError):
        aio.AsyncEndpoint(CONFIGURATION, clients=aws.clients, pollings=polling)  # type: ignore[call-arg]

    async def work() -> None:
        async with aio.AsyncEndpoint.of(aws.endpoint(clock=Clock(), polling=polling)) as endpoint:
            job = assert_type(await endpoint.submit(b"x"), aio.Job)
            assert_type(await job.result(), Result)
            assert_type(await job.result(decoder=Page.read), Page)
            assert_type(await job.done(), bool)
            assert_type(await job.exception(), AsyncInferenceError | None)
            assert_type(await job.locate(), StoredObject)
            assert_type(await job.download(BytesIO()), StoredObject)
            assert_type(aio.as_completed([job]), AsyncIterator[aio.Job])
            assert_type((await aio.wait([job])).done, set[aio.Job])
            assert_type(endpoint.map([b"x"]), AsyncIterator[Result])
            assert_type(await endpoint.invoke(b"x"), Result)

    asyncio.run(work())
