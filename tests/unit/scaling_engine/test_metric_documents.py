"""What alarms and target tracking policies watch is read from documents, and written into them."""

from __future__ import annotations

from typing import Any

import pytest

from scaling_engine.documents import alarm_from_api, scaling_policy_from_api
from scaling_engine.exceptions import ScalingConfigurationError
from scaling_engine.metric_documents import watched_members
from scaling_engine.metrics import Metric, MetricMath, Statistic
from scaling_engine.policies import TargetTrackingPolicy


def query(identity: str, name: str, *, period: int = 60) -> dict[str, Any]:
    """Return a query for a metric of the endpoint."""
    dimensions = [{"Name": "EndpointName", "Value": "ocr"}]
    metric = {"Namespace": "AWS/SageMaker", "MetricName": name, "Dimensions": dimensions}
    return {"Id": identity, "MetricStat": {"Metric": metric, "Stat": "Maximum", "Period": period}, "ReturnData": False}


EXPRESSION = {"Id": "busy", "Expression": "MAX([backlog, 0 * age])"}
QUERIES = [EXPRESSION, query("backlog", "ApproximateBacklogSize"), query("age", "ApproximateAgeOfOldestRequest")]
REST_ALARM: dict[str, Any] = {
    "AlarmName": "Rest",
    "Metrics": QUERIES,
    "ComparisonOperator": "LessThanThreshold",
    "Threshold": 1,
    "EvaluationPeriods": 15,
}
MATH = MetricMath(
    returned="busy",
    expressions=(("busy", "MAX([backlog, 0 * age])"),),
    metrics=tuple(
        (
            identity,
            Metric(
                namespace="AWS/SageMaker",
                name=name,
                dimensions=frozenset({("EndpointName", "ocr")}),
                statistic=Statistic.MAXIMUM,
            ),
        )
        for identity, name in (("backlog", "ApproximateBacklogSize"), ("age", "ApproximateAgeOfOldestRequest"))
    ),
)


def tracking(specification: dict[str, Any]) -> dict[str, Any]:
    """Return a target tracking policy that has ``specification``."""
    configuration = {"TargetValue": 5, **specification}
    return {
        "PolicyName": "Grow",
        "PolicyType": "TargetTrackingScaling",
        "TargetTrackingScalingPolicyConfiguration": configuration,
    }


def test_an_alarm_on_metric_math_is_read() -> None:
    """Its period is that of its metrics."""
    alarm = alarm_from_api(REST_ALARM)
    assert (alarm.metric, alarm.period_seconds) == (MATH, 60)


def test_what_is_watched_is_written_as_it_was_read() -> None:
    """The alarms of a target tracking policy are made of what the policy watches."""
    members = {**REST_ALARM, **watched_members(MATH, 60)}
    assert alarm_from_api(members).metric == MATH


def test_a_policy_may_track_metric_math() -> None:
    """A period other than a minute would not be what AWS's own alarms have."""
    policy = scaling_policy_from_api(tracking({"CustomizedMetricSpecification": {"Metrics": QUERIES}}))
    assert isinstance(policy, TargetTrackingPolicy)
    assert policy.metric == MATH
    slow = {"CustomizedMetricSpecification": {"Metrics": [EXPRESSION, query("backlog", "A", period=300)]}}
    with pytest.raises(ScalingConfigurationError, match="a tracked metric has a period of 300 s"):
        scaling_policy_from_api(tracking(slow))


def test_the_predefined_metric_is_one_that_nobody_publishes() -> None:
    """Templates scale by it all the same; asynchronous endpoints have no InvocationsPerInstance."""
    policy = scaling_policy_from_api(
        tracking({"PredefinedMetricSpecification": {"PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"}})
    )
    assert isinstance(policy, TargetTrackingPolicy)
    assert [one.name for one in policy.metric.sources] == ["InvocationsPerInstance"]


def test_metric_math_of_several_periods_is_refused() -> None:
    """What CloudWatch makes of them is not modelled."""
    queries = [EXPRESSION, query("backlog", "A"), query("age", "B", period=300)]
    with pytest.raises(ScalingConfigurationError, match=r"one period is supported, found \[60, 300\]"):
        alarm_from_api({**REST_ALARM, "Metrics": queries})


def test_a_metric_may_be_what_is_returned() -> None:
    """The console writes alarms on one metric that way too."""
    alone = {**query("backlog", "ApproximateBacklogSize"), "ReturnData": True}
    alarm = alarm_from_api({**REST_ALARM, "Metrics": [alone]})
    assert alarm.metric.datapoints(lambda _: [1.0, None]) == [1.0, None]
