"""The real model server as a process, on real pages: what SageMaker would see of the container."""

from __future__ import annotations

import contextlib
import http.client
import importlib.util
import json
import os
import re
import signal
import socket
import struct
import subprocess
import time
import zlib
from concurrent import futures
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

REPOSITORY = Path(__file__).parents[2]
PYTHON = REPOSITORY / ".venv-model-server" / "bin" / "python"
START_SECONDS = 60
PING_SECONDS = 2
"""How long SageMaker waits for an answer to a health check."""

PAGE_LINES = [
    "Region-based segmentation",
    "Let us first determine markers of the coins and the",
    "background. These markers are pixels that we can label",
    "unambiguously as either object or background. Here,",
    "the markers are found at the two extreme parts of the",
    "histogram of grey values:",
    "markers = np.zeros_like(coins)",
]


# Other forms of the same page, made where Pillow is installed.
MAKE_VARIANTS = """
import sys
from PIL import Image, ImageChops
page = Image.open(sys.argv[1]).convert("L")
page.convert("I").point(lambda value: value * 257).convert("I;16").save("16-bit.png")
ink = Image.new("L", page.size, 0)
Image.merge("LA", (ink, ImageChops.invert(page))).save("transparent.png")
orientation = Image.Exif()
orientation[0x0112] = 3
page.rotate(180).save("upside-down.jpg", exif=orientation, quality=95)
dot = Image.new("1", (1, 1))
dot.save("101-pages.tif", save_all=True, append_images=[dot] * 100)
"""


@dataclass(frozen=True)
class Answer:
    """An HTTP response, read to its end."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def document(self) -> Any:  # noqa: ANN401 - JSON
        """The body, decoded."""
        return json.loads(self.body)


@dataclass(frozen=True)
class Server:
    """A running model server."""

    process: subprocess.Popen[bytes]
    port: int
    log: Path

    def request(self, method: str, path: str, body: bytes | None = None, **headers: str) -> Answer:
        """Send a request; underscores in header names stand for hyphens."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        with contextlib.closing(connection):
            connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
            response = connection.getresponse()
            return Answer(response.status, dict(response.headers), response.read())

    def invoke(self, body: bytes, content_type: str = "image/png", **headers: str) -> Answer:
        """Send an invocation."""
        return self.request("POST", "/invocations", body, Content_Type=content_type, **headers)

    def log_lines(self) -> list[dict[str, Any]]:
        """Return what the server has logged."""
        return [json.loads(line) for line in self.log.read_text().splitlines()]


def command() -> list[str]:
    """Return what the image runs, with this checkout's Python."""
    dockerfile = (REPOSITORY / "model_server" / "Dockerfile").read_text()
    (entry_point,) = re.findall(r"^ENTRYPOINT (.+)$", dockerfile, re.MULTILINE)
    return [str(PYTHON), *json.loads(entry_point)[1:], "serve"]


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def wait_until_ready(server: Server) -> None:
    """Ask for health, as SageMaker does, until the answer is good."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        assert server.process.poll() is None, server.log.read_text()
        with contextlib.suppress(ConnectionError):
            assert server.request("GET", "/ping").status == 200
            return
        time.sleep(0.05)
    pytest.fail(f"no health check passed within {START_SECONDS} s: {server.log.read_text()}")


@contextlib.contextmanager
def running(folder: Path) -> Iterator[Server]:
    """Start a model server, wait for its health, and end it."""
    port, log = free_port(), folder / "log"
    environment = os.environ | {"SAGEMAKER_BIND_TO_PORT": str(port)}
    with (
        log.open("wb") as output,
        subprocess.Popen(command(), cwd=REPOSITORY, env=environment, stdout=output, stderr=output) as process,
    ):
        try:
            server = Server(process, port, log)
            wait_until_ready(server)
            yield server
        finally:
            process.kill()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for all tests that leave it as it was."""
    with running(tmp_path_factory.mktemp("model-server")) as server:
        yield server


@pytest.fixture(scope="module")
def page(server: Server) -> Answer:
    """What the server answers to a scanned page."""
    return server.invoke(sample("page.png"), X_Amzn_SageMaker_Inference_Id="page-1")


