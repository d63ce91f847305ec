"""What a result is turned into: text, JSON, or whatever the caller decodes."""

from __future__ import annotations

import pytest

from async_inference import ModelError, ResultCorrupt, ResultTimeout
from tests.unit.async_inference.fake_aws import FAILURE, OUTPUT, FakeAws

CONTENT = "Grüße".encode()


@pytest.mark.parametrize(
    ("content", "content_type"),
    [
        (CONTENT, "text/plain"),
        (CONTENT, "application/json"),
        (CONTENT, ""),
        (CONTENT, "not a type; charset"),
        (CONTENT, 'text/plain; charset="UTF-8"'),
        ("Grüße".encode("latin-1"), "text/plain; charset=iso-8859-1"),
        ("Grüße".encode("utf-16"), "text/plain; format=flowed; CharSet=utf-16"),
    ],
)
def test_a_text_is_read_in_the_encoding_that_its_type_names(aws: FakeAws, content: bytes, content_type: str) -> None:
    """Or else in UTF-8."""
    aws.put(OUTPUT, content, content_type)

    assert aws.endpoint().submit(b"x").result().text() == "Grüße"


@pytest.mark.parametrize("charset", ["utf-8", "klingon", "hex", "ascii"])
def test_an_output_that_is_no_such_text_keeps_its_bytes(aws: FakeAws, charset: str) -> None:
    """Encodings that nobody knows, or that are none of text, included."""
    aws.put(OUTPUT, b"\xff", f"text/plain; charset={charset}")
    job = aws.endpoint().submit(b"x")
    result = job.result()

    with pytest.raises(ResultCorrupt, match=rf"^the output {OUTPUT} is not text in '{charset}") as caught:
        result.text()

    assert (b"\xff", job) == (caught.value.content, caught.value.job)
    assert "\n" not in str(caught.value)


def test_a_decoder_gets_content_and_type_and_its_value_is_the_result(aws: FakeAws) -> None:
    """Even if that is None."""
    aws.put(OUTPUT, CONTENT, "image/png")
    job = aws.endpoint().submit(b"x")
    seen: list[tuple[bytes, str | None]] = []

    assert job.result(decoder=lambda content, content_type: seen.append((content, content_type))) is None
    assert seen == [(CONTENT, "image/png")]
    assert job.result(5, decoder=lambda content, _: len(content)) == len(CONTENT)


def test_what_a_decoder_raises_makes_the_result_corrupt(aws: FakeAws) -> None:
    """The error keeps the bytes and its cause, whose words may be confidential and are not repeated."""
    aws.put(OUTPUT, b"secret")
    job = aws.endpoint().submit(b"x")

    def decoder(content: bytes, _: str | None) -> int:
        return int(content)

    with pytest.raises(ResultCorrupt) as caught:
        job.result(decoder=decoder)

    assert str(caught.value) == f"the output {OUTPUT} cannot be decoded: its decoder raised ValueError"
    assert isinstance(caught.value.__cause__, ValueError)
    assert (b"secret", job) == (caught.value.content, caught.value.job)


def test_a_decoder_sees_outputs_only(aws: FakeAws) -> None:
    """Failures and ends of patience are raised as ever, and an empty output is corrupt before it."""

    def decoder(_: bytes, __: str | None) -> str:
        raise AssertionError

    job = aws.endpoint().submit(b"x")
    with pytest.raises(ResultTimeout):
        job.result(timeout=0, decoder=decoder)
    aws.put(FAILURE, b"no image")
    with pytest.raises(ModelError):
        job.result(decoder=decoder)
    aws.put(OUTPUT, b"")
    with pytest.raises(ResultCorrupt, match="is empty"):
        job.result(decoder=decoder)
