"""The one folder below which a local cloud keeps files: artefacts of its containers, code of its functions."""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def state_folder() -> Iterator[Path]:
    """Make this process, and those that it starts, keep temporary files in one folder while the context lasts."""
    before = os.environ.get("TMPDIR")
    with tempfile.TemporaryDirectory(prefix=_prefix(os.getpid()), ignore_cleanup_errors=True) as folder:
        os.environ["TMPDIR"] = tempfile.tempdir = folder
        try:
            yield Path(folder)
        finally:
            tempfile.tempdir = None
            del os.environ["TMPDIR"]
            if before is not None:
                os.environ["TMPDIR"] = before


def remove_state_folder(pid: int) -> None:
    """Remove what a local cloud of this user left behind that did not end in order."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_prefix(pid)}*"):
        shutil.rmtree(folder, ignore_errors=True)


def _prefix(pid: int) -> str:
    return f"local-cloud-{pid}-"
