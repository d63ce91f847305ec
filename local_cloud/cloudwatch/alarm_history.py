"""The items of an alarm's history as ``DescribeAlarmHistory`` shows them.

Source: the service model of ``AlarmHistoryItem``; what is in ``HistoryData`` is as in items that users have posted.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from local_cloud.clock import iso_timestamp
from local_cloud.cloudwatch.alarm_time import alarm_timestamp

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from local_cloud.json_api import Members

HISTORY_RETENTION_SECONDS: Final = 30 * 86_400
"""Simulated seconds for which CloudWatch shows an item. Source: *CloudWatch User Guide*, "Using CloudWatch alarms"."""

INITIAL_STATE: Final[Mapping[str, str]] = {
    "stateValue": "INSUFFICIENT_DATA",
    "stateReason": "Unchecked: Initial alarm creation",
}
"""Of every new alarm."""

_CHANGES: Final = {"Create": "created", "Update": "updated", "Delete": "deleted"}


def state_of(alarm: Members) -> dict[str, Any]:
    """Return an alarm's present state as history has it."""
    state: dict[str, Any] = {"stateValue": alarm["StateValue"], "stateReason": alarm["StateReason"]}
    if data := alarm.get("StateReasonData"):
        state["stateReasonData"] = _parsed(data)
    return state


def state_update(alarm: Members, old_state: Members, now: float) -> dict[str, Any]:
    """Return the item for an alarm that is in another state since ``now`` (simulated seconds since the epoch)."""
    new_state = state_of(alarm)
    summary = f"Alarm updated from {old_state['stateValue']} to {new_state['stateValue']}"
    data = {"version": "1.0", "oldState": dict(old_state), "newState": new_state}
    return _item(alarm, "StateUpdate", summary, data, now)


def configuration_update(alarm: Members, change: str, now: float) -> dict[str, Any]:
    """Return the item for an alarm that was changed: ``Create``, ``Update`` or ``Delete``."""
    done = _CHANGES[change]
    data = {"version": "1.0", "type": change, f"{done}Alarm": _lower_camel_case(alarm)}
    return _item(alarm, "ConfigurationUpdate", f'Alarm "{alarm["AlarmName"]}" {done}', data, now)


def action(alarm: Members, arn: str, message: str, error: str | None, now: float) -> dict[str, Any]:
    """Return the item for an action; ``error`` says why it failed."""
    summary = (
        f"Successfully executed action {arn}"
        if error is None
        else f'Failed to execute action {arn}. Received error: "{error}"'
    )
    data = {
        "actionState": "Succeeded" if error is None else "Failed",
        "stateUpdateTimestamp": round(alarm["StateUpdatedTimestamp"] * 1_000),
        "notificationResource": arn,
        "publishedMessage": json.dumps({"default": message}),
        "error": error,
    }
    return _item(alarm, "Action", summary, data, now)


def last_state(items: Sequence[Members], name: str) -> dict[str, Any]:
    """Return the state in which ``items``, oldest first, leave the alarm of a name; a new one may have an old name."""
    for item in reversed(items):
        if item["AlarmName"] == name and item["HistoryItemType"] != "Action":
            data: dict[str, Any] = json.loads(item["HistoryData"])
            if item["HistoryItemType"] == "StateUpdate":
                return dict(data["newState"])
            if data["type"] != "Update":
                break
    return dict(INITIAL_STATE)


def forget(items: list[Any], now: float) -> None:
    """Remove those of ``items``, oldest first, that are older at ``now`` than they are kept."""
    oldest = iso_timestamp(now - HISTORY_RETENTION_SECONDS)
    items[:] = [item for item in items if item["Timestamp"] >= oldest]


def _item(alarm: Members, item_type: str, summary: str, data: Members, now: float) -> dict[str, Any]:
    return {
        "AlarmName": alarm["AlarmName"],
        "AlarmType": "CompositeAlarm" if "AlarmRule" in alarm else "MetricAlarm",
        "Timestamp": iso_timestamp(now),
        "HistoryItemType": item_type,
        "HistorySummary": summary,
        "HistoryData": json.dumps(data),
    }


def _parsed(text: str) -> object:
    """Return the JSON in ``text``; callers of ``SetAlarmState`` may have written something else."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def _lower_camel_case(value: Any, name: str = "") -> Any:  # noqa: ANN401 - any member of an alarm
    if isinstance(value, dict):
        return {
            key[:1].lower() + key[1:]: _lower_camel_case(item, key) for key, item in value.items() if item is not None
        }
    if isinstance(value, list):
        return [_lower_camel_case(item) for item in value]
    return alarm_timestamp(value) if name.endswith("Timestamp") else value
