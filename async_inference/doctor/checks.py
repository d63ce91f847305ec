"""What facts mean to a caller: pure judgements, one function for each thing that is looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from async_inference import remedies
from async_inference.doctor.facts import Unknown
from async_inference.doctor.findings import Finding, cannot_tell, ok, problem, warning

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from async_inference.doctor.facts import Fact, Members

WAKE_METRIC: Final = "HasBacklogWithoutCapacity"
QUEUE_METRICS: Final = frozenset(
    {"ApproximateBacklogSize", "ApproximateBacklogSizePerInstance", "ApproximateAgeOfOldestRequest", WAKE_METRIC}
)
"""What SageMaker publishes under ``EndpointName`` alone (developer guide, "Monitor asynchronous endpoint")."""

_CLOCK_WARNING_SECONDS: Final = 60.0
_CLOCK_PROBLEM_SECONDS: Final = 240.0
"""AWS refuses a signature that is five minutes old, and deadlines of jobs have that much slack."""

_REQUEST_FIELDS: Final = ("S3OutputPathExtension", "Filename", "RequestTTLSeconds", "InvocationTimeoutSeconds")


def sdk(version: str, request_fields: Collection[str]) -> Finding:
    """Judge boto3 by the fields of a request that it knows."""
    missing = [field for field in _REQUEST_FIELDS if field not in request_fields]
    if missing:
        return problem("boto3", f"{version} does not know {', '.join(missing)} of a request", remedies.SDK_TOO_OLD)
    if "Body" not in request_fields:
        return warning("boto3", f"{version} does not know inline payloads: each goes by S3", remedies.SDK_TOO_OLD)
    return ok("boto3", version)


def endpoint(fact: Fact[Members], name: str) -> Finding:
    """Judge whether requests are taken and worked on."""
    if isinstance(fact, Unknown):
        if "could not find" in fact.why.lower():
            return problem("endpoint", f"there is no endpoint {name}", remedies.UNAVAILABLE)
        return _not_known("endpoint", fact)
    status = fact.value["EndpointStatus"]
    instances = sum(variant.get("CurrentInstanceCount", 0) for variant in fact.value.get("ProductionVariants", ()))
    if status == "InService":
        return ok("endpoint", f"{name} is InService, instances: {instances}")
    reason = f": {fact.value['FailureReason']}" if "FailureReason" in fact.value else ""
    if status in {"Updating", "SystemUpdating"}:
        return ok("endpoint", f"{name} is {status}, instances: {instances}")
    return problem("endpoint", f"{name} is {status}{reason}", remedies.NOT_IN_SERVICE)


def scalable_target(fact: Fact[list[Members]]) -> Finding:
    """Judge whether the endpoint is scaled at all."""
    if isinstance(fact, Unknown):
        return _not_known("scalable target", fact)
    if not fact.value:
        return problem("scalable target", "there is none", remedies.NOT_SCALED)
    ranges = ", ".join(f"{target['MinCapacity']} to {target['MaxCapacity']} instances" for target in fact.value)
    return ok("scalable target", ranges)


def scaling_policies(fact: Fact[list[Members]], endpoint_name: str) -> Finding:
    """Judge the policies that track a metric of the endpoint's queue."""
    check = "scaling policies"
    if isinstance(fact, Unknown):
        return _not_known(check, fact)
    if not fact.value:
        return problem(check, "there is none", remedies.NOT_SCALED)
    for policy in fact.value:
        tracking = policy.get("TargetTrackingScalingPolicyConfiguration", {})
        metric = tracking.get("CustomizedMetricSpecification", {})
        if wrong := _wrong_dimensions(metric, endpoint_name):
            return problem(check, f"{policy['PolicyName']} tracks {wrong}", remedies.WRONG_DIMENSIONS)
    return ok(check, ", ".join(sorted(policy["PolicyName"] for policy in fact.value)))


