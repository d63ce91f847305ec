"""Programs that stand for containers, wrappers included: where they start, and that they end with all they started."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import shlex
import signal
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from local_cloud.sagemaker import container_host
from local_cloud.sagemaker.container_guard import ContainerGuard
from local_cloud.sagemaker.container_host import ContainerHost
from local_cloud.sagemaker.container_specification import ContainerError, ContainerSpecification

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from local_cloud.sagemaker.container_process import ContainerProcess

HEADERS = {"X-Amzn-SageMaker-Inference-Id": "id"}


def wrapped(command: tuple[str, ...], *, then: str) -> tuple[str, ...]:
    """Return a shell that starts ``command`` in the background, as entry points do, and goes on with ``then``."""
    return ("/bin/sh", "-c", f"{shlex.join(command)} & {then}")


def is_listened_on(port: int) -> bool:
    """Return whether a connection to a loopback port is accepted."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


async def echo(container: ContainerProcess) -> dict[str, Any]:
    """Return what the echo container says of itself once it is ready."""
    await container.wait_until_ready()
    outcome = await container.invoke(b"x", HEADERS, 10)
    answer: dict[str, Any] = json.loads(outcome.content)
    return answer


async def port_of(container: ContainerProcess) -> int:
    """Return the port on which the echo container listens."""
    host: str = (await echo(container))["headers"]["host"]
    port = urlsplit(f"//{host}").port
    assert port is not None
    return port


@pytest.fixture
def on_a_host() -> Callable[..., Any]:
    """Runs what takes a container that a host started with a command and an environment."""

    def run(
        command: tuple[str, ...], use: Callable[[ContainerHost, ContainerProcess], Coroutine[Any, Any, Any]], **env: str
    ) -> object:
        async def start_and_use() -> object:
            host = ContainerHost(1.0)
            specification = ContainerSpecification(
                command=command, environment=env, max_concurrency=1, startup_seconds=30.0
            )
            container = await host.start(specification)
            try:
                return await use(host, container)
            finally:
                await container.stop()
                host.kill_all()

        return asyncio.run(start_and_use())

    return run


def test_a_server_in_the_background_of_a_wrapper_stops_with_it(
    on_a_host: Callable[..., Any], echo_command: tuple[str, ...], eventually: Callable[..., Any]
) -> None:
    """A signal to the shell alone would leave the server behind; what it was working on fails at once."""

    async def stop(_host: ContainerHost, container: ContainerProcess) -> int:
        port = await port_of(container)
        job = asyncio.create_task(container.invoke(b"work 60", HEADERS, 90))
        await asyncio.sleep(0.2)
        await container.stop()
        outcome = await asyncio.wait_for(job, 10)
        assert not outcome.succeeded
        return port

    port = on_a_host(wrapped(echo_command, then="wait"), stop)
    eventually(lambda: not is_listened_on(port))


def test_a_server_outlives_no_wrapper(
    on_a_host: Callable[..., Any], echo_command: tuple[str, ...], eventually: Callable[..., Any]
) -> None:
    """As in a container, where all ends with the first program."""

    async def end_wrapper(_host: ContainerHost, container: ContainerProcess) -> int:
        port = await port_of(container)
        await asyncio.wait_for(container.exited(), 20)
        assert is_listened_on(port)
        await container.stop()
        return port

    port = on_a_host(wrapped(echo_command, then="sleep 5"), end_wrapper)
    eventually(lambda: not is_listened_on(port))


def test_a_program_that_ignores_sigterm_is_killed_with_all_that_it_started(
    on_a_host: Callable[..., Any], echo_command: tuple[str, ...], eventually: Callable[..., Any]
) -> None:
    """The server ends no sooner than its wrapper, and no later."""

    async def stop(_host: ContainerHost, container: ContainerProcess) -> int:
        port = await port_of(container)
        await container.stop()
        return port

    port = on_a_host(("/bin/sh", "-c", f"trap '' TERM; {shlex.join(echo_command)}; true"), stop, STUBBORN="1")
    eventually(lambda: not is_listened_on(port))


def test_a_host_that_closes_kills_what_still_runs(
    on_a_host: Callable[..., Any], echo_command: tuple[str, ...], eventually: Callable[..., Any]
) -> None:
    """Nobody has stopped the container before."""

    async def kill(host: ContainerHost, container: ContainerProcess) -> None:
        port = await port_of(container)
        host.kill_all()
        await asyncio.to_thread(eventually, lambda: not is_listened_on(port))

    on_a_host(wrapped(echo_command, then="wait"), kill)


