"""This project's client sends a large payload and fetches an answer as large, and says what memory that took."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from async_inference import AsyncEndpoint, EndpointConfiguration, PollingPolicy

if TYPE_CHECKING:
    from typing import Any


class OneWay:
    """A file that can only be read or written on, as a pipe: it cannot be set back, and gives a little at a time."""

    def __init__(self, file: Any) -> None:  # noqa: ANN401 - any file
        self._file = file

    def read(self, size: int = -1, /) -> bytes:
        """Return the next few bytes."""
        content: bytes = self._file.read(min(size, 65_536) if size >= 0 else 65_536)
        return content

    def write(self, content: bytes, /) -> int:
        """Take all of the content."""
        size: int = self._file.write(content)
        return size

    def writable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is not."""
        return False


def peak_bytes() -> int:
    """Return the most memory that this process has had so far, as Linux counts it."""
    lines = Path("/proc/self/status").read_text().splitlines()
    kibibytes = next(line.split()[1] for line in lines if line.startswith("VmHWM:"))
    return int(kibibytes) * 1024


def main(kind: str, sent: Path, received: Path) -> None:
    """Send the file ``sent``, as a path or as a stream, and write what is answered to ``received``, likewise."""
    configuration = EndpointConfiguration.from_json(sys.stdin.read())
    polling = PollingPolicy(initial_seconds=0.1, factor=1.5, maximum_seconds=1.0)
    endpoint = AsyncEndpoint(configuration, polling=polling)
    before = peak_bytes()
    start = time.monotonic()
    with sent.open("rb") as source, received.open("wb") as target:
        job = endpoint.submit(sent if kind == "file" else OneWay(source))
        submitted = time.monotonic()
        job.locate()
        answered = time.monotonic()
        to: Any = received if kind == "file" else OneWay(target)
        job.download(to)
    said = {
        "growth_mebibytes": (peak_bytes() - before) / 1024 / 1024,
        "submit_seconds": submitted - start,
        "download_seconds": time.monotonic() - answered,
    }
    json.dump(said, sys.stdout)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
