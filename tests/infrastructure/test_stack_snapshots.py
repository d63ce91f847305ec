"""One snapshot for each stage's stack, so that every change of a template is seen in review."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from syrupy.extensions.json import JSONSnapshotExtension

if TYPE_CHECKING:
    from syrupy.assertion import SnapshotAssertion

_ASSET = re.compile(r"[0-9a-f]{64}\.(zip|json)")


def _without_asset_hashes(data: Any, path: Any) -> Any:  # noqa: ANN401, ARG001 - syrupy's matcher
    return _ASSET.sub(r"<asset>.\1", data) if isinstance(data, str) else data


def test_template_is_as_reviewed(template: dict[str, Any], snapshot: SnapshotAssertion) -> None:
    """The template is the one that was reviewed, whatever the Lambda's code."""
    reviewed = snapshot(extension_class=JSONSnapshotExtension, matcher=_without_asset_hashes)

    assert reviewed == template
