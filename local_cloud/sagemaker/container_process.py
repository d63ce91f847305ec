"""The program that stands for a container: started, asked, stopped."""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from typing import IO, TYPE_CHECKING, Final

import urllib3

from local_cloud.container_commands import REPOSITORY
from local_cloud.loopback import free_port
from local_cloud.sagemaker.container_specification import ContainerError
from local_cloud.sagemaker.outcome import Outcome, no_response_outcome, response_outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from local_cloud.sagemaker.container_specification import ContainerSpecification

PING_TIMEOUT_SECONDS: Final = 2.0
"""Within which ``/ping`` has to answer."""

_PING_INTERVAL_SECONDS: Final = 0.1
_STOP_SECONDS: Final = 5.0
_OUTPUT_TAIL_BYTES: Final = 2_000


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
        port = free_port()
        output = tempfile.TemporaryFile(prefix="local-cloud-container-")  # noqa: SIM115 - lives as long as the process
        try:
            process = await asyncio.create_subprocess_exec(
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
        except OSError as error:
            output.close()
            raise ContainerError(f"cannot run {specification.command[0]}: {error.strerror}") from error
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
        """Send one request to ``/invocations``; ``timeout_seconds`` are real ones."""
        if self._stopping:
            return no_response_outcome()
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self._invoke, body, headers, timeout_seconds)

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
        timeout = urllib3.Timeout(connect=PING_TIMEOUT_SECONDS, read=timeout_seconds)
        try:
            response = self._http.request("POST", "/invocations", body=body, headers=headers, timeout=timeout)
        except urllib3.exceptions.HTTPError:
            return no_response_outcome()
        lower = {name.lower(): value for name, value in response.headers.items()}
        return response_outcome(response.status, lower, response.data)

    def _tail(self) -> str:
        size = self._output.seek(0, os.SEEK_END)
        self._output.seek(max(0, size - _OUTPUT_TAIL_BYTES))
        lines = self._output.read().decode(errors="replace").strip().splitlines()
        return f", its last output was: {lines[-1]}" if lines else " and said nothing"
