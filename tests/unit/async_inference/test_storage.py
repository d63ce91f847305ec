"""The object store: listing, writing under a condition, what is known of an object, uploads in parts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ReadTimeoutError

from async_inference import EndpointUnavailable, InvalidRequest, PermissionDenied, RetryPolicy, S3Location, StoredObject
from async_inference.clients import UPLOAD_PART_BYTES
from async_inference.storage import AlreadyExists, ListedPage, ObjectChanged, ObjectStore
from async_inference.submitting import payloads
from tests.unit.async_inference.fake_aws import BUCKET, FakeAws, s3_error

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

LEASE = S3Location(BUCKET, "batches/b/lease.json")
SLOW_DOWN = s3_error(503, "SlowDown")
LOST = ReadTimeoutError(endpoint_url="https://s3")
CONFLICT = s3_error(409, "ConditionalRequestConflict")


@pytest.fixture
def store(aws: FakeAws) -> ObjectStore:
    """The store on these clients and this time."""
    return ObjectStore(aws.clients, retry=RetryPolicy(), clock=aws.time.clock)


def read(store: ObjectStore, location: S3Location) -> tuple[StoredObject, bytes]:
    """Return all of an object that is there."""
    found = store.get(location, lambda stored, body: (stored, body.read()))
    assert found is not None
    return found


def test_an_object_is_as_old_as_s3_says(aws: FakeAws, store: ObjectStore) -> None:
    """From S3's two moments alone, in whole seconds, and never younger than nothing."""
    aws.put(str(LEASE), b"{}")
    aws.time.advance(59.9)

    stored, _ = read(store, LEASE)

    assert (stored.age_seconds, stored.etag) == (59.0, aws.objects[str(LEASE)].etag)


def test_the_same_object_is_equal_however_old(aws: FakeAws, store: ObjectStore) -> None:
    """Its age is when it was asked for, not what it is."""
    aws.put(str(LEASE), b"{}")
    first, _ = read(store, LEASE)
    aws.time.advance(10)

    assert first == read(store, LEASE)[0]


def test_a_page_has_the_keys_of_its_prefix_in_order(aws: FakeAws, store: ObjectStore) -> None:
    """Of this bucket alone, whatever characters they have, after the key that was named."""
    for key in ("output/b/a", "output/b/ä +%", "output/b/z", "output/c", "output/b"):
        aws.put(f"s3://{BUCKET}/{key}", b"x")
    aws.put("s3://another/output/b/x", b"x")

    assert ListedPage(("output/b/a", "output/b/z", "output/b/ä +%"), False) == store.list_page(BUCKET, "output/b/")  # noqa: FBT003 - a field
    assert store.list_page(BUCKET, "output/b/", start_after="output/b/m").keys == ("output/b/z", "output/b/ä +%")
    assert store.list_page(BUCKET, "elsewhere/").keys == ()
    assert aws.operations() == ["ListObjectsV2"] * 3


def test_a_page_ends_after_a_thousand_keys(aws: FakeAws, store: ObjectStore) -> None:
    """And says that there are more."""
    keys = [f"output/{number:04}" for number in range(1_001)]
    for key in keys:
        aws.put(f"s3://{BUCKET}/{key}", b"x")

    first = store.list_page(BUCKET, "output/")
    rest = store.list_page(BUCKET, "output/", start_after=first.keys[-1])

    assert (first.is_truncated, rest.is_truncated) == (True, False)
    assert keys == [*first.keys, *rest.keys]


def test_listing_is_repeated_where_it_may_pass(aws: FakeAws, store: ObjectStore) -> None:
    """At the retry policy's pace, until the moment that the caller names."""
    aws.fail("ListObjectsV2", SLOW_DOWN, LOST)
    store.list_page(BUCKET, "")
    assert aws.time.slept == [0.5, 1.0]

    aws.fail("ListObjectsV2", *[SLOW_DOWN] * 9)
    with pytest.raises(EndpointUnavailable, match=rf"^s3:ListBucket on bucket {BUCKET} failed with SlowDown"):
        store.list_page(BUCKET, "", until=aws.time.monotonic + 2)


def test_a_refused_listing_names_the_action(aws: FakeAws, store: ObjectStore) -> None:
    """And the bucket."""
    aws.fail("ListObjectsV2", s3_error(403, "AccessDenied", "Access Denied"))

    with pytest.raises(PermissionDenied) as caught:
        store.list_page(BUCKET, "")

    assert (caught.value.action, caught.value.resource) == ("s3:ListBucket", f"bucket {BUCKET}")


def test_an_object_is_created_once(aws: FakeAws, store: ObjectStore) -> None:
    """The second to come is told, and changes nothing."""
    etag = store.create(LEASE, b"first", content_type="application/json")

    with pytest.raises(AlreadyExists):
        store.create(LEASE, b"second", content_type="application/json")

    stored, content = read(store, LEASE)
    assert (stored.etag, stored.content_type, content) == (etag, "application/json", b"first")
    assert aws.requests[0].headers["if-none-match"] == "*"


