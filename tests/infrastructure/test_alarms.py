"""Every alarm rings for its cause alone, says how urgent it is and where to read on, and is announced.

The alarms are those of the synthesized template, evaluated by the scaling engine as in the local cloud.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from constructs_lib.alarm_settings import AlarmSettings
from constructs_lib.scaling_settings import ScalingSettings, WarmHours
from scaling_engine.alarms import AlarmState, evaluate
from scaling_engine.documents import alarm_from_api
from scaling_simulator.intrinsics import Resolver
from stacks.stages import stage_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from scaling_engine.metrics import Metric
    from stacks.settings import EndpointSettings, StageSettings

DOCS = Path(__file__).resolve().parents[2] / "docs"
RUNBOOK = (DOCS / "runbook.md").read_text()
MONITORING = (DOCS / "monitoring.md").read_text()
EXISTING_TOPIC = "arn:aws:sns:eu-west-1:111122223333:on-call"
Values = dict[str, float]


def alarms(template: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the properties of the alarms that have a runbook, by its section."""
    resolver = Resolver(template)
    found = [
        resolver.resolve(resource["Properties"])
        for resource in template["Resources"].values()
        if resource["Type"] == "AWS::CloudWatch::Alarm" and "Runbook:" in resource["Properties"]["AlarmDescription"]
    ]
    return {alarm["AlarmDescription"].partition("#")[2]: alarm for alarm in found}


def changed(**settings: Any) -> StageSettings:  # noqa: ANN401 - settings of all kinds
    """Return the development stage with other settings of its endpoint."""
    stage = stage_settings("dev")
    endpoint: EndpointSettings = replace(stage.endpoints[0], **settings)
    return replace(stage, endpoints=(endpoint,))


