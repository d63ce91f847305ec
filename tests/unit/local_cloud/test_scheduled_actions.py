"""Scheduled actions: how they are put, when they happen, and what they change."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from local_cloud.application_autoscaling.scaling import act_on_schedule
from local_cloud.application_autoscaling.scheduled_actions import ScheduledActionRecord, schedule_of
from local_cloud.errors import AwsError

if TYPE_CHECKING:
    from collections.abc import Callable

    from local_cloud.application_autoscaling.api import AutoScalingApi

DEFINITION = {"ScheduledActionName": "Morning", "ScalableTargetAction": {"MinCapacity": 1}}


def at(text: str) -> float:
    """Return a moment of one day in seconds since the epoch."""
    return datetime.fromisoformat(f"2026-03-02T{text}").replace(tzinfo=UTC).timestamp()


def action(schedule: str, **members: object) -> ScheduledActionRecord:
    """Return an action that was put at five past seven."""
    definition: dict[str, Any] = {**DEFINITION, "Schedule": schedule, **members}
    return ScheduledActionRecord(
        arn="arn", created_at=at("07:05"), definition=definition, schedule=schedule_of(definition)
    )


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        (action("cron(10 8 ? * MON-FRI *)", Timezone="Europe/Berlin"), ["07:10"]),
        (action("rate(10 minutes)"), ["07:15", "07:25"]),
        (action("rate(10 minutes)", StartTime=at("07:08")), ["07:18", "07:28"]),
        (action("rate(10 minutes)", EndTime=at("07:20")), ["07:15"]),
        (action("cron(* * * * ? *)", StartTime=at("07:28"), EndTime=at("07:29")), ["07:28", "07:29"]),
        (action("at(2026-03-02T07:10:30)"), ["07:11"]),
        (action("at(2026-03-02T08:11:00)", Timezone="Europe/Berlin"), ["07:11"]),
        (action("at(2025-03-02T07:11:00)"), []),
    ],
)
def test_actions_happen_at_their_minutes(record: ScheduledActionRecord, expected: list[str]) -> None:
    """Never before their moment, and never twice."""
    minutes = [f"07:{minute:02}" for minute in range(5, 31)]
    assert expected == [minute for minute in minutes if record.is_due(at(minute))]


@pytest.fixture
def put(registered: Callable[..., Any]) -> Callable[..., Any]:
    """Puts an action of a target of 0 to 2 instances."""
    return lambda **members: registered("PutScheduledAction", DEFINITION | members)


def described(call: Callable[..., Any], **members: object) -> list[dict[str, Any]]:
    """Return what ``DescribeScheduledActions`` shows."""
    actions: list[dict[str, Any]] = call("DescribeScheduledActions", members)["ScheduledActions"]
    return actions


def test_an_action_is_described_until_it_is_deleted(registered: Callable[..., Any], put: Callable[..., Any]) -> None:
    """Its moments are numbers, however they were written."""
    put(Schedule="rate(1 hour)", StartTime="1970-01-01T00:01:00Z")
    [shown] = described(registered, ScheduledActionNames=["Morning"])
    assert (shown["Schedule"], shown["StartTime"], shown["CreationTime"]) == ("rate(1 hour)", 60.0, 1000.0)
    assert shown["ScheduledActionARN"].endswith("/variant/AllTraffic:scheduledActionName/Morning")
    assert described(registered, ScheduledActionNames=["Evening"]) == []
    registered("DeleteScheduledAction", {"ScheduledActionName": "Morning"})
    assert described(registered) == []
    with pytest.raises(AwsError) as refusal:
        registered("DeleteScheduledAction", {"ScheduledActionName": "Morning"})
    assert refusal.value.code == "ObjectNotFoundException"


def test_an_update_keeps_what_it_leaves_out_except_the_bounds(
    registered: Callable[..., Any], put: Callable[..., Any]
) -> None:
    """AWS documents both."""
    put(Schedule="rate(1 hour)", StartTime=60, EndTime=120)
    [before] = described(registered)
    put(ScalableTargetAction={"MaxCapacity": 1})
    [after] = described(registered)
    assert after["ScalableTargetAction"] == {"MaxCapacity": 1}
    assert (after["Schedule"], after["ScheduledActionARN"]) == ("rate(1 hour)", before["ScheduledActionARN"])
    assert after.keys() & {"StartTime", "EndTime"} == set()


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({}, "Schedule is missing"),
        ({"Schedule": "daily"}, "no cron"),
        ({"Schedule": "at(2026-13-01T00:00:00)"}, "month must be in 1..12"),
        ({"Schedule": "rate(1 hour)", "Timezone": "Europe/Atlantis"}, "Timezone 'Europe/Atlantis' is none"),
        ({"Schedule": "rate(1 hour)", "Timezone": "Europe"}, "Timezone 'Europe' is none"),
        ({"Schedule": "rate(1 hour)", "StartTime": "soon"}, "soon"),
        ({"Schedule": "rate(1 hour)", "ScalableTargetAction": {}}, "needs MinCapacity, MaxCapacity or both"),
        ({"Schedule": "rate(1 hour)", "ScalableTargetAction": {"MinCapacity": 2, "MaxCapacity": 1}}, "2 to 1"),
    ],
)
def test_an_action_that_cannot_be_is_refused(put: Callable[..., Any], members: dict[str, Any], message: str) -> None:
    """As a validation error that says what is wrong."""
    with pytest.raises(AwsError, match=message) as refusal:
        put(**members)
    assert refusal.value.code == "ValidationException"


def test_an_action_needs_a_target(call: Callable[..., Any]) -> None:
    """The code is the one that AWS documents."""
    with pytest.raises(AwsError) as refusal:
        call("PutScheduledAction", DEFINITION | {"Schedule": "rate(1 hour)"})
    assert refusal.value.code == "ObjectNotFoundException"


def test_what_is_due_changes_the_limits(
    api: AutoScalingApi, registered: Callable[..., Any], put: Callable[..., Any]
) -> None:
    """A limit that is not named stays, and the activity says why."""
    put(Schedule="rate(1 minute)")
    [target] = api.targets
    act_on_schedule(target, 1_000.0)
    assert target.scaling.limits.min_capacity == 0
    act_on_schedule(target, 1_060.0)
    assert (target.scaling.limits.min_capacity, target.scaling.limits.max_capacity) == (1, 2)
    [activity] = registered("DescribeScalingActivities")["ScalingActivities"]
    assert (activity["Cause"], activity["Description"], activity["StatusCode"]) == (
        "scheduled action name Morning was triggered",
        "Setting min capacity to 1 and max capacity to 2",
        "Successful",
    )


def test_what_falls_due_while_scheduled_scaling_is_suspended_never_happens(
    api: AutoScalingApi, registered: Callable[..., Any], put: Callable[..., Any]
) -> None:
    """Resumed, only what is due from then on happens."""
    put(Schedule="at(1970-01-01T00:17:00)", ScalableTargetAction={"MinCapacity": 2})
    [target] = api.targets
    registered("RegisterScalableTarget", {"SuspendedState": {"ScheduledScalingSuspended": True}})
    act_on_schedule(target, 1_020.0)
    registered("RegisterScalableTarget", {"SuspendedState": {"ScheduledScalingSuspended": False}})
    act_on_schedule(target, 1_080.0)
    assert target.scaling.limits.min_capacity == 0
    assert registered("DescribeScalingActivities")["ScalingActivities"] == []


def test_an_action_that_would_cross_the_limits_fails(
    api: AutoScalingApi, registered: Callable[..., Any], put: Callable[..., Any]
) -> None:
    """They stay, and the activity tells."""
    put(Schedule="rate(1 minute)", ScalableTargetAction={"MinCapacity": 3})
    [target] = api.targets
    act_on_schedule(target, 1_060.0)
    assert (target.scaling.limits.min_capacity, target.scaling.limits.max_capacity) == (0, 2)
    [activity] = registered("DescribeScalingActivities")["ScalingActivities"]
    assert activity["StatusCode"] == "Failed"
    assert "3 to 2 instances" in activity["StatusMessage"]


def test_activities_come_in_pages(api: AutoScalingApi, registered: Callable[..., Any], put: Callable[..., Any]) -> None:
    """The newest first, as many as are asked for."""
    put(Schedule="rate(1 minute)")
    [target] = api.targets
    for now in (1_060.0, 1_120.0, 1_180.0):
        act_on_schedule(target, now)
    first = registered("DescribeScalingActivities", {"MaxResults": 2})
    second = registered("DescribeScalingActivities", {"MaxResults": 2, "NextToken": first["NextToken"]})
    shown = [[activity["StartTime"] for activity in page["ScalingActivities"]] for page in (first, second)]
    assert (shown, "NextToken" in second) == ([[1_180.0, 1_120.0], [1_060.0]], False)
    with pytest.raises(AwsError) as refusal:
        registered("DescribeScalingActivities", {"NextToken": "made up"})
    assert refusal.value.code == "InvalidNextTokenException"
