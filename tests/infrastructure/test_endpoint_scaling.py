"""Scaling: wake, grow, rest, and the options, as the template declares them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from aws_cdk import Stack, assertions

from constructs_lib.checks import SettingError
from constructs_lib.endpoint_scaling import EndpointScaling
from constructs_lib.scaling_settings import ScalingSettings, WarmHours

if TYPE_CHECKING:
    from collections.abc import Callable

    from aws_cdk import App

DOCUMENTATION = Path(__file__).resolve().parents[2] / "docs/scaling.md"
POLICY = "AWS::ApplicationAutoScaling::ScalingPolicy"
ALARM = "AWS::CloudWatch::Alarm"
TARGET = "AWS::ApplicationAutoScaling::ScalableTarget"


@pytest.fixture
def scaled(new_app: Callable[[], App]) -> Callable[..., assertions.Template]:
    """Synthesizes the scaling of an endpoint whose jobs take up to 900 s."""

    def synthesize(*, concurrency: int = 1, **settings: Any) -> assertions.Template:  # noqa: ANN401 - of all kinds
        stack = Stack(new_app(), "Stack")
        EndpointScaling(
            stack,
            "Scaling",
            endpoint_name="ocr",
            variant_name="AllTraffic",
            settings=ScalingSettings(**settings),
            max_job_seconds=900,
            max_concurrent_invocations_per_instance=concurrency,
        )
        return assertions.Template.from_stack(stack)

    return synthesize


def alarm_of(template: assertions.Template, policy_name: str) -> dict[str, Any]:
    """Return the one alarm that invokes the policy of that name."""
    (policy,) = template.find_resources(POLICY, {"Properties": {"PolicyName": policy_name}})
    (alarm,) = template.find_resources(
        ALARM, {"Properties": {"AlarmActions": [{"Fn::GetAtt": [policy, "Arn"]}]}}
    ).values()
    return dict(alarm["Properties"])


def test_target_scales_the_variant_from_zero(scaled: Callable[..., assertions.Template]) -> None:
    """The target has no role of its own: Application Auto Scaling uses its service-linked one."""
    scaled(max_instances=7).has_resource_properties(
        TARGET,
        {
            "MinCapacity": 0,
            "MaxCapacity": 7,
            "ResourceId": "endpoint/ocr/variant/AllTraffic",
            "RoleARN": assertions.Match.absent(),
            "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
            "ScheduledActions": assertions.Match.absent(),
            "ServiceNamespace": "sagemaker",
        },
    )


def test_a_minimum_keeps_instances(scaled: Callable[..., assertions.Template]) -> None:
    """Resting then means going back to the minimum."""
    scaled(min_instances=1).has_resource_properties(TARGET, {"MinCapacity": 1})


def test_the_backlog_makes_the_endpoint_grow_and_nothing_else(scaled: Callable[..., assertions.Template]) -> None:
    """Backlog per instance, under the endpoint's name alone; scale-in is disabled."""
    scaled(backlog_per_instance=3, cold_start_seconds=120).has_resource_properties(
        POLICY,
        {
            "PolicyType": "TargetTrackingScaling",
            "TargetTrackingScalingPolicyConfiguration": {
                "CustomizedMetricSpecification": {
                    "Dimensions": [{"Name": "EndpointName", "Value": "ocr"}],
                    "MetricName": "ApproximateBacklogSizePerInstance",
                    "Namespace": "AWS/SageMaker",
                    "Statistic": "Average",
                },
                "DisableScaleIn": True,
                "ScaleOutCooldown": 360,
                "TargetValue": 3,
            },
        },
    )


def test_a_backlog_without_capacity_wakes_the_endpoint(scaled: Callable[..., assertions.Template]) -> None:
    """Two minutes of backlog at zero instances add one instance, no second before that one is seen to have started."""
    template = scaled(cold_start_seconds=120)
    template.has_resource_properties(
        POLICY,
        {
            "PolicyName": "Wake",
            "StepScalingPolicyConfiguration": {
                "AdjustmentType": "ChangeInCapacity",
                "Cooldown": 360,
                "MetricAggregationType": "Average",
                "StepAdjustments": [{"MetricIntervalLowerBound": 0, "ScalingAdjustment": 1}],
            },
        },
    )
    alarm = alarm_of(template, "Wake")
    assert (alarm["MetricName"], alarm["Threshold"], alarm["Period"]) == ("HasBacklogWithoutCapacity", 1, 60)
    assert (alarm["EvaluationPeriods"], alarm["DatapointsToAlarm"], alarm["TreatMissingData"]) == (2, 2, "missing")
    assert alarm["Dimensions"] == [{"Name": "EndpointName", "Value": "ocr"}]


