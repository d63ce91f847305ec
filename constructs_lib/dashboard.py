"""What somebody looks at: one dashboard for an endpoint, from its alarms down to its cost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from constructs_lib.metrics import AsyncEndpointMetrics, Count, Time

if TYPE_CHECKING:
    from collections.abc import Sequence

_FULL_WIDTH: Final = 24
_THIRD: Final = 8
_COUNT_SECONDS: Final = 300
_HOUR_SECONDS: Final = 3_600
_AVERAGE: Final = cloudwatch.Stats.AVERAGE
_MAXIMUM: Final = cloudwatch.Stats.MAXIMUM
_FROM_ZERO: Final = cloudwatch.YAxisProps(min=0, show_units=False)
_SECONDS: Final = cloudwatch.YAxisProps(label="Seconds", min=0, show_units=False)


class EndpointDashboard(Construct):
    """Answers in one look whether an endpoint works, whether it keeps up, and what it costs.

    Args:
        scope: The parent.
        construct_id: The name within it.
        metrics: Of the endpoint.
        alarms: Of the endpoint.
        function_metrics: Errors and throttles of the polling function.
        oldest_request_seconds: The age from which the alarm on the oldest request rings.
        max_instances: The most instances at a time.
        price_per_instance_hour: Of an instance, in the currency of the bill; without it, hours are all there is.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        metrics: AsyncEndpointMetrics,
        alarms: Sequence[cloudwatch.IAlarm],
        function_metrics: Sequence[cloudwatch.IMetric],
        oldest_request_seconds: int,
        max_instances: int,
        price_per_instance_hour: float | None,
    ) -> None:
        super().__init__(scope, construct_id)
        cloudwatch.Dashboard(
            self,
            "Dashboard",
            default_interval=Duration.days(1),
            widgets=[
                [_title("Does it work?")],
                [cloudwatch.AlarmStatusWidget(title="Alarms, the most urgent first", alarms=alarms, width=_FULL_WIDTH)],
                [_outcomes(metrics), _deliveries(metrics), _container(metrics, function_metrics)],
                [_title("Does it keep up?")],
                [_backlog(metrics, max_instances), _ages(metrics, oldest_request_seconds), _times(metrics)],
                [_title("What does it cost?")],
                [_hours(metrics), _total(metrics, price_per_instance_hour)],
            ],
        )


def _title(question: str) -> cloudwatch.TextWidget:
    return cloudwatch.TextWidget(
        markdown=f"## {question}", width=_FULL_WIDTH, height=1, background=cloudwatch.TextWidgetBackground.TRANSPARENT
    )


def _outcomes(metrics: AsyncEndpointMetrics) -> cloudwatch.GraphWidget:
    counts = (Count.PROCESSED, Count.FAILED, Count.EXPIRED)
    return _graph("Requests ended", [metrics.count(one, seconds=_COUNT_SECONDS) for one in counts])


def _deliveries(metrics: AsyncEndpointMetrics) -> cloudwatch.GraphWidget:
    counts = (Count.DOWNLOAD_FAILURES, Count.UPLOAD_FAILURES, Count.NOTIFICATION_FAILURES)
    return _graph(
        "Inputs, results, notices that failed", [metrics.count(one, seconds=_COUNT_SECONDS) for one in counts]
    )


def _container(metrics: AsyncEndpointMetrics, function_metrics: Sequence[cloudwatch.IMetric]) -> cloudwatch.GraphWidget:
    counts = (Count.CLIENT_ERRORS, Count.SERVER_ERRORS)
    errors = [metrics.count(one, seconds=_COUNT_SECONDS) for one in counts]
    return _graph("Errors of the container and of the polling function", [*errors, *function_metrics])


def _backlog(metrics: AsyncEndpointMetrics, max_instances: int) -> cloudwatch.GraphWidget:
    return cloudwatch.GraphWidget(
        title="Backlog, and the instances that work on it",
        width=_THIRD,
        left=[metrics.backlog_size(), metrics.has_backlog_without_capacity()],
        right=[metrics.instance_minutes()],
        left_y_axis=cloudwatch.YAxisProps(label="Requests", min=0, show_units=False),
        right_y_axis=cloudwatch.YAxisProps(label="Instances", min=0, max=max_instances + 1, show_units=False),
        right_annotations=[cloudwatch.HorizontalAnnotation(value=max_instances, label="Most instances")],
    )


def _ages(metrics: AsyncEndpointMetrics, oldest_request_seconds: int) -> cloudwatch.GraphWidget:
    return cloudwatch.GraphWidget(
        title="Waiting",
        width=_THIRD,
        left=[metrics.age_of_oldest_request(), metrics.time(Time.IN_BACKLOG, _AVERAGE)],
        left_y_axis=_SECONDS,
        left_annotations=[cloudwatch.HorizontalAnnotation(value=oldest_request_seconds, label="Alarm")],
    )


def _times(metrics: AsyncEndpointMetrics) -> cloudwatch.GraphWidget:
    shown = [
        *[metrics.time(what, _AVERAGE) for what in (Time.DOWNLOAD, Time.MODEL, Time.UPLOAD)],
        *[metrics.time(what, _MAXIMUM) for what in (Time.MODEL, Time.TOTAL)],
    ]
    return cloudwatch.GraphWidget(title="Working", width=_THIRD, left=shown, left_y_axis=_SECONDS)


def _hours(metrics: AsyncEndpointMetrics) -> cloudwatch.GraphWidget:
    return cloudwatch.GraphWidget(
        title="Instance-minutes in each hour",
        width=2 * _THIRD,
        left=[metrics.instance_minutes(seconds=_HOUR_SECONDS)],
        left_y_axis=_FROM_ZERO,
    )


def _total(metrics: AsyncEndpointMetrics, price: float | None) -> cloudwatch.SingleValueWidget:
    shown = [_instance_hours(metrics, 1, "Instance-hours")]
    if price is not None:
        shown.append(_instance_hours(metrics, price, f"Estimated cost at {price} an hour"))
    return cloudwatch.SingleValueWidget(
        title="In the time shown", width=_THIRD, height=6, metrics=shown, set_period_to_time_range=True
    )


def _instance_hours(metrics: AsyncEndpointMetrics, factor: float, label: str) -> cloudwatch.MathExpression:
    return cloudwatch.MathExpression(
        expression=f"{factor} * minutes / 60",
        using_metrics={"minutes": metrics.instance_minutes()},
        period=Duration.minutes(1),
        label=label,
    )


def _graph(title: str, shown: Sequence[cloudwatch.IMetric]) -> cloudwatch.GraphWidget:
    return cloudwatch.GraphWidget(title=title, width=_THIRD, left=shown, left_y_axis=_FROM_ZERO)
