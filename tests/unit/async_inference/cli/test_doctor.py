"""``async-inference doctor``: an endpoint as its caller sees it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import EndpointConnectionError

from async_inference import remedies, troubleshooting
from async_inference.configuration import Consumer
from tests.unit.async_inference.cli.fake_cloud import (
    DIMENSIONS,
    PARAMETER,
    QUEUE_URL,
    TRACKING,
    WAKE_ALARM,
    CommandLine,
    FakeCloud,
    endpoint_description,
)
from tests.unit.async_inference.fake_aws import CONFIGURATION, ENDPOINT, s3_error, service_error

if TYPE_CHECKING:
    from syrupy.assertion import SnapshotAssertion

    from tests.unit.async_inference.fake_aws import Answer

WITH_VARIANT = [*DIMENSIONS, {"Name": "VariantName", "Value": "AllTraffic"}]
DENIED = service_error(400, "AccessDeniedException", "User: u is not authorized to perform: x:Y on resource: r")
REMEDIES = {trouble.remedy for trouble in (*troubleshooting.AT_RUN_TIME, *troubleshooting.SEEN_BY_THE_DOCTOR)}


@pytest.fixture
def with_consumer(cloud: FakeCloud) -> None:
    """An endpoint that has a queue for a consumer."""
    cloud.configuration = replace(CONFIGURATION, consumers={"reports": Consumer(queue_url=QUEUE_URL)})


def findings(plain: CommandLine) -> dict[str, dict[str, Any]]:
    """Run the doctor and return its findings by what was checked."""
    result = plain.run("doctor", "--json")
    document = json.loads(result.stdout)
    assert (result.exit_code == 0) == document["healthy"]
    assert {finding["remedy"] for finding in document["findings"]} - {None} <= REMEDIES
    return {finding["check"]: finding for finding in document["findings"]}


@pytest.mark.usefixtures("with_consumer")
def test_a_healthy_endpoint(
    command_line: CommandLine, snapshot: SnapshotAssertion, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A line for each check."""
    monkeypatch.setattr("boto3.__version__", "1.44.5")

    assert snapshot == command_line.golden("doctor")