def test_the_endpoint_rests_after_the_longest_job(scaled: Callable[..., assertions.Template]) -> None:
    """15 min of 900 s and 3 min of margin, each of them without work; missing data are no rest."""
    template = scaled()
    template.has_resource_properties(
        POLICY,
        {
            "PolicyName": "Rest",
            "StepScalingPolicyConfiguration": {
                "AdjustmentType": "ExactCapacity",
                "Cooldown": 0,
                "MetricAggregationType": "Maximum",
                "StepAdjustments": [{"MetricIntervalUpperBound": 0, "ScalingAdjustment": 0}],
            },
        },
    )
    alarm = alarm_of(template, "Rest")
    assert (alarm["EvaluationPeriods"], alarm["DatapointsToAlarm"], alarm["TreatMissingData"]) == (
        18,
        18,
        "notBreaching",
    )
    assert (alarm["ComparisonOperator"], alarm["Threshold"]) == ("LessThanThreshold", 1)


@pytest.mark.parametrize(
    ("settings", "expression"),
    [
        ({}, "MAX([backlog, 0 * instances])"),
        ({"count_jobs_in_flight": True}, "MAX([backlog, in_flight, 0 * instances])"),
    ],
)
def test_work_is_what_the_rest_alarm_watches(
    scaled: Callable[..., assertions.Template], settings: dict[str, Any], expression: str
) -> None:
    """The queue's own count, zero where only instances report; and what clients publish, where they do."""
    queries = {query["Id"]: query for query in alarm_of(scaled(**settings), "Rest")["Metrics"]}
    (returned,) = [query for query in queries.values() if query.get("ReturnData", True)]
    assert returned["Expression"] == expression
    stats = {
        name: (
            query["MetricStat"]["Metric"]["Namespace"],
            query["MetricStat"]["Metric"]["MetricName"],
            {dimension["Name"]: dimension["Value"] for dimension in query["MetricStat"]["Metric"]["Dimensions"]},
            query["MetricStat"]["Stat"],
            query["MetricStat"]["Period"],
        )
        for name, query in queries.items()
        if "MetricStat" in query
    }
    variant = {"EndpointName": "ocr", "VariantName": "AllTraffic"}
    expected = {
        "backlog": ("AWS/SageMaker", "ApproximateBacklogSize", {"EndpointName": "ocr"}, "Maximum", 60),
        "instances": ("/aws/sagemaker/Endpoints", "CPUUtilization", variant, "SampleCount", 60),
    }
    if settings:
        expected["in_flight"] = ("AsyncInference", "JobsInFlight", {"EndpointName": "ocr"}, "Maximum", 60)
    assert expected == stats


def test_an_earlier_rest_is_one_that_is_accepted(scaled: Callable[..., assertions.Template]) -> None:
    """5 min instead of 15, and the margin."""
    template = scaled(rest_after_seconds=300, interruptions_accepted=True)
    assert alarm_of(template, "Rest")["EvaluationPeriods"] == 8


def test_shrinking_lets_one_instance_go_at_a_time(scaled: Callable[..., assertions.Template]) -> None:
    """An instance more than the work needs, while there is work; decided in half the time that a rest takes."""
    template = scaled(shrink=True, interruptions_accepted=True, max_instances=4, concurrency=2)
    template.has_resource_properties(
        POLICY,
        {
            "PolicyName": "Shrink",
            "StepScalingPolicyConfiguration": {
                "AdjustmentType": "ChangeInCapacity",
                "Cooldown": 540,
                "StepAdjustments": [{"MetricIntervalLowerBound": 0, "ScalingAdjustment": -1}],
            },
        },
    )
    alarm = alarm_of(template, "Shrink")
    assert (alarm["EvaluationPeriods"], alarm["TreatMissingData"]) == (9, "notBreaching")
    (returned,) = [query for query in alarm["Metrics"] if query.get("ReturnData", True)]
    assert returned["Expression"] == (
        "IF(MAX(backlog) > 0 AND instances > 1, instances - CEIL(MAX([backlog, 0 * instances]) / 2), 0)"
    )


