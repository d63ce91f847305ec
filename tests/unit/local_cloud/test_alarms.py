"""Alarms are evaluated by the scaling engine on what CloudWatch keeps."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from local_cloud.cloudwatch.alarms import AlarmEvaluator, EvaluatedAlarm
from local_cloud.errors import AwsError
from local_cloud.scope import Scope
from scaling_engine.assumptions import DEFAULTS, MOST_EXTRA_DATAPOINTS

if TYPE_CHECKING:
    from scaling_engine.metrics import Metric

SCOPE = Scope("000000000000", "us-east-1")
ALARM = {
    "AlarmName": "wake",
    "AlarmArn": "arn:aws:cloudwatch:us-east-1:000000000000:alarm:wake",
    "AlarmDescription": "",
    "Namespace": "AWS/SageMaker",
    "MetricName": "HasBacklogWithoutCapacity",
    "Dimensions": [{"Name": "EndpointName", "Value": "ocr"}],
    "Statistic": "Average",
    "ExtendedStatistic": None,
    "Unit": None,
    "Period": 60,
    "EvaluationPeriods": 2,
    "DatapointsToAlarm": 2,
    "Threshold": 1.0,
    "ComparisonOperator": "GreaterThanOrEqualToThreshold",
    "TreatMissingData": "missing",
    "StateValue": "INSUFFICIENT_DATA",
    "StateReason": "Unchecked: Initial alarm creation",
    "ActionsEnabled": True,
    "AlarmActions": ["arn:policy"],
}


class CloudWatch:
    """One alarm, one metric, and what was asked and set."""

    def __init__(self, alarm: dict[str, Any], datapoints: list[float | None]) -> None:
        self.alarm = alarm
        self.datapoints = datapoints
        self.asked: list[tuple[Any, ...]] = []
        self.set: list[tuple[Any, ...]] = []

    def metric_alarms(self) -> list[tuple[Scope, dict[str, Any]]]:
        """Return the alarm."""
        return [(SCOPE, self.alarm)]

    def statistics(self, scope: Scope, metric: Metric, **periods: object) -> list[float | None]:
        """Return the datapoints."""
        assert scope == SCOPE
        self.asked.append((metric, periods))
        return self.datapoints

    def set_state(self, scope: Scope, *transition: object) -> None:
        """Remember the transition."""
        assert scope == SCOPE
        self.set.append(transition)


def evaluate(cloudwatch: Any, now: float = 600.0) -> list[EvaluatedAlarm]:  # noqa: ANN401 - stands for both stores
    """Evaluate all alarms once."""
    return AlarmEvaluator(cloudwatch, cloudwatch).evaluate(now)


def test_a_breach_sets_the_state_and_names_the_actions() -> None:
    """The new state comes with its reason, for people and for programs."""
    cloudwatch = CloudWatch(ALARM, [None, None, 1.0, 2.0])
    [alarm] = evaluate(cloudwatch)
    [(name, state, reason, data)] = cloudwatch.set
    assert (name, state) == ("wake", "ALARM")
    assert reason.startswith("Threshold Crossed: 2 out of the last 2 datapoints [2.0, 1.0]")
    assert data == {
        "version": "1.0",
        "queryDate": "1970-01-01T00:10:00.000+0000",
        "startDate": "1970-01-01T00:08:00.000+0000",
        "statistic": "Average",
        "period": 60,
        "recentDatapoints": [1.0, 2.0],
        "threshold": 1.0,
        "evaluatedDatapoints": [
            {"timestamp": "1970-01-01T00:09:00.000+0000", "value": 2.0},
            {"timestamp": "1970-01-01T00:08:00.000+0000", "value": 1.0},
        ],
    }
    assert alarm.actions == ("arn:policy",)


def test_the_metric_is_asked_for_by_its_exact_dimensions() -> None:
    """Dimensions that nobody publishes under find nothing."""
    cloudwatch = CloudWatch(ALARM, [])
    evaluate(cloudwatch)
    [(metric, periods)] = cloudwatch.asked
    assert (metric.namespace, metric.name) == ("AWS/SageMaker", "HasBacklogWithoutCapacity")
    assert metric.statistic == "Average"
    assert dict(metric.dimensions) == {"EndpointName": "ocr"}
    assert periods == {"period": 60, "count": 2 + MOST_EXTRA_DATAPOINTS, "end": 600.0, "unit": None}


@pytest.mark.parametrize("unit", [None, "Bytes"])
def test_the_metric_is_asked_for_by_its_unit(unit: str | None) -> None:
    """An alarm with a unit watches the samples of that unit, one without all of them."""
    cloudwatch = CloudWatch(ALARM | {"Unit": unit}, [1.0, 1.0])
    assert len(evaluate(cloudwatch)) == 1
    [(_, periods)] = cloudwatch.asked
    assert periods["unit"] == unit


def test_the_reason_names_the_datapoints_that_were_evaluated() -> None:
    """Not those before them, which are read in case that one is missing."""
    cloudwatch = CloudWatch(ALARM, [7.0, 7.0, 7.0, 7.0, 7.0, 1.0, 2.0])
    evaluate(cloudwatch)
    [(_, _, _, data)] = cloudwatch.set
    assert data["recentDatapoints"] == [1.0, 2.0]
    cloudwatch = CloudWatch(ALARM | {"StateValue": "OK"}, [None] * 7)
    evaluate(cloudwatch)
    [(_, state, _, data)] = cloudwatch.set
    assert (state, data["recentDatapoints"], data["evaluatedDatapoints"]) == ("INSUFFICIENT_DATA", [], [])
    assert "startDate" not in data


@pytest.mark.parametrize("end", [300.0, 360.0])
def test_periods_of_minutes_end_with_the_minute(end: float) -> None:
    """At the end of minute five they are minutes one to five, a minute later two to six."""
    cloudwatch = CloudWatch(ALARM | {"Period": 300, "EvaluationPeriods": 1, "DatapointsToAlarm": 1}, [1.0])
    evaluate(cloudwatch, end)
    [(_, periods)] = cloudwatch.asked
    assert periods == {"period": 300, "count": 1 + MOST_EXTRA_DATAPOINTS, "end": end, "unit": None}


def test_an_alarm_over_days_is_evaluated_once_an_hour() -> None:
    """As long as its periods exceed a day together."""
    cloudwatch = CloudWatch(ALARM | {"Period": 43_200, "EvaluationPeriods": 3, "DatapointsToAlarm": 1}, [1.0])
    assert evaluate(cloudwatch, 3_540.0) == []
    assert len(evaluate(cloudwatch, 3_600.0)) == 1
    assert len(evaluate(CloudWatch(ALARM | {"Period": 43_200}, [1.0]), 3_540.0)) == 1


@pytest.mark.parametrize(("window", "evaluated"), [({"SlidingWindow": {}}, 1), ({"WallClockWindow": {}}, 0)])
def test_only_windows_that_slide_are_evaluated(window: dict[str, Any], evaluated: int) -> None:
    """A window that follows the clock would be evaluated wrongly, so it is not evaluated at all."""
    assert len(evaluate(CloudWatch(ALARM | {"EvaluationWindow": window}, [1.0]))) == evaluated


def test_a_state_that_stays_is_not_set_again() -> None:
    """History has transitions only."""
    cloudwatch = CloudWatch(ALARM | {"StateValue": "OK"}, [0.0, 0.0])
    evaluate(cloudwatch)
    assert cloudwatch.set == []


def test_disabled_actions_are_not_named() -> None:
    """The alarm is evaluated all the same."""
    [alarm] = evaluate(CloudWatch(ALARM | {"ActionsEnabled": False}, [1.0, 1.0]))
    assert alarm.actions == ()


def test_an_alarm_that_the_engine_cannot_evaluate_is_reported_once(caplog: pytest.LogCaptureFixture) -> None:
    """An alarm that silently never fires would be found by nobody."""
    cloudwatch: Any = CloudWatch(ALARM | {"ExtendedStatistic": "p90"}, [1.0])
    evaluator = AlarmEvaluator(cloudwatch, cloudwatch)
    assert evaluator.evaluate(600.0) == []
    assert evaluator.evaluate(660.0) == []
    assert len([record for record in caplog.records if "is never evaluated" in record.message]) == 1


def test_an_alarm_on_metric_math_asks_for_every_metric() -> None:
    """MiniStack gives it empty members of an alarm on one metric, which do not count."""
    nothing: dict[str, Any] = {
        "MetricName": None,
        "Namespace": None,
        "Statistic": None,
        "Period": None,
        "Dimensions": [],
    }
    stat = {"Metric": {"Namespace": "N", "MetricName": "M", "Dimensions": []}, "Stat": "Maximum", "Period": 60}
    queries = [{"Id": "e", "Expression": "2 * m"}, {"Id": "m", "MetricStat": stat, "ReturnData": False}]
    cloudwatch = CloudWatch(ALARM | nothing | {"Metrics": queries}, [0.0, 0.5, 0.5])
    [alarm] = evaluate(cloudwatch)
    [(metric, _)] = cloudwatch.asked
    assert (metric.namespace, metric.name, metric.statistic) == ("N", "M", "Maximum")
    assert alarm.evaluation.state == "ALARM"


def test_metric_math_that_yields_several_series_is_refused(caplog: pytest.LogCaptureFixture) -> None:
    """That it does shows only when it is computed."""
    stat = {"Metric": {"Namespace": "N", "MetricName": "M", "Dimensions": []}, "Stat": "Maximum", "Period": 60}
    queries = [{"Id": "e", "Expression": "[m, m]"}, {"Id": "m", "MetricStat": stat, "ReturnData": False}]
    assert evaluate(CloudWatch(ALARM | {"Metrics": queries}, [1.0, 1.0])) == []
    [record] = caplog.records
    assert (record.levelname, "is never evaluated" in record.message) == ("WARNING", True)


class TwoAlarms(CloudWatch):
    """Two alarms, the first of which cannot be set."""

    def metric_alarms(self) -> list[tuple[Scope, dict[str, Any]]]:
        """Return both."""
        return [(SCOPE, self.alarm | {"AlarmName": "broken", "AlarmArn": "arn:broken"}), (SCOPE, self.alarm)]

    def set_state(self, scope: Scope, *transition: object) -> None:
        """Refuse the first one."""
        if transition[0] == "broken":
            raise AwsError("ResourceNotFound", "Alarm broken not found", status=404)
        super().set_state(scope, *transition)


def test_an_alarm_that_fails_is_reported_and_keeps_no_other_from_being_evaluated(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The line names the alarm, and the traceback says where it happened."""
    cloudwatch = TwoAlarms(ALARM, [1.0, 1.0])
    [alarm] = evaluate(cloudwatch)
    assert alarm.alarm.name == "wake"
    assert [transition[0] for transition in cloudwatch.set] == ["wake"]
    [record] = caplog.records
    assert (record.levelname, record.message) == ("ERROR", "the evaluation of arn:broken failed")
    assert record.exc_info is not None


