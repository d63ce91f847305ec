"""What those who wait for jobs tell scaling: how many jobs they wait for.

Whether SageMaker's backlog metric counts running work is disputed. Where the endpoint counts jobs in flight, its
clients therefore publish a metric of their own each minute while they wait, and the endpoint does not rest while there
are any. There is no thread for it: the loops that wait publish whenever it is time, so nobody keeps an endpoint awake
who does not wait any more.
"""

from __future__ import annotations

import logging
import math
import threading
from typing import TYPE_CHECKING, Final, Self
from weakref import WeakSet

from botocore.exceptions import BotoCoreError, ClientError

from async_inference.clients import METRICS_CONNECT_TIMEOUT_SECONDS, METRICS_READ_TIMEOUT_SECONDS
from async_inference.configuration import CLIENT_NAMESPACE, JOBS_IN_FLIGHT

if TYPE_CHECKING:
    from collections.abc import Sized
    from types import TracebackType

    from types_boto3_cloudwatch import CloudWatchClient

    from async_inference.clock import Clock

INTERVAL_SECONDS: Final = 25.0
"""Between two datapoints at least. Each minute gets one even where a loop is held up by a request for notices, which
waits for 20 seconds, and by listing S3."""

PUBLISHING_SECONDS: Final = METRICS_CONNECT_TIMEOUT_SECONDS + METRICS_READ_TIMEOUT_SECONDS
"""The longest that publishing may hold up the one who waits."""

_LOGGER: Final = logging.getLogger(__name__)


class JobsInFlight:
    """Publishes how many jobs one endpoint object waits for. May be shared by threads.

    That it cannot be published fails nobody's wait: it is logged, once.

    Args:
        cloudwatch: Where to publish; ``None`` where the endpoint does not count jobs in flight, and nothing is done.
        endpoint_name: The metric's dimension.
        clock: Time.
    """

    def __init__(self, cloudwatch: CloudWatchClient | None, *, endpoint_name: str, clock: Clock) -> None:
        self._cloudwatch = cloudwatch
        self._endpoint_name = endpoint_name
        self._clock = clock
        self._lock = threading.Lock()
        self._waits: WeakSet[Sized] = WeakSet()
        self._due = -math.inf
        self._complained = False

    @property
    def due(self) -> float:
        """The moment of the monotonic clock at which to publish again; never where nothing is to be published."""
        return math.inf if self._cloudwatch is None else self._due

    def add(self, wait: Sized) -> None:
        """Count the jobs of ``wait``, as many as it has, for as long as somebody holds it."""
        with self._lock:
            self._waits.add(wait)

    def discard(self, wait: Sized) -> None:
        """Count the jobs of ``wait`` no longer."""
        with self._lock:
            self._waits.discard(wait)

    def publish(self, *, submitting: int = 0) -> None:
        """Publish the number of jobs that are waited for, if there are any and it is time to.

        Args:
            submitting: How many more there are about to be.
        """
        if self._cloudwatch is None:
            return
        with self._lock:
            now = self._clock.monotonic()
            jobs = sum(map(len, self._waits)) + submitting
            if not jobs or now < self._due:
                return
            self._due = now + INTERVAL_SECONDS  # nobody else publishes meanwhile, and a failure is not repeated at once
        try:
            self._put(self._cloudwatch, jobs)
        except (BotoCoreError, ClientError) as error:
            self._failed(error)

    def waiting_alone(self, until: float) -> WaitingAlone:
        """Return what counts for one job that somebody waits for until ``until``, a moment of the monotonic clock."""
        return WaitingAlone(self, self._clock, until)

    def _put(self, cloudwatch: CloudWatchClient, jobs: int) -> None:
        cloudwatch.put_metric_data(
            Namespace=CLIENT_NAMESPACE,
            MetricData=[
                {
                    "MetricName": JOBS_IN_FLIGHT,
                    "Dimensions": [{"Name": "EndpointName", "Value": self._endpoint_name}],
                    "Value": jobs,
                    "Unit": "Count",
                }
            ],
        )

    def _failed(self, error: BotoCoreError | ClientError) -> None:
        if not self._complained:
            self._complained = True
            _LOGGER.warning(
                "endpoint %s may rest while its jobs run: how many there are could not be published by "
                "cloudwatch:PutMetricData into namespace %s: %s",
                self._endpoint_name,
                CLIENT_NAMESPACE,
                " ".join(str(error).split()),
            )


class WaitingAlone:
    """One job that is waited for by sleeping; a context manager.

    Args:
        in_flight: Counts it.
        clock: Time.
        until: The moment of the monotonic clock at which waiting ends. Publishing does not go beyond.
    """

    def __init__(self, in_flight: JobsInFlight, clock: Clock, until: float) -> None:
        self._in_flight = in_flight
        self._clock = clock
        self._until = until

    def __len__(self) -> int:
        return 1

    def __enter__(self) -> Self:
        self._in_flight.add(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._in_flight.discard(self)

    def sleep(self, seconds: float) -> None:
        """Let so much time pass, and publish whenever it is time to."""
        end = self._clock.monotonic() + seconds
        while self._clock.monotonic() + PUBLISHING_SECONDS <= self._until:
            self._in_flight.publish()
            if self._in_flight.due >= end:
                break
            self._clock.sleep(max(0.0, self._in_flight.due - self._clock.monotonic()))
        self._clock.sleep(max(0.0, end - self._clock.monotonic()))
