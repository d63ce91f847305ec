"""What a child process wrote last, which is where programs say why they ended."""

from __future__ import annotations

import os
from typing import IO, Final

_TAIL_BYTES: Final = 2_000


def tail(output: IO[bytes]) -> str:
    """Return the end of what a child process wrote into ``output``, a file that it may still be writing into."""
    # The child shares the file's position: to seek would move where it writes.
    size = os.fstat(output.fileno()).st_size
    return os.pread(output.fileno(), _TAIL_BYTES, max(0, size - _TAIL_BYTES)).decode(errors="replace").strip()