def test_without_shrinking_only_rest_scales_in(scaled: Callable[..., assertions.Template]) -> None:
    """The template has no other policy that could remove an instance."""
    names = [policy["Properties"]["PolicyName"] for policy in scaled().find_resources(POLICY).values()]
    assert sorted(names) == ["Rest", "TrackBacklog", "Wake"]


def test_warm_hours_move_the_minimum(scaled: Callable[..., assertions.Template]) -> None:
    """Up in the morning, back in the evening; the endpoint then rests as always."""
    hours = WarmHours(start="07:50", end="18:00", timezone="Europe/Berlin", instances=2)
    schedule = {"Timezone": "Europe/Berlin"}
    scaled(max_instances=4, warm_hours=(hours,)).has_resource_properties(
        TARGET,
        {
            "MinCapacity": 0,
            "ScheduledActions": [
                {
                    **schedule,
                    "ScheduledActionName": "WarmHours1Start",
                    "Schedule": "cron(50 7 ? * MON-FRI *)",
                    "ScalableTargetAction": {"MinCapacity": 2, "MaxCapacity": 4},
                },
                {
                    **schedule,
                    "ScheduledActionName": "WarmHours1End",
                    "Schedule": "cron(0 18 ? * MON-FRI *)",
                    "ScalableTargetAction": {"MinCapacity": 0, "MaxCapacity": 4},
                },
            ],
        },
    )


@pytest.mark.parametrize(
    ("settings", "metrics", "price"),
    [
        ({}, {"Wake": 1, "Rest": 2}, "**0.50 $ a month**"),
        ({"count_jobs_in_flight": True}, {"Wake": 1, "Rest": 3}, "adds one to rest's two (0.30 $ for that alarm"),
        (
            {"shrink": True, "interruptions_accepted": True},
            {"Wake": 1, "Rest": 2, "Shrink": 2},
            "`shrink` an alarm of two",
        ),
    ],
)
def test_the_documentation_says_what_the_alarms_cost(
    scaled: Callable[..., assertions.Template], settings: dict[str, bool], metrics: dict[str, int], price: str
) -> None:
    """CloudWatch bills each metric of each alarm; two alarms of one metric are AWS's own, for target tracking."""
    template = scaled(**settings)
    assert {name: _metrics_of(alarm_of(template, name)) for name in metrics} == metrics
    assert len(template.find_resources(ALARM)) == len(metrics)
    assert price in " ".join(DOCUMENTATION.read_text(encoding="utf-8").split())


def _metrics_of(alarm: dict[str, Any]) -> int:
    return sum("MetricStat" in query for query in alarm["Metrics"]) if "Metrics" in alarm else 1


SAFE = {"max_job_seconds": 900, "request_ttl_seconds": 21_600, "concurrency": 1}


@pytest.mark.parametrize(
    ("settings", "endpoint", "message"),
    [
        (
            {"rest_after_seconds": 899},
            {},
            "ScalingSettings.rest_after_seconds is 899, allowed is at least max_job_seconds, 900, or less with",
        ),
        (
            {"cold_start_seconds": 600},
            {"request_ttl_seconds": 1_799},
            "ScalingSettings.cold_start_seconds is 600, allowed is so short that with 1200 s more it is within",
        ),
        (
            {"max_instances": 2, "backlog_per_instance": 24},
            {},
            "ScalingSettings.backlog_per_instance is 24, allowed is at most 23: the last of so many long jobs",
        ),
        (
            {"max_instances": 2, "backlog_per_instance": 47},
            {"concurrency": 2},
            "ScalingSettings.backlog_per_instance is 47, allowed is at most 46: the last of so many long jobs",
        ),
    ],
)
def test_what_could_strand_a_request_or_lose_a_job_is_refused(
    settings: dict[str, Any], endpoint: dict[str, int], message: str
) -> None:
    """One line says which setting, and what is allowed."""
    with pytest.raises(SettingError) as raised:
        ScalingSettings(**settings).require_safe(**{**SAFE, **endpoint})
    assert str(raised.value).startswith(message)


