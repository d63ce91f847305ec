"""What an update changes of a resource's tags."""

from __future__ import annotations

from typing import Any

import pytest

from local_cloud.template_tags import tag_changes


def tagged(**tags: str) -> dict[str, Any]:
    """Return a resource's properties."""
    return {"Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}


@pytest.mark.parametrize(
    ("old", "new", "changes"),
    [
        ({}, {}, ({}, [])),
        ({}, tagged(a="1"), ({"a": "1"}, [])),
        (tagged(a="1"), tagged(a="1"), ({}, [])),
        (tagged(a="1", b="2", c="3"), tagged(a="9", b="2"), ({"a": "9"}, ["c"])),
        (tagged(a="1"), {}, ({}, ["a"])),
    ],
)
def test_an_update_changes_the_tags_that_the_template_changes(
    old: dict[str, Any], new: dict[str, Any], changes: tuple[dict[str, str], list[str]]
) -> None:
    """What is the same stays, so that tags from elsewhere are nobody's business."""
    assert tag_changes(old, new) == changes