def test_idle_minutes_from_before_a_rest_still_count_after_a_wake() -> None:
    """One minute without backlog is enough then, as long as they are within the alarm's range."""
    idle = {"ComparisonOperator": "LessThanThreshold", "EvaluationPeriods": 3, "DatapointsToAlarm": 3}
    [alarm] = evaluate(CloudWatch(ALARM | idle, [0.0, 0.0, None, None, 0.0]))
    assert alarm.evaluation.state == "ALARM"
    [alarm] = evaluate(CloudWatch(ALARM | idle, [0.0, 0.0, None, None, 1.0]))
    assert alarm.evaluation.state == "OK"


class OfTwo(CloudWatch):
    """One alarm, two metrics: the first published, the second not."""

    def statistics(self, scope: Scope, metric: Metric, **periods: object) -> list[float | None]:
        """Return the datapoints of the first, or none."""
        published = super().statistics(scope, metric, **periods)
        return published if metric.name == "M" else [None] * len(published)


@pytest.mark.parametrize(
    ("changed", "states"),
    [({"extra_datapoints": 1}, ["ALARM", "OK"]), ({"aggregates_leave_out_missing": False}, ["ALARM", "OK"])],
)
def test_alarms_are_evaluated_under_the_assumptions(changed: dict[str, Any], states: list[str]) -> None:
    """How far they look back, and whether metric math leaves a series without datapoints out."""
    queries: list[dict[str, Any]] = [
        {
            "Id": name.lower(),
            "MetricStat": {
                "Metric": {"Namespace": "N", "MetricName": name, "Dimensions": []},
                "Stat": "Maximum",
                "Period": 60,
            },
            "ReturnData": False,
        }
        for name in ("M", "O")
    ]
    alarm = ALARM | {
        "Metrics": [*queries, {"Id": "e", "Expression": "MAX([m, o])"}],
        "EvaluationPeriods": 2,
        "DatapointsToAlarm": 2,
        "TreatMissingData": "notBreaching",
    }
    found = []
    for assumptions in (DEFAULTS, replace(DEFAULTS, **changed)):
        cloudwatch: Any = OfTwo(alarm, [1.0, 1.0, None, None])
        [evaluated] = AlarmEvaluator(cloudwatch, cloudwatch, assumptions).evaluate(600.0)
        found.append(str(evaluated.evaluation.state))
    assert found == states
