"""A model container that answers with as many bytes as it got: the same ones."""

from __future__ import annotations

import os
import sys
import tempfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final

CHUNK_BYTES: Final = 1024 * 1024


class Handler(BaseHTTPRequestHandler):
    """The container contract."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer ``/ping``."""
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_POST(self) -> None:
        """Answer ``/invocations``; by way of a file, since who sends all first reads nothing meanwhile."""
        size = int(self.headers["Content-Length"])
        with tempfile.TemporaryFile() as file:
            for left in range(size, 0, -CHUNK_BYTES):
                file.write(self.rfile.read(min(left, CHUNK_BYTES)))
            file.seek(0)
            self.send_response(200)
            self.send_header("Content-Type", "application/octet-stream")
            self.send_header("Content-Length", str(size))
            self.end_headers()
            while chunk := file.read(CHUNK_BYTES):
                self.wfile.write(chunk)

    def log_message(self, *_arguments: object) -> None:
        """Say nothing."""


def main() -> int:
    """Serve until stopped."""
    address = (os.environ["MODEL_SERVER_HOST"], int(os.environ["SAGEMAKER_BIND_TO_PORT"]))
    ThreadingHTTPServer(address, Handler).serve_forever()
    return 0


if __name__ == "__main__":
    sys.exit(main())
