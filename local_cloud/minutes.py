"""What happens at the end of each simulated minute."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from local_cloud import ministack_sqs
from local_cloud.internal_errors import reported

if TYPE_CHECKING:
    from local_cloud.application_autoscaling.scaling import Scaling
    from local_cloud.clock import SimulatedClock
    from local_cloud.cloudwatch.alarms import AlarmEvaluator, EvaluatedAlarm
    from local_cloud.ministack_metrics import MiniStackMetrics
    from local_cloud.sagemaker.endpoints import Endpoints

METRIC_PERIOD_SECONDS: Final = 60
"""Simulated seconds from one publication of metrics, evaluation of alarms and scaling to the next."""

_FORGETTING_PERIOD_SECONDS: Final = 3_600


class Minutes:
    """Publishes metrics, evaluates alarms and scales; one thing's failure is reported and stops nothing else.

    Args:
        clock: of the minutes.
        endpoints: which publish metrics.
        alarms: which watch them.
        scaling: which acts on alarms.
        metrics: where metrics are kept.
    """

    def __init__(
        self,
        clock: SimulatedClock,
        endpoints: Endpoints,
        alarms: AlarmEvaluator,
        scaling: Scaling,
        metrics: MiniStackMetrics,
    ) -> None:
        self._clock = clock
        self._endpoints = endpoints
        self._alarms = alarms
        self._scaling = scaling
        self._metrics = metrics

    async def run(self) -> None:
        """End each minute when it is over, until cancelled."""
        minute = math.ceil(self._clock.now() / METRIC_PERIOD_SECONDS)
        while True:
            await self._clock.sleep_until(minute * METRIC_PERIOD_SECONDS)
            self.end(minute * METRIC_PERIOD_SECONDS)
            minute += 1

    def end(self, now: float) -> None:
        """Do what is due at ``now``, a full minute in simulated seconds since the epoch."""
        # An endpoint that comes into service while alarms are evaluated has no share in this minute's metrics yet:
        # scaled by them, it would lose its instance to datapoints from before its rest.
        in_service = [endpoint for endpoint in self._endpoints if endpoint.status == "InService"]
        for endpoint in self._endpoints:
            with reported(f"the metrics of {endpoint.arn}"):
                endpoint.publish_metrics(now)
        with reported("the depths of queues"):
            self._publish_queue_depths(now - METRIC_PERIOD_SECONDS)
        evaluated: list[EvaluatedAlarm] = []
        with reported("the alarms"):
            evaluated = self._alarms.evaluate(now)
        with reported("the scaling"):
            self._scaling.scale(in_service, evaluated, now)
        if now % _FORGETTING_PERIOD_SECONDS == 0:
            with reported("the forgetting of old metrics"):
                self._metrics.forget(now)

    def _publish_queue_depths(self, moment: float) -> None:
        for scope, name, depth in ministack_sqs.queue_depths():
            self._metrics.put(
                scope,
                ministack_sqs.NAMESPACE,
                ministack_sqs.VISIBLE_MESSAGES,
                {"QueueName": name},
                depth,
                unit="Count",
                timestamp=moment,
            )
