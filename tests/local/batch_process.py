"""Works on a batch in one process after another, each of which may kill itself in the middle.

Arguments: the endpoint's configuration as JSON, the id of the batch, the directory for results. Each line of standard
input is the number of the request to AWS, or of the answer to one, at which the next process is killed, 0 for never.
The answer to each is the status with which that process ended. They are forked, since starting Python takes longer than
most of them live.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from pathlib import Path

import boto3

from async_inference import AsyncEndpoint, Clients, EndpointConfiguration, PollingPolicy


def kill_at(point: int, session: boto3.Session) -> None:
    """Let the process be killed before its ``point``-th request, or before anybody sees the answer to one."""
    lock, count = threading.Lock(), 0

    def die_in_time(**_: object) -> None:
        nonlocal count
        with lock:
            count += 1
            if count == point:
                os.kill(os.getpid(), signal.SIGKILL)

    for event in ("before-send", "response-received"):
        session.events.register(event, die_in_time)


def work(configuration: EndpointConfiguration, batch_id: str, results: Path, point: int) -> None:
    """Resume the batch and work on it."""
    session = boto3.Session()
    if point:
        kill_at(point, session)
    polling = PollingPolicy(initial_seconds=0.1, maximum_seconds=0.3)
    clients = Clients.connect(configuration.region, session)
    endpoint = AsyncEndpoint(configuration, clients=clients, polling=polling)
    endpoint.resume(batch_id, take_over=True).run(results=results)


def main() -> int:
    """Start a process for each line of standard input."""
    configuration, batch_id, results = EndpointConfiguration.from_json(sys.argv[1]), sys.argv[2], Path(sys.argv[3])
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            status = 1
            try:
                work(configuration, batch_id, results, int(line))
                status = 0
            finally:
                sys.stderr.flush()
                os._exit(status)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)  # noqa: T201 - the answer
    return 0


if __name__ == "__main__":
    sys.exit(main())
