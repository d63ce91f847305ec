"""Looking for many objects: nothing is missed, and no more is asked than needed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from async_inference import S3Location
from async_inference.storage import ListedPage
from async_inference.watching.listing import find

if TYPE_CHECKING:
    from collections.abc import Iterable


PAGE = 3
NAMES = st.text(alphabet="ab/!~é\U0001f600\ue000", min_size=1, max_size=4)


class Bucket:
    """A bucket whose pages are short."""

    def __init__(self, keys: Iterable[str]) -> None:
        self.keys = sorted(keys, key=str.encode)
        self.requests = 0

    def list_page(self, _bucket: str, prefix: str, *, start_after: str = "", until: float) -> ListedPage:
        """Return one page, as S3 does."""
        assert until > 0
        self.requests += 1
        found = [key for key in self.keys if key.startswith(prefix) and key.encode() > start_after.encode()]
        return ListedPage(tuple(found[:PAGE]), len(found) > PAGE)


def look(bucket: Bucket, wanted: Iterable[str]) -> tuple[set[str], int]:
    """Return which keys are there and how many requests it took."""
    found = find(bucket, [S3Location("bucket", key) for key in wanted])  # type: ignore[arg-type]
    return {location.key for location in found.locations}, found.requests


@given(st.sets(NAMES), st.sets(NAMES))
def test_what_is_there_is_found_and_nothing_else(there: set[str], wanted: set[str]) -> None:
    """Wherever it lies, and whatever lies around it."""
    bucket = Bucket(there)

    found, requests = look(bucket, wanted)

    assert found == there & wanted
    assert requests == bucket.requests


@given(st.sets(st.integers(0, 99)), st.sets(st.integers(0, 99), min_size=1))
def test_it_takes_a_request_for_each_page_or_for_each_key_at_most(there: set[int], wanted: set[int]) -> None:
    """Whichever is less, among names of one length."""
    _, requests = look(Bucket(f"output/{one:02}" for one in there), (f"output/{one:02}" for one in wanted))

    pages = max(1, -(-len(there) // PAGE))
    assert requests <= min(pages, len(wanted))


def test_what_lies_before_and_between_is_skipped() -> None:
    """Two requests for two keys among thousands."""
    bucket = Bucket(f"output/{number:05}" for number in range(10_000))

    assert look(bucket, ["output/00500", "output/09000"]) == ({"output/00500", "output/09000"}, 2)


def test_nothing_wanted_costs_nothing() -> None:
    """No request."""
    assert look(Bucket(["a"]), []) == (set(), 0)
