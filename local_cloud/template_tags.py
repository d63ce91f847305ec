"""The ``Tags`` of a template's resource, and what an update has to change of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from local_cloud.template_schema import TemplateSchema

if TYPE_CHECKING:
    from local_cloud.json_api import Members

TAG: Final = TemplateSchema(properties={"Key": None, "Value": None}, required=("Key", "Value"))
"""What one tag of a template has."""


def tags(properties: Members) -> dict[str, str]:
    """Return the tags among a resource's properties."""
    return {tag["Key"]: str(tag["Value"]) for tag in properties.get("Tags") or ()}


def tag_changes(old: Members, new: Members) -> tuple[dict[str, str], list[str]]:
    """Return which tags to set and the keys of those to take away, so that tags that are not the template's stay.

    Args:
        old: the properties of the resource as it is.
        new: the properties that it shall have.
    """
    before, after = tags(old), tags(new)
    return {key: value for key, value in after.items() if before.get(key) != value}, sorted(before.keys() - after)
