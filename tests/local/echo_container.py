"""A model container of the standard library alone, which answers with what it got.

The content of a request may ask for another answer: ``fail 400`` for that status with a raw body, ``die`` to end the
process in the middle of the invocation, ``work 5`` for so many seconds of work, ``meet a 2 5`` for an error unless 2
invocations of group ``a`` are worked on at a time within 5 seconds, ``dribble 5`` for a response that takes so many
seconds, ``freeze`` to answer nothing any more, ``/ping`` included, ``say hello`` to write to standard output,
``large 200000`` for so many bytes, ``environment`` for the process's variables, ``read weights.txt`` for a file of the
model, ``zip`` for a compressed response, ``chunked`` for a response without a Content-Length. The custom attributes
``idle 5`` let it wait so many seconds before it reads the content. With
``STUBBORN`` in its environment it takes no notice of SIGTERM. Started with the argument ``broken``, it answers 500 to
every invocation, at once.
"""

from __future__ import annotations

import gzip
import json
import os
import signal
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

DRIBBLE_INTERVAL_SECONDS = 0.05

is_frozen = threading.Event()
thawed = threading.Event()
barriers: dict[str, threading.Barrier] = {}


def meet(group: str, parties: int, seconds: float) -> bool:
    """Return whether so many invocations of a group are here at a time."""
    barrier = barriers.setdefault(group, threading.Barrier(parties))
    try:
        barrier.wait(seconds)
    except threading.BrokenBarrierError:
        return False
    return True


class Handler(BaseHTTPRequestHandler):
    """The container contract."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer ``/ping``."""
        if is_frozen.is_set():
            thawed.wait()
        self._answer(200 if self.path == "/ping" else 404, b"")

    def do_POST(self) -> None:
        """Answer ``/invocations``."""
        if sys.argv[1:] == ["broken"]:
            self.rfile.read(int(self.headers["Content-Length"]))
            self._answer(500, b"broken")
            return
        match self.headers.get("X-Amzn-SageMaker-Custom-Attributes", "").split():
            case ["idle", seconds]:
                time.sleep(float(seconds))
        body = self.rfile.read(int(self.headers["Content-Length"]))
        match body.decode(errors="replace").split():
            case ["fail", status]:
                self._answer(int(status), b"raw \xff error", "application/octet-stream")
            case ["die"]:
                os._exit(1)
            case ["work", seconds]:
                time.sleep(float(seconds))
                self._answer(200, b"done")
            case ["meet", group, parties, seconds]:
                met = meet(group, int(parties), float(seconds))
                self._answer(200 if met else 503, b"met" if met else b"alone")
            case ["dribble", seconds]:
                self._dribble(round(float(seconds) / DRIBBLE_INTERVAL_SECONDS))
            case [*words]:
                self._do_more(words, body)

    def _do_more(self, words: list[str], body: bytes) -> None:
        match words:
            case ["freeze"]:
                is_frozen.set()
                thawed.wait()
            case ["say", *words]:
                print(*words, flush=True)  # noqa: T201 - what a container writes
                self._answer(200, b"said")
            case ["large", size]:
                self._answer(200, b"x" * int(size))
            case ["environment"]:
                self._answer(200, json.dumps(dict(os.environ)).encode(), "application/json")
            case ["read", name]:
                self._answer(200, (Path(os.environ["SAGEMAKER_BASE_DIR"]) / "model" / name).read_bytes())
            case ["zip"]:
                self.send_response(200)
                self.send_header("Content-Encoding", "gzip")
                self._end(gzip.compress(b"plain"))
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
        text = body.decode(errors="replace")
        return json.dumps({"body": text, "headers": headers, "greeting": greeting, "process": os.getpid()}).encode()

    def _dribble(self, length: int) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(length))
        self.end_headers()
        for _ in range(length):
            time.sleep(DRIBBLE_INTERVAL_SECONDS)
            try:
                self.wfile.write(b"x")
            except ConnectionError:
                return

    def _answer(self, status: int, content: bytes, content_type: str = "text/plain") -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self._end(content)

    def _end(self, content: bytes) -> None:
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_arguments: object) -> None:
        """Say nothing."""


def main() -> int:
    """Serve until stopped."""
    if "STUBBORN" in os.environ:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    address = (os.environ["MODEL_SERVER_HOST"], int(os.environ["SAGEMAKER_BIND_TO_PORT"]))
    ThreadingHTTPServer(address, Handler).serve_forever()
    return 0


if __name__ == "__main__":
    sys.exit(main())
