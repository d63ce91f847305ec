"""The alarms of MiniStack's CloudWatch; beside the bridge the only module that knows how it keeps them.

MiniStack keeps alarms and evaluates the rules of composite ones. It does not evaluate metric alarms here
(:mod:`local_cloud.cloudwatch.alarms` does), and what it tells topics and history of a transition is this project's.
"""

from __future__ import annotations

import functools
import json
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from local_cloud.cloudwatch import alarm_history
from local_cloud.cloudwatch.alarm_message import message, subject
from local_cloud.errors import AwsError
from local_cloud.ministack_alarm_requests import check_requests, keep_members
from local_cloud.ministack_context import current_scope, enter
from local_cloud.scope import Scope

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from local_cloud.json_api import Members
    from scaling_engine.alarms import AlarmState

_CHANGE_CONFIGURATIONS: Final = (
    "_delete_alarms",
    "_disable_alarm_actions",
    "_enable_alarm_actions",
    "_put_composite_alarm",
    "_put_metric_alarm",
    "cloudformation_delete_metric_alarm",
    "cloudformation_put_metric_alarm",
)

PRIVATE_NAMES: Final[Mapping[str, tuple[str, ...]]] = {
    "ministack.services.cloudwatch": (
        *_CHANGE_CONFIGURATIONS,
        "_alarms",
        "_composite_alarms",
        "_dispatch_alarm_actions",
        "_evaluate_alarm",
        "_history_entries",
        "_record_history",
        "_set_alarm_state",
    ),
    "ministack.core.iam_evaluator": ("pin_request_origin",),
    "ministack.services.sns": ("SnsPublishError", "_topic_by_arn_any_scope", "publish_internal", "topic_policy_allows"),
}
"""What is used of MiniStack, by module."""

_ACTIONS: Final = {"ALARM": "AlarmActions", "OK": "OKActions", "INSUFFICIENT_DATA": "InsufficientDataActions"}
_AWS_MANAGED_KEY: Final = "alias/aws/sns"