@pytest.mark.usefixtures("with_consumer")
def test_everything_that_can_be_wrong_at_a_time(
    cloud: FakeCloud, command_line: CommandLine, snapshot: SnapshotAssertion, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each problem with its remedy, and the action for what may not be looked at."""
    monkeypatch.setattr("boto3.__version__", "1.44.5")
    cloud.said["DescribeEndpoint"] = endpoint_description("Failed", 0, 0) | {"FailureReason": "no capacity"}
    cloud.said["DescribeScalableTargets"] = {"ScalableTargets": []}
    cloud.fail("DescribeScalingPolicies", DENIED)
    cloud.fail("GetObject", s3_error(403, "AccessDenied"), s3_error(403, "AccessDenied"))
    cloud.fail("ListObjectsV2", s3_error(403, "AccessDenied"))
    cloud.fail("GetQueueAttributes", service_error(400, "AWS.SimpleQueueService.NonExistentQueue", "gone"))
    cloud.skew = 600.0

    assert snapshot == command_line.golden("doctor")


def test_the_doctor_submits_and_writes_nothing(cloud: FakeCloud, plain: CommandLine) -> None:
    """It only asks."""
    findings(plain)

    assert {"GetParameter", "DescribeEndpoint", "GetObject", "ListObjectsV2"} <= set(cloud.operations())
    assert not {"PutObject", "InvokeEndpointAsync"} & set(cloud.operations())


@pytest.mark.parametrize(
    ("operation", "said", "check", "level", "seen", "remedy"),
    [
        (
            "DescribeEndpoint",
            endpoint_description("Updating"),
            "endpoint",
            "ok",
            f"{ENDPOINT} is Updating, instances: 1",
            None,
        ),
        (
            "DescribeEndpoint",
            endpoint_description("Creating", 0),
            "endpoint",
            "problem",
            f"{ENDPOINT} is Creating",
            remedies.NOT_IN_SERVICE,
        ),
        (
            "DescribeScalingPolicies",
            {"ScalingPolicies": []},
            "scaling policies",
            "problem",
            "there is none",
            remedies.NOT_SCALED,
        ),
        (
            "DescribeScalingPolicies",
            {"ScalingPolicies": []},
            "wake alarm",
            "problem",
            "no alarm on HasBacklogWithoutCapacity applies a policy",
            remedies.NOT_SCALED,
        ),
        (
            "DescribeScalingPolicies",
            {
                "ScalingPolicies": [
                    TRACKING
                    | {
                        "TargetTrackingScalingPolicyConfiguration": {
                            "TargetValue": 5,
                            "CustomizedMetricSpecification": {
                                "MetricName": "ApproximateBacklogSizePerInstance",
                                "Dimensions": WITH_VARIANT,
                            },
                        }
                    }
                ]
            },
            "scaling policies",
            "problem",
            f"TrackBacklog tracks ApproximateBacklogSizePerInstance of EndpointName={ENDPOINT}, VariantName=AllTraffic",
            remedies.WRONG_DIMENSIONS,
        ),
        (
            "DescribeAlarms",
            {"MetricAlarms": [WAKE_ALARM | {"Dimensions": []}]},
            "wake alarm",
            "problem",
            "WakeAlarm looks at HasBacklogWithoutCapacity of no dimension",
            remedies.WRONG_DIMENSIONS,
        ),
        (
            "DescribeAlarms",
            {"MetricAlarms": [WAKE_ALARM | {"ActionsEnabled": False}]},
            "wake alarm",
            "problem",
            "the actions of WakeAlarm are disabled",
            remedies.ALARM_DISABLED,
        ),
        (
            "DescribeAlarms",
            {"MetricAlarms": [WAKE_ALARM | {"AlarmActions": ["arn:another"]}]},
            "wake alarm",
            "problem",
            "no alarm on HasBacklogWithoutCapacity applies a policy",
            remedies.NOT_SCALED,
        ),
        (
            "DescribeAlarms",
            {
                "MetricAlarms": [
                    {key: value for key, value in WAKE_ALARM.items() if key not in {"MetricName", "Dimensions"}}
                    | {
                        "Metrics": [
                            {"Id": "sum", "Expression": "m + 0"},
                            {
                                "Id": "m",
                                "MetricStat": {
                                    "Metric": {"MetricName": "HasBacklogWithoutCapacity", "Dimensions": DIMENSIONS},
                                    "Period": 60,
                                    "Stat": "Average",
                                },
                            },
                        ]
                    }
                ]
            },
            "wake alarm",
            "ok",
            "WakeAlarm is OK",
            None,
        ),
    ],
)
def test_what_is_described_is_judged(  # noqa: PLR0917 - a table
    cloud: FakeCloud,
    plain: CommandLine,
    operation: str,
    said: dict[str, Any],
    check: str,
    level: str,
    seen: str,
    remedy: str | None,
) -> None:
    """By what SageMaker publishes and Application Auto Scaling needs."""
    cloud.said[operation] = said

    finding = findings(plain)[check]

    assert (level, seen, remedy) == (finding["level"], finding["seen"], finding["remedy"])


@pytest.mark.parametrize(
    ("operation", "check"),
    [
        ("DescribeEndpoint", "endpoint"),
        ("DescribeScalableTargets", "scalable target"),
        ("DescribeScalingPolicies", "scaling policies"),
        ("DescribeScalingPolicies", "wake alarm"),
        ("DescribeAlarms", "wake alarm"),
        ("GetQueueAttributes", "queue of reports"),
    ],
)
@pytest.mark.usefixtures("with_consumer")
def test_what_may_not_be_looked_at_is_unknown_and_no_problem(
    cloud: FakeCloud, plain: CommandLine, operation: str, check: str
) -> None:
    """The finding names the action, as AWS does."""
    cloud.fail(operation, DENIED)

    finding = findings(plain)[check]

    assert finding["level"] == "unknown"
    assert finding["seen"] == "cannot tell: x:Y is not allowed (AccessDeniedException)"


@pytest.mark.parametrize(
    ("get", "listing", "level", "seen", "remedy"),
    [
        (s3_error(404, "NoSuchKey"), None, "ok", "readable, and what is not there yet is told apart", None),
        (
            s3_error(403, "AccessDenied"),
            s3_error(403, "AccessDenied"),
            "problem",
            "403 for what is not there yet, and s3:ListBucket is not allowed",
            remedies.LIST_DENIED,
        ),
        (s3_error(403, "AccessDenied"), None, "problem", "s3:GetObject is not allowed", remedies.ACCESS_DENIED),
        (
            s3_error(404, "NoSuchBucket"),
            s3_error(404, "NoSuchBucket"),
            "problem",
            "there is no such bucket",
            remedies.BUCKET_MISSING,
        ),
        (
            s3_error(400, "IllegalLocationConstraintException", "wrong region"),
            None,
            "problem",
            "s3:GetObject on it failed with IllegalLocationConstraintException: wrong region",
            remedies.UNAVAILABLE,
        ),
    ],
)
def test_a_result_that_is_not_there_yet_must_look_so(  # noqa: PLR0917 - a table
    cloud: FakeCloud, plain: CommandLine, get: Answer, listing: Answer | None, level: str, seen: str, remedy: str | None
) -> None:
    """404, and not 403, which takes s3:ListBucket."""
    cloud.fail("GetObject", get)
    if listing is not None:
        cloud.fail("ListObjectsV2", listing)

    finding = findings(plain)["output/ in S3"]

    assert (level, seen, remedy) == (finding["level"], finding["seen"], finding["remedy"])


def test_an_endpoint_that_is_gone_is_a_problem(cloud: FakeCloud, plain: CommandLine) -> None:
    """As DescribeEndpoint words it."""
    cloud.fail("DescribeEndpoint", service_error(400, "ValidationException", 'Could not find endpoint "x".'))

    finding = findings(plain)["endpoint"]

    assert ("problem", f"there is no endpoint {ENDPOINT}") == (finding["level"], finding["seen"])


def test_a_network_that_does_not_reach_aws_is_a_problem(cloud: FakeCloud, plain: CommandLine) -> None:
    """Not a matter of permissions."""
    unreachable = EndpointConnectionError(endpoint_url="https://api.sagemaker")
    cloud.fail("DescribeEndpoint", unreachable, unreachable)

    finding = findings(plain)["endpoint"]

    assert (finding["level"], finding["remedy"]) == ("problem", remedies.UNAVAILABLE)


@pytest.mark.parametrize(
    ("skew", "level", "seen"),
    [
        (0.0, "ok", "agrees with AWS's"),
        (-90.0, "warning", "90 s ahead of AWS's"),
        (3_600.0, "problem", "3,600 s behind AWS's"),
    ],
)
def test_the_clock_is_compared_with_aws(
    cloud: FakeCloud, plain: CommandLine, skew: float, level: str, seen: str
) -> None:
    """By the dates of its answers."""
    cloud.skew = skew
    cloud.fail("GetObject", s3_error(404, "NoSuchKey"), s3_error(404, "NoSuchKey"))

    finding = findings(plain)["clock"]

    assert (level, seen) == (finding["level"], finding["seen"])


def test_without_a_parameter_there_is_nothing_to_look_at(cloud: FakeCloud, plain: CommandLine) -> None:
    """The last finding says so."""
    cloud.fail("GetParameter", service_error(400, "ParameterNotFound"))

    found = findings(plain)

    assert list(found) == ["boto3", "credentials", "parameter"]
    assert found["parameter"]["seen"].startswith(f"there is no parameter {PARAMETER} in eu-west-1")


def test_without_credentials_nothing_is_asked(
    cloud: FakeCloud, plain: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """AWS would only refuse."""
    monkeypatch.setattr("boto3.Session.get_credentials", lambda _: None)

    finding = findings(plain)["credentials"]

    assert (finding["level"], finding["remedy"]) == ("problem", remedies.CREDENTIALS_MISSING)
    assert cloud.requests == []


@pytest.mark.parametrize(
    ("missing", "level"), [("Body", "warning"), ("Filename", "problem"), ("RequestTTLSeconds", "problem")]
)
def test_an_old_boto3_is_told_by_what_it_lacks(
    plain: CommandLine, monkeypatch: pytest.MonkeyPatch, missing: str, level: str
) -> None:
    """The fields that it does not know, and not a version number that somebody has to keep."""
    monkeypatch.setattr(
        "async_inference.doctor.examination.request_fields",
        lambda _: (
            {"Body", "Filename", "S3OutputPathExtension", "RequestTTLSeconds", "InvocationTimeoutSeconds"} - {missing}
        ),
    )

    finding = findings(plain)["boto3"]

    assert (finding["level"], finding["remedy"]) == (level, remedies.SDK_TOO_OLD)
