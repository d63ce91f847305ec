"""What is known of the caller's file system."""

from __future__ import annotations

from typing import TYPE_CHECKING

from async_inference.files import ignores_case

if TYPE_CHECKING:
    from pathlib import Path


def test_whether_case_counts_is_found_out_with_a_file_that_is_there(tmp_path: Path) -> None:
    """By asking for it in capitals."""
    (tmp_path / ".marker").touch()
    probe = tmp_path / ".MARKER"
    same_file = probe.exists()

    assert ignores_case(tmp_path / ".marker") == same_file
    probe.touch()
    assert ignores_case(tmp_path / ".marker")