def kill_the_guard(host: ContainerHost) -> None:
    """Kill it as somebody else would, who does not tell."""
    process = host._guard._process
    assert process is not None
    os.kill(process.pid, signal.SIGKILL)
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)


@pytest.mark.parametrize("times", [1, 2])
def test_a_guard_that_was_killed_is_replaced_and_knows_every_container(
    on_a_host: Callable[..., Any], echo_command: tuple[str, ...], eventually: Callable[..., Any], times: int
) -> None:
    """The next container starts as if nothing had been; one that stops meanwhile does so, too."""

    async def kill(host: ContainerHost, container: ContainerProcess) -> None:
        port = await port_of(container)
        specification = ContainerSpecification(
            command=echo_command, environment={}, max_concurrency=1, startup_seconds=30.0
        )
        for _ in range(times):
            kill_the_guard(host)
            other = await host.start(specification)
            kill_the_guard(host)
            await other.stop()
        host.kill_all()
        await asyncio.to_thread(eventually, lambda: not is_listened_on(port))

    on_a_host(wrapped(echo_command, then="wait"), kill)


def test_containers_of_a_guard_that_is_dead_at_the_end_are_killed(
    on_a_host: Callable[..., Any], echo_command: tuple[str, ...], eventually: Callable[..., Any]
) -> None:
    """Nobody had anything to tell it any more."""

    async def kill(host: ContainerHost, container: ContainerProcess) -> None:
        port = await port_of(container)
        kill_the_guard(host)
        host.kill_all()
        await asyncio.to_thread(eventually, lambda: not is_listened_on(port))

    on_a_host(wrapped(echo_command, then="wait"), kill)


def test_a_program_that_cannot_be_guarded_does_not_run(
    monkeypatch: pytest.MonkeyPatch, echo_command: tuple[str, ...]
) -> None:
    """It would be nobody's."""
    groups: list[int] = []

    def refuse(_guard: ContainerGuard, group: int) -> None:
        groups.append(group)
        raise OSError(errno.EAGAIN, "no more processes")

    async def start() -> None:
        specification = ContainerSpecification(
            command=echo_command, environment={}, max_concurrency=1, startup_seconds=30.0
        )
        await ContainerHost(1.0).start(specification)

    monkeypatch.setattr(ContainerGuard, "watch", refuse)
    with pytest.raises(ContainerError, match="no more processes"):
        asyncio.run(start())
    with pytest.raises(ProcessLookupError):
        os.killpg(groups[0], 0)


def test_a_container_that_exited_is_not_ready_because_another_answers_at_its_port(
    on_a_host: Callable[..., Any], echo_command: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It could not listen there, and said so by its end."""

    async def start_another(host: ContainerHost, container: ContainerProcess) -> None:
        port = await port_of(container)
        monkeypatch.setattr(container_host, "free_port", lambda: port)
        specification = ContainerSpecification(
            command=("/bin/sh", "-c", "exit 3"), environment={}, max_concurrency=1, startup_seconds=30.0
        )
        other = await host.start(specification)
        await other.exited()
        with pytest.raises(ContainerError, match="exited with status 3"):
            await other.wait_until_ready()
        await other.stop()

    on_a_host(echo_command, start_another)


def test_a_container_inherits_nothing_but_what_programs_need(
    on_a_host: Callable[..., Any], echo_command: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The local cloud's own address, secrets of the developer's shell and AWS credentials stay outside."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:4566")
    monkeypatch.setenv("GITHUB_TOKEN", "secret")

    async def environment(_host: ContainerHost, container: ContainerProcess) -> dict[str, str]:
        await container.wait_until_ready()
        outcome = await container.invoke(b"environment", HEADERS, 10)
        found: dict[str, str] = json.loads(outcome.content)
        return found

    found = on_a_host(echo_command, environment, GREETING="hello")
    assert found["GREETING"] == "hello"
    assert Path(found["SM_MODEL_DIR"]).parent == Path(found["SAGEMAKER_BASE_DIR"])
    assert "PATH" in found
    assert not {"AWS_ENDPOINT_URL", "GITHUB_TOKEN"} & found.keys()
    assert {found["AWS_CONFIG_FILE"], found["AWS_SHARED_CREDENTIALS_FILE"]} == {"/dev/null"}
