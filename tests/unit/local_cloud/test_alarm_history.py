"""Items of an alarm's history say what happened, for people and for programs."""

from __future__ import annotations

import json

from local_cloud.cloudwatch.alarm_history import (
    HISTORY_RETENTION_SECONDS,
    INITIAL_STATE,
    action,
    configuration_update,
    forget,
    last_state,
    state_update,
)

ALARM = {"AlarmName": "slow", "StateValue": "OK", "StateReason": "settled", "StateUpdatedTimestamp": 1_800_000_000.5}


def test_data_that_is_no_json_is_kept_as_it_is() -> None:
    """Whoever calls ``SetAlarmState`` may write what he likes."""
    item = state_update(ALARM | {"StateReasonData": "drill"}, INITIAL_STATE, 1_800_000_000.5)
    assert json.loads(item["HistoryData"])["newState"]["stateReasonData"] == "drill"
    assert (item["Timestamp"], item["AlarmType"]) == ("2027-01-15T08:00:00.500Z", "MetricAlarm")


def test_configurations_have_the_names_and_times_of_json() -> None:
    """Names in lower camel case, moments with milliseconds, and no members that are not set."""
    alarm = ALARM | {
        "AlarmRule": "TRUE",
        "AlarmConfigurationUpdatedTimestamp": 1_800_000_000,
        "Unit": None,
        "Dimensions": [{"Name": "Branch", "Value": "north"}],
    }
    item = configuration_update(alarm, "Delete", 1_800_000_001.0)
    deleted = json.loads(item["HistoryData"])["deletedAlarm"]
    assert deleted["alarmConfigurationUpdatedTimestamp"] == "2027-01-15T08:00:00.000+0000"
    assert deleted["dimensions"] == [{"name": "Branch", "value": "north"}]
    assert "unit" not in deleted
    assert (item["HistorySummary"], item["AlarmType"]) == ('Alarm "slow" deleted', "CompositeAlarm")


def test_an_action_that_failed_says_why() -> None:
    """In the summary and in the data."""
    item = action(ALARM, "arn:topic", "{}", "no right", 1_800_000_001.0)
    data = json.loads(item["HistoryData"])
    assert item["HistorySummary"] == 'Failed to execute action arn:topic. Received error: "no right"'
    assert (data["actionState"], data["error"], data["stateUpdateTimestamp"]) == (
        "Failed",
        "no right",
        1_800_000_000_500,
    )


def test_after_thirty_days_an_item_is_forgotten() -> None:
    """CloudWatch shows history no longer."""
    items = [state_update(ALARM, INITIAL_STATE, moment) for moment in (1_800_000_000.0, 1_800_000_060.0)]
    forget(items, 1_800_000_000.0 + HISTORY_RETENTION_SECONDS)
    assert len(items) == 2
    forget(items, 1_800_000_001.0 + HISTORY_RETENTION_SECONDS)
    assert [item["Timestamp"] for item in items] == ["2027-01-15T08:01:00.000Z"]


def test_the_last_state_is_that_of_the_alarm_that_there_is() -> None:
    """An update leaves it; an alarm that was deleted and made again has none of it."""
    alarm = ALARM | {"AlarmConfigurationUpdatedTimestamp": 1_800_000_000}
    created, updated, deleted = (
        configuration_update(alarm, change, 1_800_000_000.0) for change in ("Create", "Update", "Delete")
    )
    settled = state_update(ALARM, INITIAL_STATE, 1_800_000_000.0)
    published = action(ALARM, "arn:topic", "{}", None, 1_800_000_000.0)
    other = state_update(ALARM | {"AlarmName": "other", "StateReason": "another"}, INITIAL_STATE, 1_800_000_000.0)
    assert last_state([created], "slow") == last_state([], "slow") == INITIAL_STATE
    assert last_state([created, settled, published, updated, other], "slow")["stateReason"] == "settled"
    assert last_state([created, settled, deleted], "slow") == INITIAL_STATE
    assert last_state([created, settled, deleted, created], "slow") == INITIAL_STATE
