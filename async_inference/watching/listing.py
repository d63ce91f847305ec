"""Which of many objects are there, for a fraction of a request each.

A LIST of S3 tells of a thousand keys at a time. The keys that are looked for may be dense, in a folder of their own, or
scattered over a folder that others fill too: nobody knows where SageMaker puts the failures of requests that name
their outputs. So the listing skips: it starts just before the first key that is looked for, and goes on, after each
page, just before the next one that the page did not cover. That takes at most as many requests as there are
pages, and at most one for each key.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from async_inference.locations import S3Location

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from async_inference.storage import ObjectStore


class Found(NamedTuple):
    """What a look at many locations came to."""

    locations: set[S3Location]
    requests: int


def find(objects: ObjectStore, wanted: Iterable[S3Location], *, until: float = math.inf) -> Found:
    """Return those of ``wanted`` that are there, and how many requests it took.

    Args:
        objects: Where to look.
        wanted: Any number of locations, in any buckets and folders.
        until: When to stop retrying, by the monotonic clock.

    Raises:
        PermissionDenied: listing was refused.
        EndpointUnavailable: S3 could not be asked.
    """
    folders: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    for location in wanted:
        folders[location.bucket, location.key[: location.key.rfind("/") + 1]].add(location.key)
    locations: set[S3Location] = set()
    requests = 0
    for (bucket, folder), keys in folders.items():
        for page in _pages(objects, bucket, folder, sorted(keys), until):
            locations.update(S3Location(bucket, key) for key in keys.intersection(page))
            requests += 1
    return Found(locations, requests)


def _pages(objects: ObjectStore, bucket: str, folder: str, keys: list[str], until: float) -> Iterator[tuple[str, ...]]:
    """Yield pages of the folder until they cover the sorted ``keys``."""
    start_after, covered = "", 0
    while covered < len(keys):
        page = objects.list_page(bucket, folder, start_after=max(start_after, _just_before(keys[covered])), until=until)
        yield page.keys
        if not page.is_truncated or not page.keys:
            break
        # Python orders texts as S3 does: by code point is by the bytes of UTF-8.
        start_after = page.keys[-1]
        covered = bisect_right(keys, start_after)


def _just_before(key: str) -> str:
    """Return a text after which ``key`` comes soon: S3 lists what comes after a text, not what starts with it."""
    last = key[-1]
    return key[:-1] + chr(ord(last) - 1) if "!" < last <= "~" else key[:-1]
