"""What can be seen of an endpoint from outside: its instances and its queue.

SageMaker tells nobody what becomes of a request before it ends; this is what remains to be asked. All of it is for
people to look at and for inference: nothing that decides about results relies on it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from async_inference import aws_errors
from async_inference.exceptions import AsyncInferenceError, PermissionDenied

if TYPE_CHECKING:
    from collections.abc import Callable

    from boto3 import Session
    from types_boto3_cloudwatch import CloudWatchClient
    from types_boto3_sagemaker import SageMakerClient

    from async_inference.clock import Clock

NAMESPACE: Final = "AWS/SageMaker"
_METRICS: Final = {"backlog": "ApproximateBacklogSize", "age": "ApproximateAgeOfOldestRequest"}
_PERIOD_SECONDS: Final = 60
_LOOK_BACK: Final = timedelta(minutes=5)
"""Metrics come each minute, and a minute or two late."""

_LOOK_AHEAD: Final = timedelta(days=1)
"""The newest point counts, also where this machine's clock is behind the one that stamped it."""

_REST_SECONDS: Final = 300.0
"""For how long a question that failed is not asked again: permissions seldom change, and time-outs hold others up."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Observation:
    """An endpoint at one moment; ``None`` is what cannot be known."""

    status: str | None = None
    """As DescribeEndpoint says, such as ``InService``."""

    instances: int | None = None
    """Running instances of all variants."""

    desired_instances: int | None = None
    backlog: int | None = None
    """Requests that wait or are being worked on, as last published."""

    oldest_age_seconds: float | None = None
    """Age of the oldest request in the queue, as last published."""

    unknown: tuple[str, ...] = ()
    """Why something cannot be known, each in a line that names the action."""

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON-able form."""
        return {
            "status": self.status,
            "instances": self.instances,
            "desired_instances": self.desired_instances,
            "backlog": self.backlog,
            "oldest_age_seconds": self.oldest_age_seconds,
            "unknown": list(self.unknown),
        }


class Observer:
    """Observes one endpoint as far as the caller may.

    Args:
        endpoint_name: Its name.
        sagemaker: Describes it.
        cloudwatch: Has its metrics.
        clock: Says which metrics are of now.
    """

    def __init__(
        self, endpoint_name: str, *, sagemaker: SageMakerClient, cloudwatch: CloudWatchClient, clock: Clock
    ) -> None:
        self._endpoint_name = endpoint_name
        self._sagemaker = sagemaker
        self._cloudwatch = cloudwatch
        self._clock = clock
        self._failed: dict[str, tuple[float, str]] = {}

    @classmethod
    def connect(cls, endpoint_name: str, region: str, *, session: Session, clock: Clock) -> Observer:
        """Return an observer with clients of ``session`` that give up soon: nobody waits for a decoration."""
        from botocore.config import Config  # noqa: PLC0415 - takes long to import

        config = Config(connect_timeout=2, read_timeout=3, retries={"mode": "standard", "total_max_attempts": 1})
        return cls(
            endpoint_name,
            sagemaker=session.client("sagemaker", region_name=region, config=config),
            cloudwatch=session.client("cloudwatch", region_name=region, config=config),
            clock=clock,
        )

    def observe(self) -> Observation:
        """Return what can be known now; what cannot is said, not raised."""
        seen = self._ask("sagemaker:DescribeEndpoint", self._instances)
        seen |= self._ask("cloudwatch:GetMetricData", self._metrics)
        return Observation(**seen, unknown=tuple(why for _, why in self._failed.values()))

    def _ask(self, action: str, look: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        now = self._clock.monotonic()
        if action in self._failed and now < self._failed[action][0] + _REST_SECONDS:
            return {}
        try:
            seen = look()
        except (BotoCoreError, ClientError) as error:
            self._failed[action] = now, self._why(error, action)
            return {}
        self._failed.pop(action, None)
        return seen

    def _why(self, error: BotoCoreError | ClientError, action: str) -> str:
        try:
            aws_errors.raise_for_caller(error, action=action, resource=f"endpoint {self._endpoint_name}")
        except PermissionDenied as denied:
            return f"{denied.action} is not allowed"
        except (AsyncInferenceError, BotoCoreError) as other:
            return " ".join(str(other).split())

    def _instances(self) -> dict[str, Any]:
        endpoint = self._sagemaker.describe_endpoint(EndpointName=self._endpoint_name)
        variants = endpoint.get("ProductionVariants", [])
        return {
            "status": endpoint["EndpointStatus"],
            "instances": sum(variant.get("CurrentInstanceCount", 0) for variant in variants),
            "desired_instances": sum(variant.get("DesiredInstanceCount", 0) for variant in variants),
        }

    def _metrics(self) -> dict[str, Any]:
        now = datetime.fromtimestamp(self._clock.now(), UTC)
        response = self._cloudwatch.get_metric_data(
            MetricDataQueries=[
                {
                    "Id": key,
                    "MetricStat": {
                        "Metric": {
                            "Namespace": NAMESPACE,
                            "MetricName": name,
                            "Dimensions": [{"Name": "EndpointName", "Value": self._endpoint_name}],
                        },
                        "Period": _PERIOD_SECONDS,
                        "Stat": "Maximum",
                    },
                }
                for key, name in _METRICS.items()
            ],
            StartTime=now - _LOOK_BACK,
            EndTime=now + _LOOK_AHEAD,
            ScanBy="TimestampDescending",
        )
        newest = {
            series["Id"]: max(zip(series["Timestamps"], series["Values"], strict=True))[1]
            for series in response["MetricDataResults"]
            if series["Values"]
        }
        backlog = newest.get("backlog")
        return {"backlog": None if backlog is None else round(backlog), "oldest_age_seconds": newest.get("age")}