def state_of(
    properties: Mapping[str, Any], *periods: Values, before: AlarmState = AlarmState.INSUFFICIENT_DATA
) -> AlarmState:
    """Return an alarm's state after the last evaluation range has been filled with these values again and again."""
    alarm = alarm_from_api({"AlarmName": "alarm", **properties})
    length = alarm.evaluation_range
    filled = [periods[index * len(periods) // length] for index in range(length)]

    def fetch(metric: Metric) -> list[float | None]:
        return [values.get(metric.name) for values in filled]

    return evaluate(alarm, alarm.metric.datapoints(fetch), before).state


NOTHING: Values = {}
RINGING: dict[str, Values] = {
    "backlog-without-capacity": {"HasBacklogWithoutCapacity": 1},
    "oldest-request": {"ApproximateAgeOfOldestRequest": 11_250},
    "expired-requests": {"ExpiredRequests": 1},
    "failed-invocations": {"InvocationFailures": 5, "InvocationsProcessed": 100},
    "failed-invocations-share": {"InvocationFailures": 2, "InvocationsProcessed": 4},
    "upload-failures": {"ResponseUploadFailures": 1},
    "download-failures": {"RequestDownloadFailures": 1},
    "notification-failures": {"NotificationFailures": 1},
    "function-errors": {"Errors": 5},
    "function-throttles": {"Throttles": 1},
    "idle-instances": {"ApproximateBacklogSize": 0, "CPUUtilization": 1},
    "dead-letters": {"ApproximateNumberOfMessagesVisible": 1},
    "failed-function-invocations": {"ApproximateNumberOfMessagesVisible": 1},
}
"""What sets each alarm off, just so."""

QUIET: dict[str, list[Values]] = {
    "backlog-without-capacity": [{"HasBacklogWithoutCapacity": 0}],
    "oldest-request": [{"ApproximateAgeOfOldestRequest": 11_249}],
    "expired-requests": [{"ExpiredRequests": 0}],
    "failed-invocations": [{"InvocationFailures": 4, "InvocationsProcessed": 4}, {"InvocationsProcessed": 100}],
    "failed-invocations-share": [
        {"InvocationFailures": 1, "InvocationsProcessed": 1},
        {"InvocationFailures": 2, "InvocationsProcessed": 5},
        {"InvocationsProcessed": 100},
    ],
    "upload-failures": [{"ResponseUploadFailures": 0}],
    "download-failures": [{"RequestDownloadFailures": 0}],
    "notification-failures": [{"NotificationFailures": 0}],
    "function-errors": [{"Errors": 4}],
    "function-throttles": [{"Throttles": 0}],
    "idle-instances": [{"ApproximateBacklogSize": 1, "CPUUtilization": 2}, {"ApproximateBacklogSize": 0}],
    "dead-letters": [{"ApproximateNumberOfMessagesVisible": 0}],
    "failed-function-invocations": [{"ApproximateNumberOfMessagesVisible": 0}],
}
"""What comes close and does not."""

CRITICAL = {"backlog-without-capacity", "expired-requests", "failed-invocations-share", "upload-failures"}
KEEPS_ITS_STATE = {"dead-letters", "failed-function-invocations"}
"""Alarms for which silence changes nothing; to all others it says that all is well."""


def test_the_tables_have_every_alarm(template: dict[str, Any]) -> None:
    """In every stage."""
    assert alarms(template).keys() == RINGING.keys() == QUIET.keys()


@pytest.mark.parametrize("section", sorted(RINGING))
def test_an_alarm_rings_at_its_threshold(dev_template: dict[str, Any], section: str) -> None:
    """Once the values have lasted long enough."""
    assert state_of(alarms(dev_template)[section], RINGING[section]) is AlarmState.ALARM


@pytest.mark.parametrize("section", sorted(QUIET))
def test_an_alarm_is_quiet_below_its_threshold(dev_template: dict[str, Any], section: str) -> None:
    """However long that lasts."""
    states = {state_of(alarms(dev_template)[section], values) for values in QUIET[section]}
    assert states == {AlarmState.OK}


@pytest.mark.parametrize("section", sorted(RINGING))
@pytest.mark.parametrize("before", [AlarmState.ALARM, AlarmState.OK])
def test_what_missing_data_mean(dev_template: dict[str, Any], section: str, before: AlarmState) -> None:
    """That all is well; to a dead-letter queue, that nobody has used it for hours, so nothing."""
    expected = before if section in KEEPS_ITS_STATE else AlarmState.OK
    assert state_of(alarms(dev_template)[section], NOTHING, before=before) is expected


@pytest.mark.parametrize("section", ["backlog-without-capacity", "idle-instances"])
def test_an_interruption_starts_the_wait_again(dev_template: dict[str, Any], section: str) -> None:
    """What has to last rings only if it did."""
    quiet, ringing = QUIET[section][0], RINGING[section]
    assert state_of(alarms(dev_template)[section], ringing, quiet, ringing) is AlarmState.OK


def test_a_share_is_seen_whether_failures_count_as_processed_or_not(dev_template: dict[str, Any]) -> None:
    """If they do not, there may be nothing processed at all."""
    share = alarms(dev_template)["failed-invocations-share"]
    assert state_of(share, {"InvocationFailures": 2}) is AlarmState.ALARM
    assert state_of(share, {"InvocationFailures": 2, "InvocationsProcessed": 2}) is AlarmState.ALARM


@pytest.mark.parametrize("section", ["failed-invocations", "failed-invocations-share", "function-errors"])
def test_an_alarm_with_a_long_window_recovers_after_one(dev_template: dict[str, Any], section: str) -> None:
    """Without datapoints CloudWatch would look for older ones."""
    properties = alarms(dev_template)[section]
    assert properties["EvaluationPeriods"] == 1
    assert state_of(properties, RINGING[section], RINGING[section], NOTHING) is AlarmState.OK


def test_thresholds_are_settings(synthesize: Callable[[StageSettings], dict[str, Any]]) -> None:
    """Each of them arrives at its alarm."""
    settings = AlarmSettings(
        wake_margin_seconds=0,
        rest_margin_seconds=0,
        oldest_request_percent=10,
        failure_window_seconds=600,
        failed_invocations=11,
        failed_invocations_percent=12,
        expired_requests=13,
        download_failures=14,
        upload_failures=15,
        notification_failures=16,
        dead_letters=17,
        function_errors=18,
        function_throttles=19,
        failed_function_invocations=20,
    )
    found = alarms(synthesize(changed(alarms=settings)))

    assert {section: alarm["Threshold"] for section, alarm in found.items()} == {
        "backlog-without-capacity": 1,
        "oldest-request": 2_970,
        "expired-requests": 13,
        "failed-invocations": 11,
        "failed-invocations-share": 12,
        "upload-failures": 15,
        "download-failures": 14,
        "notification-failures": 16,
        "function-errors": 18,
        "function-throttles": 19,
        "failed-function-invocations": 20,
        "idle-instances": 0.5,
        "dead-letters": 17,
    }
    periods = {section: alarm["EvaluationPeriods"] for section, alarm in found.items()}
    assert (periods["backlog-without-capacity"], periods["idle-instances"]) == (15, 22)
    window = {metric["MetricStat"]["Period"] for metric in found["failed-invocations-share"]["Metrics"][1:]}
    assert window == {600}


def test_instances_that_are_kept_are_not_idle(synthesize: Callable[[StageSettings], dict[str, Any]]) -> None:
    """The minimum is there by intention; one more is not."""
    found = alarms(synthesize(changed(scaling=ScalingSettings(min_instances=1, max_instances=2))))["idle-instances"]

    assert state_of(found, {"ApproximateBacklogSize": 0, "CPUUtilization": 1}) is AlarmState.OK
    assert state_of(found, {"ApproximateBacklogSize": 0, "CPUUtilization": 2}) is AlarmState.ALARM


def test_instances_that_clients_wait_for_are_not_idle(
    synthesize: Callable[[StageSettings], dict[str, Any]], counting_stage: StageSettings
) -> None:
    """Where they say so, and the backlog does not."""
    found = alarms(synthesize(counting_stage))["idle-instances"]

    assert state_of(found, {"CPUUtilization": 1, "JobsInFlight": 1}) is AlarmState.OK
    assert state_of(found, {"CPUUtilization": 1}) is AlarmState.ALARM


def test_long_warm_hours_are_looked_back_to_by_the_hour(synthesize: Callable[[StageSettings], dict[str, Any]]) -> None:
    """Alarms on minutes see a day and no further."""
    hours = WarmHours(start="00:00", end="23:59", days="SUN-SAT")
    found = alarms(synthesize(changed(scaling=ScalingSettings(warm_hours=(hours,)))))["idle-instances"]

    assert (found["Metrics"][1]["MetricStat"]["Period"], found["EvaluationPeriods"]) == (3_600, 25)
    assert state_of(found, {"ApproximateBacklogSize": 0, "CPUUtilization": 59}) is AlarmState.ALARM
    assert state_of(found, {"ApproximateBacklogSize": 1, "CPUUtilization": 60}) is AlarmState.OK


def test_every_queue_that_waits_for_somebody_has_an_alarm_of_its_own(
    synthesize: Callable[[StageSettings], dict[str, Any]],
) -> None:
    """Each consumer's dead-letter queue, and the queue of the polling function's failed invocations."""
    template = synthesize(changed(consumers=("reports", "search")))
    resolver = Resolver(template)
    watched = [
        resolver.resolve(resource["Properties"]["Dimensions"])[0]["Value"]
        for resource in template["Resources"].values()
        if resource["Type"] == "AWS::CloudWatch::Alarm" and resource["Properties"].get("Namespace") == "AWS/SQS"
    ]

    assert sorted(re.sub(r"[0-9A-F]{8}\.", ".", queue) for queue in watched) == [
        "<NotificationsConsumerreportsDeadLetters.QueueName>",
        "<NotificationsConsumersearchDeadLetters.QueueName>",
        "<PollingFailedInvocations.QueueName>",
    ]


def test_every_alarm_says_how_urgent_it_is_and_where_to_read_on(template: dict[str, Any]) -> None:
    """For a program by its first word, for a person by a link."""
    for section, alarm in alarms(template).items():
        urgency = "critical" if section in CRITICAL else "warning"
        assert re.fullmatch(
            rf"\[{urgency}\] [A-Z].*\. Runbook: docs/runbook\.md#{section}", alarm["AlarmDescription"]
        ), alarm["AlarmDescription"]


def test_the_runbook_may_lie_elsewhere(synthesize: Callable[[StageSettings], dict[str, Any]]) -> None:
    """Where a team reads it."""
    found = alarms(synthesize(changed(alarms=AlarmSettings(runbook_url="https://wiki.example.com/ocr"))))

    assert found["dead-letters"]["AlarmDescription"].endswith("Runbook: https://wiki.example.com/ocr#dead-letters")


def test_the_runbook_has_a_section_for_every_alarm_and_no_other(template: dict[str, Any]) -> None:
    """A heading becomes an anchor in lower case with dashes for spaces."""
    headings = re.findall(r"^### (.+)$", RUNBOOK, re.MULTILINE)

    assert sorted(heading.lower().replace(" ", "-") for heading in headings) == sorted(alarms(template))


def test_every_section_of_the_runbook_says_what_to_do() -> None:
    """What it means, how to look, with a command, and how to mend it."""
    sections = re.split(r"^### ", RUNBOOK, flags=re.MULTILINE)[1:]

    for section in sections:
        title = section.partition("\n")[0]
        assert [part for part in ("**Means**", "**Look**", "**Mend**", "```bash") if part not in section] == [], title


def test_the_documentation_has_the_defaults(dev_template: dict[str, Any]) -> None:
    """Computed from the template: times in words, and what the alarms cost."""
    found = alarms(dev_template)
    metrics = sum(
        len([one for one in alarm.get("Metrics", [alarm]) if "Expression" not in one]) for alarm in found.values()
    )
    minutes, seconds = divmod(int(found["oldest-request"]["Threshold"]), 60)

    assert f"= {found['backlog-without-capacity']['EvaluationPeriods']} min |" in MONITORING
    assert f"= {found['idle-instances']['EvaluationPeriods']} min |" in MONITORING
    assert f"{minutes // 60} h {minutes % 60} min {seconds} s |" in MONITORING
    assert f"so {metrics / 10:.2f} $ with one consumer" in MONITORING


def test_the_documentation_has_every_alarm(dev_template: dict[str, Any]) -> None:
    """With a link into the runbook."""
    assert set(re.findall(r"runbook\.md#([a-z-]+)", MONITORING)) == alarms(dev_template).keys()


def test_every_alarm_is_announced_and_so_is_its_end(template: dict[str, Any]) -> None:
    """On the stack's topic."""
    topics = {
        (tuple(alarm["AlarmActions"]), tuple(alarm["OKActions"]), "InsufficientDataActions" in alarm)
        for alarm in alarms(template).values()
    }

    topic = "<AlarmsAnnouncementsTopic7145BDA1>"
    assert topics == {((topic,), (topic,), False)}


def test_alarms_of_this_stack_alone_may_publish(dev_template: dict[str, Any]) -> None:
    """To the topic, over TLS, with the topic's own key."""
    resources = dev_template["Resources"]
    policy = resources["AlarmsAnnouncementsTopicPolicy4CB7D1AE"]["Properties"]["PolicyDocument"]["Statement"]
    key = resources["AlarmsAnnouncementsKey150C0BC3"]["Properties"]
    deny = next(statement for statement in policy if statement["Effect"] == "Deny")
    allowed = [one for one in (*policy, *key["KeyPolicy"]["Statement"]) if "Service" in one["Principal"]]

    assert (deny["Principal"], deny["Condition"]) == ("*", {"Bool": {"aws:SecureTransport": "false"}})
    assert resources["AlarmsAnnouncementsTopic7145BDA1"]["Properties"]["KmsMasterKeyId"]
    assert key["EnableKeyRotation"] is True
    assert [statement["Action"] for statement in allowed] == ["sns:Publish", ["kms:Decrypt", "kms:GenerateDataKey*"]]
    for statement in allowed:
        assert statement["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
        arn = Resolver(dev_template).resolve(statement["Condition"]["ArnLike"]["aws:SourceArn"])
        assert arn.endswith(":alarm:AsyncInference-dev-sentiment-*")
        assert statement["Condition"]["StringEquals"] == {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}


def test_alarms_may_go_to_a_topic_that_there_is(synthesize: Callable[[StageSettings], dict[str, Any]]) -> None:
    """Then the stack makes neither topic nor key for them."""
    template = synthesize(changed(alarms=AlarmSettings(topic_arn=EXISTING_TOPIC)))

    assert {tuple(alarm["AlarmActions"]) for alarm in alarms(template).values()} == {(EXISTING_TOPIC,)}
    assert not [name for name in template["Resources"] if "Announcements" in name]
    assert template["Outputs"]["AlarmTopicArn"]["Value"] == EXISTING_TOPIC
