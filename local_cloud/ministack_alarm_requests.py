"""What requests and templates say of alarms, where MiniStack forgets it or takes what nobody could evaluate."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from local_cloud.service_model import input_shape
from scaling_engine.alarms import AlarmState

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from local_cloud.json_api import Members

PRIVATE_NAMES: Final[Mapping[str, tuple[str, ...]]] = {
    "ministack.services.cloudformation.provisioners": ("_cw_metric_alarm_record",),
    "ministack.services.cloudwatch": (
        "_alarms",
        "_error",
        "_p",
        "_put_composite_alarm",
        "_put_metric_alarm",
        "_set_alarm_state",
    ),
}
"""What is used of MiniStack, by module."""

_OF_ONE_METRIC: Final = ("MetricName", "Namespace", "Statistic", "Period")
_KEPT_BY_UPDATES: Final = ("StateReasonData", "StateTransitionedTimestamp")


def keep_members(now: Callable[[], float]) -> None:
    """Let alarms keep all that was said of them, metric math first of all, which MiniStack refuses in templates."""
    cloudwatch: Any = import_module("ministack.services.cloudwatch")
    provisioners: Any = import_module("ministack.services.cloudformation.provisioners")
    record, put = provisioners._cw_metric_alarm_record, cloudwatch._put_metric_alarm  # noqa: SLF001

    def record_of_template(name: str, properties: Members) -> Members:
        before = cloudwatch._alarms.get(name) or {"StateUpdatedTimestamp": now()}  # noqa: SLF001
        known = {key: value for key, value in properties.items() if key != "Metrics"}
        instead = {"MetricName": name, "Namespace": name} if properties.get("Metrics") else {}
        alarm = record(name, known | instead) | {"AlarmConfigurationUpdatedTimestamp": now()}
        return complete(alarm, properties, before) | {"StateUpdatedTimestamp": before["StateUpdatedTimestamp"]}

    def put_request(params: Members, members: Members, *protocol: bool) -> object:
        name = _member(params, members, "AlarmName")
        before = cloudwatch._alarms.get(name, {})  # noqa: SLF001
        answer: object = put(params, members, *protocol)
        if (alarm := cloudwatch._alarms.get(name)) is not None and alarm is not before:  # noqa: SLF001
            alarm.update(complete(alarm, members or {}, before))
        return answer

    provisioners._cw_metric_alarm_record = record_of_template  # noqa: SLF001
    cloudwatch._put_metric_alarm = put_request  # noqa: SLF001


def check_requests() -> None:
    """Refuse suppressed actions and states that there are not; let an alarm's state lose the data of the last one."""
    cloudwatch: Any = import_module("ministack.services.cloudwatch")
    put_composite, set_state = cloudwatch._put_composite_alarm, cloudwatch._set_alarm_state  # noqa: SLF001

    def refusal(text: str, is_cbor: bool = False, is_json: bool = False) -> object:  # noqa: FBT001, FBT002 - MiniStack's
        error: object = cloudwatch._error("ValidationError", text, 400, use_json=is_json, use_cbor=is_cbor)  # noqa: SLF001
        return error

    def put_composite_request(params: Members, members: Members, *protocol: bool) -> object:
        if _member(params, members, "ActionsSuppressor"):
            return refusal("the local cloud suppresses no actions: leave ActionsSuppressor out", *protocol)
        return put_composite(params, members, *protocol)

    def set_state_request(params: Members, members: Members, *protocol: bool) -> object:
        state = _member(params, members, "StateValue")
        if state not in list(AlarmState):
            constraint = f"Member must satisfy enum value set: [{', '.join(AlarmState)}]"
            problem = f"Value '{state}' at 'stateValue' failed to satisfy constraint: {constraint}"
            return refusal(f"1 validation error detected: {problem}", *protocol)
        alarm = cloudwatch._alarms.get(_member(params, members, "AlarmName"))  # noqa: SLF001
        if alarm is not None:
            alarm.pop("StateReasonData", None)
        return set_state(params, members, *protocol)

    cloudwatch._put_composite_alarm = put_composite_request  # noqa: SLF001
    cloudwatch._set_alarm_state = set_state_request  # noqa: SLF001


def complete(alarm: Members, members: Members, before: Members) -> dict[str, Any]:
    """Return what MiniStack made of an alarm with what it left out.

    Args:
        alarm: what it made.
        members: of ``PutMetricAlarm``, or a template's properties.
        before: the alarm of the same name that it replaces; empty if there was none.
    """
    known = input_shape("cloudwatch", "PutMetricAlarm").members
    forgotten = {name: value for name, value in members.items() if name in known and name not in alarm}
    forgotten.pop("Tags", None)
    kept = {name: before[name] for name in _KEPT_BY_UPDATES if name in before}
    nothing = dict.fromkeys(_OF_ONE_METRIC) if members.get("Metrics") else {}
    return {**alarm, **nothing, **forgotten, **kept}


def _member(params: Members, members: Members, name: str) -> str:
    """Return a member of a request in any of CloudWatch's protocols; empty where it is missing."""
    cloudwatch: Any = import_module("ministack.services.cloudwatch")
    return str((members or {}).get(name) or cloudwatch._p(params, name))  # noqa: SLF001
