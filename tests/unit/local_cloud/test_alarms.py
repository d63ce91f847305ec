"""Alarms are evaluated by the scaling engine on what CloudWatch keeps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from local_cloud.cloudwatch.alarms import AlarmEvaluator
from local_cloud.errors import AwsError
from local_cloud.scope import Scope

if TYPE_CHECKING:
    from collections.abc import Callable

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
    """One alarm, one metric, and what was called."""

    def __init__(self, alarm: dict[str, Any], datapoints: list[float | None]) -> None:
        self.alarm = alarm
        self.datapoints = datapoints
        self.asked: list[tuple[Any, ...]] = []
        self.calls: list[tuple[str, str, Any]] = []

    def alarms(self) -> list[tuple[Scope, dict[str, Any]]]:
        """Return the alarm."""
        return [(SCOPE, self.alarm)]

    def enter(self, scope: Scope) -> None:
        """Accept the one scope."""
        assert scope == SCOPE

    def statistics(self, *metric: object, **periods: object) -> list[float | None]:
        """Return the datapoints."""
        self.asked.append((*metric, periods))
        return self.datapoints

    async def call(self, service: str, operation: str, members: object) -> dict[str, Any]:
        """Remember the call."""
        self.calls.append((service, operation, members))
        return {}


@pytest.fixture
def evaluate(finish: Callable[..., Any]) -> Callable[[Any], Any]:
    """Evaluates at 600."""
    return lambda cloudwatch: finish(AlarmEvaluator(cloudwatch).evaluate(600.0))


def test_a_breach_sets_the_state_and_names_the_actions(evaluate: Callable[[Any], Any]) -> None:
    """The new state goes through ``SetAlarmState``, which records and notifies."""
    cloudwatch = CloudWatch(ALARM, [None, None, 1.0, 1.0])
    [alarm] = evaluate(cloudwatch)
    [(service, operation, change)] = cloudwatch.calls
    assert (service, operation, change["StateValue"]) == ("monitoring", "SetAlarmState", "ALARM")
    assert alarm.actions == ("arn:policy",)


def test_the_metric_is_asked_for_by_its_exact_dimensions(evaluate: Callable[[Any], Any]) -> None:
    """Dimensions that nobody publishes under find nothing."""
    cloudwatch = CloudWatch(ALARM, [])
    evaluate(cloudwatch)
    [(namespace, name, dimensions, statistic, periods)] = cloudwatch.asked
    assert (namespace, name, statistic) == ("AWS/SageMaker", "HasBacklogWithoutCapacity", "Average")
    assert dimensions == {"EndpointName": "ocr"}
    assert (periods["period"], periods["end"]) == (60, 600.0)


@pytest.mark.parametrize("unit", [None, "Bytes"])
def test_the_metric_is_asked_for_by_its_unit(evaluate: Callable[[Any], Any], unit: str | None) -> None:
    """An alarm with a unit watches the samples of that unit, one without all of them."""
    cloudwatch = CloudWatch(ALARM | {"Unit": unit}, [1.0, 1.0])
    [alarm] = evaluate(cloudwatch)
    assert alarm.alarm.name == "wake"
    [(*_, periods)] = cloudwatch.asked
    assert periods["unit"] == unit


def test_a_state_that_stays_is_not_set_again(evaluate: Callable[[Any], Any]) -> None:
    """History has transitions only."""
    cloudwatch = CloudWatch(ALARM | {"StateValue": "OK"}, [0.0, 0.0])
    evaluate(cloudwatch)
    assert cloudwatch.calls == []


def test_disabled_actions_are_not_named(evaluate: Callable[[Any], Any]) -> None:
    """The alarm is evaluated all the same."""
    [alarm] = evaluate(CloudWatch(ALARM | {"ActionsEnabled": False}, [1.0, 1.0]))
    assert alarm.actions == ()


def test_an_alarm_that_the_engine_cannot_evaluate_is_reported_once(
    caplog: pytest.LogCaptureFixture, finish: Callable[..., Any]
) -> None:
    """An alarm that silently never fires would be found by nobody."""
    evaluator: Any = AlarmEvaluator(CloudWatch(ALARM | {"ExtendedStatistic": "p90"}, [1.0]))  # type: ignore[arg-type]
    assert finish(evaluator.evaluate(600.0)) == []
    assert finish(evaluator.evaluate(660.0)) == []
    assert len([record for record in caplog.records if "is never evaluated" in record.message]) == 1


def test_an_alarm_on_metric_math_asks_for_every_metric(evaluate: Callable[[Any], Any]) -> None:
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
    assert [asked[:4] for asked in cloudwatch.asked] == [("N", "M", {}, "Maximum")]
    assert alarm.evaluation.state == "ALARM"


class DeletedAlarm(CloudWatch):
    """An alarm that is deleted while alarms are evaluated."""

    async def call(self, _service: str, _operation: str, members: object) -> dict[str, Any]:
        """Refuse the call."""
        raise AwsError("ResourceNotFound", f"{members} not found", status=404)


def test_an_alarm_that_is_deleted_meanwhile_decides_nothing(evaluate: Callable[[Any], Any]) -> None:
    """Nor does it end the minutes of the local cloud."""
    assert evaluate(DeletedAlarm(ALARM, [1.0, 1.0])) == []


def test_idle_minutes_from_before_a_rest_still_count_after_a_wake(evaluate: Callable[[Any], Any]) -> None:
    """One minute without backlog is enough then, as long as they are within the alarm's range."""
    idle = {"ComparisonOperator": "LessThanThreshold", "EvaluationPeriods": 3, "DatapointsToAlarm": 3}
    [alarm] = evaluate(CloudWatch(ALARM | idle, [0.0, 0.0, None, None, 0.0]))
    assert alarm.evaluation.state == "ALARM"
    [alarm] = evaluate(CloudWatch(ALARM | idle, [0.0, 0.0, None, None, 1.0]))
    assert alarm.evaluation.state == "OK"
