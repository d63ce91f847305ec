"""The program that stands for a container: started, asked, stopped."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

import urllib3

from local_cloud.sagemaker.container_specification import ContainerError
from local_cloud.sagemaker.outcome import Outcome, no_response_outcome, response_outcome
from local_cloud.sagemaker.undocumented import HEALTH_CHECK_INTERVAL_SECONDS, HEALTH_CHECKS_TO_REPLACE

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextlib import AsyncExitStack

    from local_cloud.sagemaker.container_output import ContainerOutput
    from local_cloud.sagemaker.container_program import ContainerProgram
    from local_cloud.sagemaker.container_specification import ContainerSpecification

PING_TIMEOUT_SECONDS: Final = 2.0
"""Within which ``/ping`` has to answer."""

_PING_INTERVAL_SECONDS: Final = 0.1
_READ_BYTES: Final = 65_536


class ContainerProcess:
    """A running container; :class:`local_cloud.sagemaker.container_host.ContainerHost` makes it.

    It keeps SageMaker's contract: ``GET /ping`` and ``POST /invocations`` on the port in ``SAGEMAKER_BIND_TO_PORT``.

    Args:
        specification: of what runs.
        port: where it listens.
        program: what runs.
        output: what it writes, and the log of that.
        resources: closed once it is stopped.
        stop_seconds: real ones that the program has between SIGTERM and SIGKILL.
    """

    def __init__(
        self,
        specification: ContainerSpecification,
        port: int,
        program: ContainerProgram,
        output: ContainerOutput,
        resources: AsyncExitStack,
        *,
        stop_seconds: float,
    ) -> None:
        self._specification = specification
        self._program = program
        self._output = output
        self._resources = resources
        self._stop_seconds = stop_seconds
        self._stopping = False
        # One of its own: an invocation that hangs must not hold up the health checks.
        self._ping_thread = ThreadPoolExecutor(1, thread_name_prefix=f"ping-{port}")
        self._threads = ThreadPoolExecutor(specification.max_concurrency, thread_name_prefix=f"container-{port}")
        self._http = urllib3.HTTPConnectionPool("127.0.0.1", port, maxsize=specification.max_concurrency, retries=False)

    async def wait_until_ready(self) -> None:
        """Wait until ``/ping`` answers 200.

        Raises:
            ContainerError: the program ended, or the time is over.
        """
        deadline = time.monotonic() + self._specification.startup_seconds
        while True:
            healthy = await self._is_healthy()
            # Asked last: at the port of a container that has exited another program may answer.
            if self._program.status is not None:
                raise ContainerError(f"the container exited with status {self._program.status}{self._tail()}")
            if healthy:
                return
            if time.monotonic() > deadline:
                raise ContainerError(f"the container did not pass the ping health check{self._tail()}")
            await asyncio.sleep(_PING_INTERVAL_SECONDS)

    async def exited(self) -> None:
        """Wait until the program ends by itself, or misses so many health checks that it has to be replaced."""
        ended = asyncio.create_task(self._program.wait())
        missed = 0
        try:
            while missed < HEALTH_CHECKS_TO_REPLACE:
                if (await asyncio.wait([ended], timeout=HEALTH_CHECK_INTERVAL_SECONDS))[0]:
                    return
                missed = 0 if await self._is_healthy() else missed + 1
        finally:
            ended.cancel()
        await self._output.log.put_output([f"/ping did not answer 200 within {PING_TIMEOUT_SECONDS:.0f} s: replaced"])

    async def invoke(self, body: bytes, headers: Mapping[str, str], timeout_seconds: float) -> Outcome:
        """Send one request to ``/invocations``; ``timeout_seconds`` are real ones, from request to end of response."""
        if self._stopping:
            return no_response_outcome()
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(timeout_seconds):
                outcome = await loop.run_in_executor(self._threads, self._invoke, body, headers, timeout_seconds)
        except TimeoutError:
            outcome = no_response_outcome()
        self._output.log.put_outcome(headers, outcome)
        return outcome

    async def stop(self) -> None:
        """Stop the program, whatever it is doing."""
        self._stopping = True
        await self._program.stop(self._stop_seconds)
        self._http.close()
        self._threads.shutdown(wait=False)
        self._ping_thread.shutdown(wait=False)
        await self._resources.aclose()

    async def _is_healthy(self) -> bool:
        return await asyncio.get_running_loop().run_in_executor(self._ping_thread, self._ping)

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
        line = self._output.last_line()
        return f", its last output was: {line}" if line else " and said nothing"


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
