"""Writing local files so that nobody ever sees one half written."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING
from uuid import uuid4

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import BinaryIO


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