class MiniStackAlarms:
    """The alarms of this process.

    Args:
        now: the simulated moment, in seconds since the epoch.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        # Any: MiniStack carries no types.
        self._cloudwatch: Any = import_module("ministack.services.cloudwatch")
        self._sns: Any = import_module("ministack.services.sns")
        self._evaluator: Any = import_module("ministack.core.iam_evaluator")
        self._now = now
        keep_members(now)
        check_requests()
        self._take_over()

    def metric_alarms(self) -> Iterator[tuple[Scope, Members]]:
        """Yield every metric alarm, as ``DescribeAlarms`` describes it, with its account and region."""
        for (account, region, _), alarm in self._cloudwatch._alarms.to_dict().items():  # noqa: SLF001
            yield Scope(account, region), alarm

    def states(self, scope: Scope) -> dict[str, str]:
        """Return the states of the metric and the composite alarms of one scope, by name."""
        enter(scope)
        return {name: alarm["StateValue"] for name, alarm in self._all().items()}

    def set_state(self, scope: Scope, name: str, state: AlarmState, reason: str, reason_data: Members) -> None:
        """Set an alarm's state as its evaluation has it, which records a transition and acts on it.

        Raises:
            AwsError: there is no such alarm.
        """
        enter(scope)
        members = {"AlarmName": name, "StateValue": str(state), "StateReason": reason}
        members["StateReasonData"] = json.dumps(reason_data)
        status, _, body = self._cloudwatch._set_alarm_state({}, members, False, True)  # noqa: FBT003, SLF001
        if status >= 400:  # noqa: PLR2004 - the first of HTTP's errors
            error = json.loads(body)
            raise AwsError(error["__type"], error["message"], status=status)

    def _take_over(self) -> None:
        self._cloudwatch._evaluate_alarm = lambda _alarm: None  # noqa: SLF001
        self._cloudwatch._record_history = self._record_state  # noqa: SLF001
        self._cloudwatch._dispatch_alarm_actions = self._act  # noqa: SLF001
        for name in _CHANGE_CONFIGURATIONS:
            setattr(self._cloudwatch, name, self._recorded(getattr(self._cloudwatch, name)))

    def _recorded(self, change: Callable[..., object]) -> Callable[..., object]:
        """Return ``change`` with an item of history for each alarm whose configuration it changes."""

        @functools.wraps(change)
        def changing(*arguments: Any, **options: Any) -> object:  # noqa: ANN401 - as MiniStack calls it
            entries = self._cloudwatch._history_entries()  # noqa: SLF001
            before, position = self._configurations(), len(entries)
            result = change(*arguments, **options)
            # Before the transitions that follow from it.
            entries[position:position] = _configuration_updates(before, self._configurations(), self._now())
            return result

        return changing

    def _record_state(self, name: str, old_state: str, new_state: str, *_: object) -> None:
        """Record a transition; MiniStack reports every new alarm as one."""
        if old_state == new_state:
            return
        entries, now = self._cloudwatch._history_entries(), self._now()  # noqa: SLF001
        alarm_history.forget(entries, now)
        before = alarm_history.last_state(entries, name) | {"stateValue": old_state}
        entries.append(alarm_history.state_update(self._all()[name], before, now))

    def _act(self, alarm: dict[str, Any], old_state: str, new_state: str, _reason: str) -> None:
        """Publish a transition to the topics that the new state names; scaling policies act for themselves."""
        alarm["StateTransitionedTimestamp"] = alarm["StateUpdatedTimestamp"] = round(self._now(), 3)
        topics = [arn for arn in alarm.get(_ACTIONS[new_state]) or () if ":sns:" in arn]
        if not topics or not alarm.get("ActionsEnabled", True):
            return
        text = message(alarm, old_state, current_scope())
        entries = self._cloudwatch._history_entries()  # noqa: SLF001
        for arn in topics:
            error = self._publish(arn, alarm, text)
            entries.append(alarm_history.action(alarm, arn, text, error, self._now()))

    def _publish(self, topic_arn: str, alarm: Members, text: str) -> str | None:
        """Publish with no rights but those that the topic's policy gives CloudWatch; returns why it failed."""
        scope, arn = current_scope(), alarm["AlarmArn"]
        topic = self._sns._topic_by_arn_any_scope(topic_arn)  # noqa: SLF001
        if topic is None:
            return "Topic does not exist"
        if topic["attributes"].get("KmsMasterKeyId", "").endswith(_AWS_MANAGED_KEY):
            return "CloudWatch Alarms does not have authorization to access the SNS topic encryption key."
        # CloudWatch publishes over TLS, which policies ask for; here no request says so.
        self._evaluator.pin_request_origin("127.0.0.1", True)  # noqa: FBT003
        if not self._sns.topic_policy_allows(topic_arn, "cloudwatch.amazonaws.com", arn, scope.account):
            return f"Resource: {arn} is not authorized to perform: SNS:Publish on resource: {topic_arn}"
        try:
            self._sns.publish_internal(topic_arn, text, subject(alarm, scope.region))
        except self._sns.SnsPublishError as error:
            return str(error)
        return None

    def _configurations(self) -> dict[str, Members]:
        return {
            name: {key: value for key, value in alarm.items() if not key.startswith("State")}
            for name, alarm in self._all().items()
        }

    def _all(self) -> dict[str, dict[str, Any]]:
        """Return the alarms of the current scope by name, which is unique among both kinds."""
        return dict(self._cloudwatch._alarms.items()) | dict(self._cloudwatch._composite_alarms.items())  # noqa: SLF001


def _configuration_updates(
    before: Mapping[str, Members], after: Mapping[str, Members], now: float
) -> list[dict[str, Any]]:
    changed = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    kinds = ["Delete" if name not in after else "Update" if name in before else "Create" for name in changed]
    return [
        alarm_history.configuration_update(after.get(name) or before[name], kind, now)
        for name, kind in zip(changed, kinds, strict=True)
    ]
