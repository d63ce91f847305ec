"""Settings that the pages show are settings: whoever copies them gets an endpoint, not a refusal."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from constructs_lib.payload_store import InputBucket
from stacks import stages
from stacks.settings import StageSettings

REPOSITORY = Path(__file__).resolve().parents[2]
PAGES = ("README.md", "docs/data.md", "docs/updates.md", "docs/your-container.md")
BLOCKS = [
    (page, block)
    for page in PAGES
    for block in re.findall(r"^```python\n(.*?)^```", (REPOSITORY / page).read_text(), re.MULTILINE | re.DOTALL)
    if re.search(r"(Settings|Model)\(", block)
]


def evaluated(block: str) -> list[object]:
    """Run a block as part of the settings file and return the settings that its functions make."""
    names = vars(stages) | {"InputBucket": InputBucket}
    made: dict[str, object] = {}
    exec(block, names, made)  # noqa: S102 - the project's own pages
    return [each() for each in made.values() if callable(each)]


@pytest.mark.parametrize(("page", "block"), BLOCKS)
def test_settings_of_the_pages_are_taken(page: str, block: str) -> None:
    """None is refused, neither by Python nor by the settings' own checks."""
    assert all(isinstance(made, StageSettings) for made in evaluated(block)), page


def test_the_settings_are_found() -> None:
    """The check can fail: each page shows some, and a value in brackets is refused."""
    assert {page for page, _ in BLOCKS} == set(PAGES)
    with pytest.raises(ValueError, match="bucket_name"):
        evaluated(BLOCKS[0][1].replace("max_job_seconds=1800", 'bucket_name=("our-bucket",)'))