def test_an_object_is_replaced_by_whoever_knows_it(aws: FakeAws, store: ObjectStore) -> None:
    """Who read it before the last change is told, as is who comes after it was deleted."""
    old = store.create(LEASE, b"1", content_type="text/plain")
    new = store.replace(LEASE, b"2", etag=old, content_type="text/plain")

    with pytest.raises(ObjectChanged):
        store.replace(LEASE, b"3", etag=old, content_type="text/plain")

    assert (new, b"2") == (read(store, LEASE)[0].etag, read(store, LEASE)[1])
    aws.objects.clear()
    with pytest.raises(ObjectChanged):
        store.replace(LEASE, b"3", etag=new, content_type="text/plain")


CONDITIONAL_WRITES: list[Callable[[ObjectStore], str]] = [
    lambda store: store.create(LEASE, b"2", content_type="text/plain"),
    lambda store: store.replace(LEASE, b"2", etag='"1"', content_type="text/plain"),
]


@pytest.mark.parametrize("fault", [SLOW_DOWN, LOST, CONFLICT])
def test_a_conditional_write_is_repeated_where_it_may_pass(aws: FakeAws, store: ObjectStore, fault: Any) -> None:  # noqa: ANN401 - either kind
    """Conflicts with a write that was under way included."""
    aws.fail("PutObject", fault)

    store.create(LEASE, b"1", content_type="text/plain")

    assert (aws.operations(), aws.time.slept) == (["PutObject"] * 2, [0.5])


@pytest.mark.parametrize("write", CONDITIONAL_WRITES)
def test_a_conditional_write_that_cannot_succeed_is_told_in_this_librarys_words(
    aws: FakeAws, store: ObjectStore, write: Callable[[ObjectStore], str]
) -> None:
    """With the action and the object."""
    aws.fail("PutObject", s3_error(403, "AccessDenied", "Access Denied"), *[SLOW_DOWN] * 100)

    with pytest.raises(PermissionDenied, match=rf"^AWS does not allow s3:PutObject on {LEASE}"):
        write(store)
    with pytest.raises(EndpointUnavailable, match=rf"^s3:PutObject on {LEASE} failed with SlowDown"):
        write(store)


def test_a_write_whose_answer_was_lost_looks_like_another_writers(aws: FakeAws, store: ObjectStore) -> None:
    """Whose it is can be seen by reading it."""
    aws.put(str(LEASE), b"mine")
    aws.fail("PutObject", LOST)

    with pytest.raises(AlreadyExists):
        store.create(LEASE, b"mine", content_type="text/plain")

    assert read(store, LEASE)[1] == b"mine"


class Trickle:
    """A stream that can be read but once."""

    def __init__(self, content: bytes, error: Exception | None = None) -> None:
        self._content = content
        self._error = error

    def read(self, size: int = -1, /) -> bytes:
        """Return the next bytes, and fail at the end."""
        size = len(self._content) if size < 0 else size
        taken, self._content = self._content[:size], self._content[size:]
        if not taken and self._error:
            raise self._error
        return taken


@pytest.mark.parametrize("size", [1, UPLOAD_PART_BYTES - 1, UPLOAD_PART_BYTES, 2 * UPLOAD_PART_BYTES + 1])
def test_a_stream_is_uploaded_whole(store: ObjectStore, size: int) -> None:
    """In one piece or in parts."""
    content = bytes(range(251)) * (size // 251 + 1)

    store.put(Trickle(content[:size]), LEASE, content_type="image/png")

    stored, uploaded = read(store, LEASE)
    assert stored.content_type == "image/png"
    assert content[:size] == uploaded


@pytest.mark.parametrize("size", [0, 1, UPLOAD_PART_BYTES, 3 * UPLOAD_PART_BYTES])
def test_an_upload_whose_stream_fails_is_given_up(aws: FakeAws, store: ObjectStore, size: int) -> None:
    """The stream's own error passes; nothing appears and no part stays behind, which would cost for ever."""
    with pytest.raises(ZeroDivisionError):
        store.put(Trickle(b"x" * size, ZeroDivisionError()), LEASE, content_type=None)

    assert (aws.objects, aws.uploads) == ({}, {})


def test_a_file_that_vanishes_meanwhile_is_refused(aws: FakeAws, store: ObjectStore, tmp_path: Path) -> None:
    """As others are, not by an error of the operating system's."""
    page = tmp_path / "page.png"
    page.write_bytes(b"x")
    prepared = payloads.prepare(page)
    page.unlink()
    problem = rf"^payload: cannot read {page}: No such file or directory"

    with pytest.raises(InvalidRequest, match=problem):
        prepared.inline()
    with pytest.raises(InvalidRequest, match=problem):
        store.put(page, LEASE, content_type=None)

    assert aws.requests == []
