"""A model container of the standard library alone, which answers with what it got.

The content of a request may ask for another answer: ``fail 400`` for that status with a raw body, ``die`` to end the
process in the middle of the invocation, ``work a 5`` for so many seconds of work and then the largest number
of invocations of group ``a`` that were worked on at a time, ``chunked`` for a response without a Content-Length.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections import defaultdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

workers: defaultdict[str, list[int]] = defaultdict(lambda: [0])


def work(group: str, seconds: float) -> int:
    """Work for so long and return how many of a group worked at a time at most."""
    counts = workers[group]
    counts.append(counts[-1] + 1)
    time.sleep(seconds)
    counts.append(counts[-1] - 1)
    return max(counts)


class Handler(BaseHTTPRequestHandler):
    """The container contract."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer ``/ping``."""
        self._answer(200 if self.path == "/ping" else 404, b"")

    def do_POST(self) -> None:
        """Answer ``/invocations``."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        match body.decode(errors="replace").split():
            case ["fail", status]:
                self._answer(int(status), b"raw \xff error", "application/octet-stream")
            case ["die"]:
                os._exit(1)
            case ["work", group, seconds]:
                self._answer(200, str(work(group, float(seconds))).encode())
            case ["chunked"]:
                self.send_response(200)
                self.send_header("Transfer-Encoding", "chunked")
                self.end_headers()
                self.wfile.write(b"2\r\nok\r\n0\r\n\r\n")
            case _:
                self._answer(200, self._echo(body), "application/json")

    def _echo(self, body: bytes) -> bytes:
        headers = {name.lower(): value for name, value in self.headers.items()}
        greeting = os.environ.get("GREETING")
        return json.dumps({"body": body.decode(errors="replace"), "headers": headers, "greeting": greeting}).encode()

    def _answer(self, status: int, content: bytes, content_type: str = "text/plain") -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_arguments: object) -> None:
        """Say nothing."""


def main() -> int:
    """Serve until stopped."""
    address = (os.environ["MODEL_SERVER_HOST"], int(os.environ["SAGEMAKER_BIND_TO_PORT"]))
    ThreadingHTTPServer(address, Handler).serve_forever()
    return 0


if __name__ == "__main__":
    sys.exit(main())