@pytest.mark.parametrize(
    ("settings", "endpoint"),
    [
        ({}, {}),
        ({"rest_after_seconds": 60, "interruptions_accepted": True}, {}),
        ({}, {"request_ttl_seconds": 1_800}),
        ({"max_instances": 2, "backlog_per_instance": 23}, {}),
        ({"max_instances": 2}, {"max_job_seconds": 3_600}),
        ({"backlog_per_instance": 1_000}, {}),
        ({"min_instances": 1, "cold_start_seconds": 7_200}, {"request_ttl_seconds": 60}),
    ],
)
def test_what_is_safe_or_accepted_passes(settings: dict[str, Any], endpoint: dict[str, int]) -> None:
    """A single instance cannot grow, and one that is always there need not wake."""
    ScalingSettings(**settings).require_safe(**{**SAFE, **endpoint})


def _warm(start: str, end: str, **given: str) -> WarmHours:
    return WarmHours(start=start, end=end, **given)  # type: ignore[arg-type]


def test_warm_hours_of_several_days_may_differ() -> None:
    """Each end is the last word of its day."""
    hours = (_warm("08:00", "18:00"), _warm("19:00", "20:00", days="FRI"), _warm("07:00", "19:00", days="SAT"))
    assert ScalingSettings(warm_hours=hours).warm_hours == hours


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ScalingSettings(shrink=True), "ScalingSettings.shrink is True, allowed is False, or True with"),
        (lambda: ScalingSettings(min_instances=2), "ScalingSettings.min_instances is 2, allowed is a whole number"),
        (lambda: ScalingSettings(cold_start_seconds=59), "ScalingSettings.cold_start_seconds is 59"),
        (lambda: ScalingSettings(warm_hours=("MON",)), "ScalingSettings.warm_hours is ('MON',)"),  # type: ignore[arg-type]
        (
            lambda: ScalingSettings(warm_hours=(WarmHours(start="08:00", end="18:00", instances=2),)),
            "WarmHours.instances is 2, allowed is 1 to max_instances, 1",
        ),
        (lambda: WarmHours(start="8:00", end="18:00"), "WarmHours.start is '8:00'"),
        (lambda: WarmHours(start="18:00", end="08:00"), "WarmHours.end is '08:00', allowed is a time after 18:00"),
        (lambda: WarmHours(start="08:00", end="18:00", days="weekdays"), "WarmHours.days is 'weekdays'"),
        (lambda: WarmHours(start="08:00", end="18:00", days="FRI-MON"), "WarmHours.days is 'FRI-MON'"),
        (
            lambda: ScalingSettings(warm_hours=(_warm("08:00", "18:00"), _warm("18:00", "20:00", days="FRI"))),
            "WarmHours.start is '18:00', allowed is a time after 18:00, the end of other warm hours of the same day",
        ),
        (
            lambda: ScalingSettings(warm_hours=(_warm("08:00", "18:00"), _warm("09:00", "10:00", timezone="CET"))),
            "WarmHours.timezone is 'CET', allowed is UTC, as of the other warm hours",
        ),
        (
            lambda: _warm("08:00", "18:00", timezone="Europe/Berln"),
            "WarmHours.timezone is 'Europe/Berln', allowed is the name of a time zone, such as Europe/Berlin",
        ),
        (lambda: _warm("08:00", "18:00", timezone="europe/paris"), "WarmHours.timezone is 'europe/paris'"),
        (lambda: _warm("08:00", "18:00", timezone=""), "WarmHours.timezone is ''"),
        (lambda: WarmHours(start="08:00", end="18:00", timezone=None), "WarmHours.timezone is None"),  # type: ignore[arg-type]
    ],
)
def test_malformed_scaling_settings_are_refused(make: Callable[[], object], message: str) -> None:
    """At synth, in one line."""
    with pytest.raises(SettingError) as raised:
        make()
    assert str(raised.value).startswith(message)