def wake_alarm(fact: Fact[list[Members]], endpoint_name: str) -> Finding:
    """Judge whether a request at zero instances wakes the endpoint.

    Args:
        fact: The alarms that apply the endpoint's step scaling policies.
        endpoint_name: The endpoint.
    """
    check = "wake alarm"
    if isinstance(fact, Unknown):
        return _not_known(check, fact)
    for alarm in fact.value:
        for metric in _metrics(alarm):
            if wrong := _wrong_dimensions(metric, endpoint_name):
                return problem(check, f"{alarm['AlarmName']} looks at {wrong}", remedies.WRONG_DIMENSIONS)
    wakes = [alarm for alarm in fact.value if any(metric["MetricName"] == WAKE_METRIC for metric in _metrics(alarm))]
    if not wakes:
        return problem(check, f"no alarm on {WAKE_METRIC} applies a policy", remedies.NOT_SCALED)
    alarm = wakes[0]
    if not alarm.get("ActionsEnabled", True):
        return problem(check, f"the actions of {alarm['AlarmName']} are disabled", remedies.ALARM_DISABLED)
    return ok(check, f"{alarm['AlarmName']} is {alarm.get('StateValue', 'there')}")


def results(prefix: str, absent: Fact[None], listing: Fact[None]) -> Finding:
    """Judge whether a result that is not there yet looks so: 404, and not 403.

    Args:
        prefix: Where the result would be.
        absent: What S3 said to a question for an object that is not there.
        listing: What it said to a listing.
    """
    check = f"{prefix} in S3"
    if not isinstance(absent, Unknown) or absent.code in {"NoSuchKey", "404"}:
        return ok(check, "readable, and what is not there yet is told apart")
    if absent.code == "NoSuchBucket":
        return problem(check, "there is no such bucket", remedies.BUCKET_MISSING)
    if not absent.refused:
        return problem(check, absent.why, remedies.UNAVAILABLE)
    if isinstance(listing, Unknown) and listing.refused:
        seen = "403 for what is not there yet, and s3:ListBucket is not allowed"
        return problem(check, seen, remedies.LIST_DENIED)
    return problem(check, "s3:GetObject is not allowed", remedies.ACCESS_DENIED)


def queue(consumer: str, fact: Fact[Members]) -> Finding:
    """Judge whether the queue of a consumer is there."""
    check = f"queue of {consumer}"
    if isinstance(fact, Unknown):
        if "NonExistentQueue" in fact.code or "QueueDoesNotExist" in fact.code:
            return problem(check, "there is no such queue", remedies.QUEUE_MISSING)
        return _not_known(check, fact)
    waiting = fact.value.get("Attributes", {}).get("ApproximateNumberOfMessages", "0")
    return ok(check, f"notices waiting: {waiting}")


def clock(differences: Sequence[float]) -> Finding:
    """Judge this machine's clock by AWS's.

    Args:
        differences: Seconds by which this machine is ahead, as each answer showed it; latency makes them larger.
    """
    if not differences:
        return cannot_tell("clock", "no answer of AWS bore a date")
    ahead = min(differences, key=abs)
    seen = "agrees with AWS's" if abs(ahead) < _CLOCK_WARNING_SECONDS else _skew(ahead)
    if abs(ahead) >= _CLOCK_PROBLEM_SECONDS:
        return problem("clock", seen, remedies.CLOCK_WRONG)
    if abs(ahead) >= _CLOCK_WARNING_SECONDS:
        return warning("clock", seen, remedies.CLOCK_WRONG)
    return ok("clock", seen)


def _skew(ahead: float) -> str:
    return f"{abs(ahead):,.0f} s {'ahead of' if ahead > 0 else 'behind'} AWS's"


def _not_known(check: str, fact: Unknown) -> Finding:
    if fact.refused:
        return cannot_tell(check, fact.why)
    return problem(check, fact.why, remedies.UNAVAILABLE)


def _metrics(alarm: Members) -> Iterator[Members]:
    """Yield the metrics of an alarm, one of its own or those of its expression."""
    if alarm.get("MetricName"):
        yield alarm
    for query in alarm.get("Metrics", ()):
        if "MetricStat" in query:
            yield query["MetricStat"]["Metric"]


def _wrong_dimensions(metric: Mapping[str, Any], endpoint_name: str) -> str | None:
    """Return the metric and its dimensions if SageMaker publishes it under others."""
    if metric.get("MetricName") not in QUEUE_METRICS:
        return None
    dimensions = {each["Name"]: each["Value"] for each in metric.get("Dimensions", ())}
    if dimensions == {"EndpointName": endpoint_name}:
        return None
    listed = ", ".join(f"{name}={value}" for name, value in dimensions.items()) or "no dimension"
    return f"{metric['MetricName']} of {listed}"
