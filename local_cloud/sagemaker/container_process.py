"""The program that stands for a container: started, asked, stopped."""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import IO, TYPE_CHECKING, Final

import urllib3

from local_cloud.container_commands import REPOSITORY
from local_cloud.loopback import free_port
from local_cloud.sagemaker.container_specification import ContainerError
from local_cloud.sagemaker.outcome import Outcome, no_response_outcome, response_outcome
from local_cloud.tail import tail

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from local_cloud.sagemaker.container_specification import ContainerSpecification

PING_TIMEOUT_SECONDS: Final = 2.0
"""Within which ``/ping`` has to answer."""

_PING_INTERVAL_SECONDS: Final = 0.1
_STOP_SECONDS: Final = 5.0
_READ_BYTES: Final = 65_536


class ContainerHost:
    """Starts containers and knows those that run, so that none outlives the local cloud."""

    def __init__(self) -> None:
        self._running: set[ContainerProcess] = set()
        self._closed = False

    async def start(self, specification: ContainerSpecification) -> ContainerProcess:
        """Start a container on a free port; it is not ready yet.

        Raises:
            ContainerError: it cannot be started, or the host is closed.
        """
        if self._closed:
            raise ContainerError("the local cloud is stopping")
        with ExitStack() as resources:
            try:
                port = free_port()
                output = resources.enter_context(tempfile.TemporaryFile(prefix="local-cloud-container-"))
                process = await _start_program(specification, port, output)
            except OSError as error:
                raise ContainerError(f"cannot run {specification.command[0]}: {error.strerror}") from error
            resources.pop_all()  # the output lives as long as the process
        container = ContainerProcess(specification, port, process, output, self._running.discard)
        self._running.add(container)
        return container

    def close(self) -> None:
        """Let no more containers start."""
        self._closed = True

    def kill_all(self) -> None:
        """Kill what still runs."""
        for container in self._running:
            container.kill()


async def _start_program(
    specification: ContainerSpecification, port: int, output: IO[bytes]
) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *specification.command,
        cwd=REPOSITORY,
        env={
            **os.environ,
            **specification.environment,
            "SAGEMAKER_BIND_TO_PORT": str(port),
            "MODEL_SERVER_HOST": "127.0.0.1",
        },
        stdin=asyncio.subprocess.DEVNULL,
        stdout=output,
        stderr=asyncio.subprocess.STDOUT,
    )


class ContainerProcess:
    """A running container; :class:`ContainerHost` makes it.

    It keeps SageMaker's contract: ``GET /ping`` and ``POST /invocations`` on the port in ``SAGEMAKER_BIND_TO_PORT``.

    Args:
        specification: what runs.
        port: where it listens.
        process: the program.
        output: where it writes.
        on_stopped: called with the container once it is stopped.
    """

    def __init__(
        self,
        specification: ContainerSpecification,
        port: int,
        process: asyncio.subprocess.Process,
        output: IO[bytes],
        on_stopped: Callable[[ContainerProcess], None],
    ) -> None:
        self._specification = specification
        self._process = process
        self._output = output
        self._on_stopped = on_stopped
        self._stopping = False
        self._threads = ThreadPoolExecutor(specification.max_concurrency, thread_name_prefix=f"container-{port}")
        self._http = urllib3.HTTPConnectionPool("127.0.0.1", port, maxsize=specification.max_concurrency, retries=False)

    async def wait_until_ready(self) -> None:
        """Wait until ``/ping`` answers 200.

        Raises:
            ContainerError: the program ended, or the time is over.
        """
        deadline = time.monotonic() + self._specification.startup_seconds
        while not await asyncio.to_thread(self._ping):
            if self._process.returncode is not None:
                raise ContainerError(f"the container exited with status {self._process.returncode}{self._tail()}")
            if time.monotonic() > deadline:
                raise ContainerError(f"the container did not pass the ping health check{self._tail()}")
            await asyncio.sleep(_PING_INTERVAL_SECONDS)

    async def exited(self) -> None:
        """Wait until the program ends by itself."""
        await self._process.wait()

    async def invoke(self, body: bytes, headers: Mapping[str, str], timeout_seconds: float) -> Outcome:
        """Send one request to ``/invocations``; ``timeout_seconds`` are real ones, from request to end of response."""
        if self._stopping:
            return no_response_outcome()
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(timeout_seconds):
                return await loop.run_in_executor(self._threads, self._invoke, body, headers, timeout_seconds)
        except TimeoutError:
            return no_response_outcome()

    async def stop(self) -> None:
        """Stop the program at once, whatever it is doing."""
        self._stopping = True
        if self._process.returncode is None:
            self._process.terminate()
            try:
                await asyncio.wait_for(self._process.wait(), _STOP_SECONDS)
            except TimeoutError:
                self._process.kill()
                await self._process.wait()
        self._http.close()
        self._threads.shutdown(wait=False)
        self._output.close()
        self._on_stopped(self)

    def kill(self) -> None:
        """Kill the program without waiting."""
        if self._process.returncode is None:
            self._process.kill()

    def _ping(self) -> bool:
        try:
            response = self._http.request("GET", "/ping", timeout=PING_TIMEOUT_SECONDS)
        except urllib3.exceptions.HTTPError:
            return False
        return response.status == 200  # noqa: PLR2004 - what the contract asks for

    def _invoke(self, body: bytes, headers: Mapping[str, str], timeout_seconds: float) -> Outcome:
        deadline = time.monotonic() + timeout_seconds
        try:
            response = self._http.request(
                "POST",
                "/invocations",
                body=body,
                headers=headers,
                # For all of it: what urllib3 calls the connect timeout bounds the sending of the body, too.
                timeout=timeout_seconds,
                preload_content=False,
                decode_content=False,
            )
            content = _read_until(response, deadline)
        except urllib3.exceptions.HTTPError:
            return no_response_outcome()
        lower = {name.lower(): value for name, value in response.headers.items()}
        return response_outcome(response.status, lower, content)

    def _tail(self) -> str:
        lines = tail(self._output).splitlines()
        return f", its last output was: {lines[-1]}" if lines else " and said nothing"


def _read_until(response: urllib3.BaseHTTPResponse, deadline: float) -> bytes:
    """Return the content of ``response`` as it was sent.

    A read timeout bounds each wait, not the whole: a container that dribbles would keep its thread for ever.

    Raises:
        urllib3.exceptions.TimeoutError: it does not end by ``deadline``; the connection is closed.
    """
    content = bytearray()
    while chunk := response.read1(_READ_BYTES):
        content += chunk
        if time.monotonic() > deadline:
            response.close()
            raise urllib3.exceptions.TimeoutError
    response.release_conn()
    return bytes(content)
