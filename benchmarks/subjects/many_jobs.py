"""This project's client submits many jobs and waits for all of them, and says how many requests that took."""

from __future__ import annotations

import json
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

import boto3

from async_inference import AsyncEndpoint, EndpointConfiguration, as_completed

if TYPE_CHECKING:
    from botocore.model import OperationModel

SUBMITTERS: Final = 8


def main(jobs: int, consumer: str | None) -> None:
    """Submit ``jobs`` and wait for them, by listing or by the notices of ``consumer``."""
    requests: Counter[str] = Counter()
    lock = threading.Lock()

    def count(model: OperationModel, **_: object) -> None:
        with lock:
            requests[model.name] += 1

    session = boto3.Session()
    session.events.register("before-call", count)
    configuration = EndpointConfiguration.from_json(sys.stdin.read())
    started = time.monotonic()
    with (
        AsyncEndpoint(configuration, session=session, consumer=consumer) as endpoint,
        ThreadPoolExecutor(SUBMITTERS) as pool,
    ):
        submitted = set(pool.map(endpoint.submit, (f"page {number}" for number in range(jobs))))
        ended = set(as_completed(submitted))
    said = {
        "missing": len(submitted - ended),
        "threads_left": threading.active_count() - 1,
        "lists": requests["ListObjectsV2"] / jobs,
        "queue_requests": (requests["ReceiveMessage"] + requests["DeleteMessageBatch"]) / jobs,
        "seconds": time.monotonic() - started,
    }
    json.dump(said, sys.stdout)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else None)  # noqa: PLR2004 - the consumer may be left out
