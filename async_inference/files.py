"""Writing local files so that nobody ever sees one half written."""

from __future__ import annotations

import re
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final
from uuid import uuid4

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import BinaryIO


_PART: Final = re.compile(r"\.[0-9a-f]{32}\.part")
_ABANDONED_SECONDS: Final = 3_600.0


@contextmanager
def replacement(path: Path) -> Iterator[BinaryIO]:
    """Open a new file beside ``path``, which takes its place once the context ends without an error.

    Raises:
        OSError: the file cannot be written.
    """
    # A short name of its own: the name of `path` may be as long as the file system allows.
    part = path.with_name(f".{uuid4().hex}.part")
    try:
        with part.open("xb") as file:
            yield file
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def remove_abandoned(directory: Path, now: float) -> None:
    """Remove what processes left half written that were killed in :func:`replacement`, below ``directory``.

    Args:
        directory: Where to look, in all folders.
        now: Seconds since the epoch; what was written to within the last hour may be somebody's work still.
    """
    for part in directory.rglob(".*.part"):
        # One that is gone by now is no leftover, and one that stays is in nobody's way.
        with suppress(OSError):
            if _PART.fullmatch(part.name) and part.stat().st_mtime < now - _ABANDONED_SECONDS:
                part.unlink()


def ignores_case(path: Path) -> bool:
    """Whether ``path``, which is there and has letters in its name, is also found under its name in capitals."""
    return path.with_name(path.name.upper()).exists()
