"""Scheduled actions: the minutes at which they happen."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from scaling_engine.exceptions import ScalingConfigurationError
from scaling_engine.schedules import ScheduledAction, scheduled_action_from_api

MONDAY = datetime(2024, 1, 1, tzinfo=UTC)


def due(schedule: str, timezone: str = "UTC", days: int = 7) -> list[str]:
    """Return the minutes of a week at which the action happens."""
    action = ScheduledAction(name="a", schedule=schedule, timezone=timezone)
    minutes = ((MONDAY + timedelta(minutes=minute), minute * 60.0) for minute in range(days * 24 * 60))
    return [f"{minute:%a %H:%M}" for minute, elapsed in minutes if action.is_due(minute, elapsed)]


@pytest.mark.parametrize(
    ("schedule", "timezone", "expected"),
    [
        ("cron(30 7 ? * MON-WED *)", "UTC", ["Mon 07:30", "Tue 07:30", "Wed 07:30"]),
        ("cron(0 8 ? * SAT,SUN *)", "Europe/Berlin", ["Sat 07:00", "Sun 07:00"]),
        ("cron(0/30 6 2 JAN ? *)", "UTC", ["Tue 06:00", "Tue 06:30"]),
        ("cron(0 0 ? * 1 *)", "UTC", ["Sun 00:00"]),
        ("rate(2 days)", "UTC", ["Wed 00:00", "Fri 00:00", "Sun 00:00"]),
    ],
)
def test_a_schedule_is_due_at_its_minutes(schedule: str, timezone: str, expected: list[str]) -> None:
    """Weeks begin on Sunday, and a time zone moves the hours."""
    assert expected == due(schedule, timezone)


@pytest.mark.parametrize(
    "schedule", ["cron(0 8 * * *)", "cron(0 8 ? * L *)", "cron(60 8 ? * * *)", "cron(0 8 ? * * 2024)", "at(2024-01-01)"]
)
def test_what_is_not_supported_is_refused(schedule: str) -> None:
    """The line names the action and the schedule."""
    with pytest.raises(ScalingConfigurationError, match=r"^scheduled action a: "):
        ScheduledAction(name="a", schedule=schedule)


def test_an_action_is_read_from_a_template() -> None:
    """Limits that it does not name stay."""
    action = scheduled_action_from_api(
        {
            "ScheduledActionName": "up",
            "Schedule": "cron(0 8 ? * * *)",
            "Timezone": "UTC",
            "ScalableTargetAction": {"MinCapacity": "2"},
        }
    )
    assert (action.min_capacity, action.max_capacity) == (2, None)


@pytest.mark.parametrize("timezone", ["Europe/Berln", "", "../etc"])
def test_a_time_zone_that_nobody_knows_is_refused(timezone: str) -> None:
    """In one line, before anything is simulated."""
    with pytest.raises(ScalingConfigurationError, match=f"^scheduled action a: no time zone '{timezone}'"):
        ScheduledAction(name="a", schedule="rate(1 day)", timezone=timezone)
