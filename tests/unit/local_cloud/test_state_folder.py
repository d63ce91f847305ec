"""A local cloud keeps its files below one folder, which goes with it."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest

from local_cloud.state_folder import remove_state_folder, state_folder


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder for temporary files."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return tmp_path


def test_temporary_files_are_in_the_folder_and_go_with_it(temporary: Path) -> None:
    """Those of this process and, by the environment, of its children; afterwards all is as before."""
    with state_folder() as folder:
        assert folder.parent == temporary
        assert Path(tempfile.mkdtemp()).parent == folder
        assert os.environ["TMPDIR"] == str(folder)
    assert list(temporary.iterdir()) == []
    assert tempfile.gettempdir() == os.environ["TMPDIR"] == str(temporary)


def test_what_a_dead_local_cloud_left_is_removed(temporary: Path) -> None:
    """And nothing of another one."""
    for name in ("local-cloud-12-a/instance", "local-cloud-123-b", "other"):
        (temporary / name).mkdir(parents=True)
    remove_state_folder(12)
    assert sorted(path.name for path in temporary.iterdir()) == ["local-cloud-123-b", "other"]
