"""CloudWatch in memory, behind a real boto3 client: it takes PutMetricData as botocore sends it, in JSON."""

from __future__ import annotations

import functools
import itertools
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from botocore.awsrequest import AWSResponse

from async_inference import AsyncEndpoint, Clients, PollingPolicy, RetryPolicy
from tests.unit.async_inference.fake_aws import RawBody, service_error

if TYPE_CHECKING:
    from types_boto3_cloudwatch import CloudWatchClient

    from tests.unit.async_inference.fake_aws import Answer, FakeAws, FakeTime


class FakeCloudWatch:
    """What was published, and when.

    Args:
        time: Stamps what comes without a time.
    """

    def __init__(self, time: FakeTime) -> None:
        self.published: list[dict[str, Any]] = []
        self.moments: list[float] = []
        self.fault: Exception | Answer | None = None
        """What becomes of every request instead."""

        self.attempts = 0
        self.latency = 0.0
        """Seconds that each request takes."""

        self._time = time
        self.client = _client()
        self.client.meta.events.register("before-send", self._answer)

    def close(self) -> None:
        """Leave the client to the next test."""
        self.client.meta.events.unregister("before-send", self._answer)

    @property
    def values(self) -> list[float]:
        """The value of each datapoint."""
        return [datum["Value"] for request in self.published for datum in request["MetricData"]]

    def longest_gap(self, start: float, end: float) -> float:
        """Return the longest time without a datapoint between two moments."""
        moments = [start, *(moment for moment in self.moments if start <= moment <= end), end]
        return max(later - earlier for earlier, later in itertools.pairwise(moments))

    def _answer(self, request: Any, **_: object) -> Any:  # noqa: ANN401 - its types know no hook that answers
        assert request.headers["X-Amz-Target"] == b"GraniteServiceVersion20100801.PutMetricData"
        self.attempts += 1
        self._time.advance(self.latency)
        if isinstance(self.fault, Exception):
            raise self.fault
        status, headers, body = self.fault or (200, {}, b"{}")
        if self.fault is None:
            self.published.append(json.loads(request.body))
            self.moments.append(self._time.monotonic)
        as_botocore_takes_them: Any = headers
        return AWSResponse(request.url, status, as_botocore_takes_them, RawBody(body))


def counting(aws: FakeAws, cloudwatch: CloudWatchClient | None, **options: Any) -> AsyncEndpoint:  # noqa: ANN401 - passed on
    """Return an endpoint that counts jobs in flight."""
    configuration = replace(aws.endpoint().configuration, count_jobs_in_flight=True)
    defaults: dict[str, Any] = {"polling": PollingPolicy(), "retry": RetryPolicy(), "clock": aws.time.clock}
    return AsyncEndpoint(configuration, clients=replace(aws.clients, cloudwatch=cloudwatch), **defaults | options)


def denied(action: str) -> Answer:
    """Return CloudWatch's refusal."""
    user = "arn:aws:iam::111122223333:user/caller"
    return service_error(400, "AccessDeniedException", f"User: {user} is not authorized to perform: {action}")


@functools.cache
def _client() -> CloudWatchClient:
    """Return the client of all tests of a process."""
    client = Clients.connect("eu-west-1", cloudwatch=True).cloudwatch
    assert client is not None
    return client
