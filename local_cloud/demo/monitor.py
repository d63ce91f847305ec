"""What can be seen of an endpoint from outside: its instances and its backlog, as any AWS client sees them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

import boto3

if TYPE_CHECKING:
    from local_cloud.process import RunningLocalCloud

_LOOK_BACK: Final = timedelta(minutes=3)


@dataclass(frozen=True, slots=True)
class Observation:
    """An endpoint at one moment.

    Attributes:
        simulated_time: On the local cloud's clock.
        status: As DescribeEndpoint says, such as ``InService``.
        instances: Running instances of its one variant.
        backlog: Requests waiting or running, as last published; 0 if nothing was published lately.
    """

    simulated_time: datetime
    status: str
    instances: int
    backlog: int

    @property
    def at_rest(self) -> bool:
        """Whether it costs nothing now."""
        return self.status == "InService" and self.instances == 0


class EndpointMonitor:
    """Observes one endpoint.

    Args:
        endpoint_name: Its name.
        cloud: The local cloud that it runs in, whose clock the metrics follow.
    """

    def __init__(self, endpoint_name: str, cloud: RunningLocalCloud) -> None:
        self._endpoint_name = endpoint_name
        self._cloud = cloud
        self._sagemaker = boto3.client("sagemaker")
        self._cloudwatch = boto3.client("cloudwatch")

    def observe(self) -> Observation:
        """Return the endpoint as it is now."""
        endpoint = self._sagemaker.describe_endpoint(EndpointName=self._endpoint_name)
        (variant,) = endpoint["ProductionVariants"]
        now = datetime.fromisoformat(self._cloud.health()["simulated_time"])
        return Observation(now, endpoint["EndpointStatus"], variant["CurrentInstanceCount"], self._backlog(now))

    def _backlog(self, now: datetime) -> int:
        statistics = self._cloudwatch.get_metric_statistics(
            Namespace="AWS/SageMaker",
            MetricName="ApproximateBacklogSize",
            Dimensions=[{"Name": "EndpointName", "Value": self._endpoint_name}],
            StartTime=now - _LOOK_BACK,
            EndTime=now,
            Period=60,
            Statistics=["Maximum"],
        )
        newest = max(statistics["Datapoints"], key=lambda point: point["Timestamp"], default={"Maximum": 0.0})
        return round(newest["Maximum"])