@pytest.fixture(scope="module")
def variants(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with other forms of the page."""
    folder = tmp_path_factory.mktemp("variants")
    (folder / "page.png").write_bytes(sample("page.png"))
    subprocess.run([PYTHON, "-c", MAKE_VARIANTS, "page.png"], cwd=folder, check=True)
    return folder


def sample(name: str) -> bytes:
    """Return a picture that scikit-image ships, without importing it: its dependencies are not installed."""
    spec = importlib.util.find_spec("skimage")
    assert spec is not None
    assert spec.origin is not None
    return (Path(spec.origin).parent / "data" / name).read_bytes()


def png_chunk(kind: bytes, data: bytes) -> bytes:
    """Return a chunk of a PNG file."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def test_page(page: Answer) -> None:
    """A scanned page comes back as its lines, in order, each with its place on the page."""
    assert (page.status, page.headers["Content-Type"]) == (200, "application/json")
    assert [line["text"] for line in page.document["lines"]] == PAGE_LINES
    assert "\n".join(PAGE_LINES) == page.document["text"]
    assert page.document["pages"] == [{"width": 384, "height": 191}]
    for line in page.document["lines"]:
        assert 0.9 < line["confidence"] <= 1
        assert line["page"] == 1
        assert all(0 <= x <= 384 and 0 <= y <= 191 for x, y in line["box"])


def test_handwritten_formula(server: Server) -> None:
    """A picture without printed text is not an error: its text is empty."""
    answer = server.invoke(sample("text.png"))

    assert answer.status == 200
    assert answer.document == {"text": "", "lines": [], "pages": [{"width": 448, "height": 172}]}


def test_jpeg(server: Server) -> None:
    """JPEG is read too, and the bytes decide, not the content type."""
    answer = server.invoke(sample("hubble_deep_field.jpg"), "application/octet-stream")

    assert answer.status == 200
    assert answer.document["pages"] == [{"width": 1000, "height": 872}]


def test_every_page_of_a_tiff(server: Server) -> None:
    """No page of a document is left out."""
    answer = server.invoke(sample("multipage.tif"), "image/tiff")

    assert answer.status == 200
    assert answer.document["pages"] == [{"width": 10, "height": 15}, {"width": 10, "height": 15}]


@pytest.mark.parametrize("name", ["16-bit.png", "transparent.png", "upside-down.jpg"])
def test_forms_of_a_page(server: Server, variants: Path, name: str) -> None:
    """Depth, transparency and a camera held upside down do not change what is read."""
    answer = server.invoke((variants / name).read_bytes())

    assert [line["text"] for line in answer.document["lines"]] == PAGE_LINES


def test_too_many_pages(server: Server, variants: Path) -> None:
    """A document with more pages than anybody would wait for is refused before the first one is read."""
    answer = server.invoke((variants / "101-pages.tif").read_bytes(), "image/tiff")

    assert answer.status == 413
    assert answer.document == {"error": "the document has more than 100 pages: send it in parts"}


@pytest.mark.parametrize(
    "content", [b"%PDF-1.7 no image", sample("page.png")[:20_000], sample("no_time_for_that_tiny.gif")]
)
def test_broken_document(server: Server, content: bytes) -> None:
    """What is no image, half an image or another kind of image is the caller's fault and says so."""
    answer = server.invoke(content)

    assert answer.status == 400
    assert answer.document == {"error": "the body cannot be decoded: send an undamaged PNG, JPEG or TIFF image"}


def test_decompression_bomb(server: Server) -> None:
    """A small file that would become 30 gigabytes is refused by its header."""
    header = struct.pack(">IIBBBBB", 100_000, 100_000, 8, 2, 0, 0, 0)
    content = b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", header) + png_chunk(b"IDAT", zlib.compress(bytes(1_000_000)))

    answer = server.invoke(content)

    assert answer.status == 413
    assert answer.document == {"error": "a page has more than 80000000 pixels: scan it at a lower resolution"}


def test_unsupported_content_type(server: Server) -> None:
    """A content type that is no image is refused."""
    assert server.invoke(b"a,b", "text/csv").status == 415


def test_chunked_request(server: Server) -> None:
    """A body of undeclared length is read too, and answered with a length."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    with contextlib.closing(connection):
        connection.request("POST", "/invocations", iter([sample("text.png")]), {"Content-Type": "image/png"})
        response = connection.getresponse()
        body = response.read()

    assert (200, str(len(body))) == (response.status, response.headers["Content-Length"])


def test_ping_while_busy(server: Server) -> None:
    """Health checks are answered in time while more documents are here than the server works on at once."""
    durations = []
    with futures.ThreadPoolExecutor(2) as callers:
        invocations = [callers.submit(server.invoke, sample("page.png")) for _ in range(2)]
        while futures.wait(invocations, timeout=0.2).not_done:
            started = time.monotonic()
            assert server.request("GET", "/ping").status == 200
            durations.append(time.monotonic() - started)

    assert [invocation.result().status for invocation in invocations] == [200, 200]
    assert max(durations) < PING_SECONDS


def test_log(server: Server, page: Answer) -> None:
    """The log has one line for an invocation, and not a word of the page."""
    (line,) = [line for line in server.log_lines() if line.get("inference_id") == "page-1"]

    assert ("invocation", page.status, len(sample("page.png"))) == (line["message"], line["status"], line["bytes"])
    assert "markers" not in server.log.read_text()


def test_stop(tmp_path: Path) -> None:
    """SIGTERM lets the invocations that are here finish, then the process ends in peace."""
    with running(tmp_path) as server, futures.ThreadPoolExecutor(2) as callers:
        invocations = [callers.submit(server.invoke, sample("page.png")) for _ in range(2)]
        # While one page was read, the other one has arrived and waits.
        futures.wait(invocations, return_when=futures.FIRST_COMPLETED)
        server.process.send_signal(signal.SIGTERM)

        assert [invocation.result().status for invocation in invocations] == [200, 200]
        assert server.process.wait(timeout=30) == 0
        assert server.log_lines()[-1]["message"] == "stopped"


def test_refused_settings() -> None:
    """A setting that cannot work ends the start with one line."""
    environment = os.environ | {"SAGEMAKER_BIND_TO_PORT": "http"}
    run = subprocess.run(command(), cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=False)

    expected = "model_server: SAGEMAKER_BIND_TO_PORT is 'http': set a whole number from 1 to 65535\n"
    assert (1, "", expected) == (run.returncode, run.stdout, run.stderr)


def test_port_in_use(server: Server) -> None:
    """A port that is taken ends the start with one line."""
    environment = os.environ | {"SAGEMAKER_BIND_TO_PORT": str(server.port)}
    run = subprocess.run(command(), cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=False)

    expected = f"model_server: cannot listen on 127.0.0.1:{server.port}: Address already in use\n"
    assert (1, expected) == (run.returncode, run.stderr)
