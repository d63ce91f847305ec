"""Reads the scaling of an asynchronous endpoint out of a CloudFormation template."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from scaling_engine.documents import alarm_from_api, scalable_target_from_api, scaling_policy_from_api
from scaling_engine.exceptions import ScalingConfigurationError
from scaling_engine.policies import StepScalingPolicy, TargetTrackingPolicy
from scaling_engine.schedules import ScheduledAction, scheduled_action_from_api
from scaling_simulator.exceptions import SimulationError
from scaling_simulator.intrinsics import Resolver

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from scaling_engine.alarms import Alarm
    from scaling_engine.policies import ScalingPolicy
    from scaling_engine.scalable_target import ScalableTarget

    Resources = Mapping[str, tuple[str, dict[str, Any]]]

DIMENSION: Final = "sagemaker:variant:DesiredInstanceCount"
_TARGET: Final = "AWS::ApplicationAutoScaling::ScalableTarget"
_POLICY: Final = "AWS::ApplicationAutoScaling::ScalingPolicy"
_ALARM: Final = "AWS::CloudWatch::Alarm"
_CONFIG: Final = "AWS::SageMaker::EndpointConfig"
_ENDPOINT: Final = "AWS::SageMaker::Endpoint"
_RESOURCE_ID: Final = re.compile(r"endpoint/(.+)/variant/(.+)")


@dataclass(frozen=True, kw_only=True, slots=True)
class WiredAlarm:
    """An alarm with the policies that it invokes."""

    alarm: Alarm
    policies: tuple[ScalingPolicy, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Deployment:
    """One variant's scaling, as a template declares it.

    Attributes:
        endpoint_name: the endpoint's name or its symbol; metrics have it as their dimension.
        variant_name: of the production variant.
        limits: of the scalable target.
        alarms: those that invoke a policy of the target, AWS's own for target tracking among them.
        scheduled_actions: of the scalable target.
        initial_instances: what the first deployment starts.
        max_concurrency: invocations that an instance is sent at a time, ``None`` where the template leaves it to
            SageMaker.
        instance_type: where the template names one.
    """

    endpoint_name: str
    variant_name: str
    limits: ScalableTarget
    alarms: tuple[WiredAlarm, ...]
    scheduled_actions: tuple[ScheduledAction, ...] = ()
    initial_instances: int = 1
    max_concurrency: int | None = None
    instance_type: str | None = None


def read_template(path: Path, *, endpoint: str | None = None) -> Deployment:
    """Return the deployment in a template file in JSON.

    Raises:
        SimulationError: it is no template, or not one that :func:`deployment` can read.
    """
    try:
        template = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SimulationError(
            f"{path}: no CloudFormation template in JSON ({error}): pass what cdk synth wrote"
        ) from error
    if not isinstance(template, dict) or "Resources" not in template:
        raise SimulationError(f"{path}: no CloudFormation template, Resources are missing")
    try:
        return deployment(template, endpoint=endpoint)
    except (SimulationError, ScalingConfigurationError) as error:
        raise SimulationError(f"{path}: {error}") from error


def deployment(
    template: Mapping[str, Any], *, endpoint: str | None = None, parameters: Mapping[str, str] | None = None
) -> Deployment:
    """Return what ``template`` declares.

    Args:
        template: decoded.
        endpoint: logical id of the scalable target to read, needed where there are several.
        parameters: values of the template's parameters, where the defaults do not do.

    Raises:
        SimulationError: it has no scalable target of a SageMaker variant, or several.
        ScalingConfigurationError: an alarm or policy uses what the engine lacks.
    """
    resolver = Resolver(template, parameters)
    resources: Resources = {
        logical_id: (resource["Type"], resolver.resolve(resource.get("Properties") or {}))
        for logical_id, resource in template["Resources"].items()
        if "Condition" not in resource or resolver.holds(resource["Condition"])
    }
    logical_id, target = _target(resources, endpoint)
    resource_id = target["ResourceId"]
    match = _RESOURCE_ID.fullmatch(resource_id)
    if match is None:
        raise SimulationError(f"{logical_id}: ResourceId {resource_id!r} is not endpoint/<name>/variant/<name>")
    actions = [scheduled_action_from_api(action) for action in target.get("ScheduledActions", ())]
    config = _config(resources, match[1])
    variant = (config.get("ProductionVariants") or [{}])[0]
    client = (config.get("AsyncInferenceConfig") or {}).get("ClientConfig") or {}
    concurrency = client.get("MaxConcurrentInvocationsPerInstance")
    limits = {name: value for name, value in target.items() if name not in ("ScheduledActions", "SuspendedState")}
    return Deployment(
        endpoint_name=match[1],
        variant_name=match[2],
        limits=scalable_target_from_api(limits),
        alarms=_alarms(resources, _policies(resources, logical_id, resource_id)),
        scheduled_actions=tuple(actions),
        initial_instances=int(float(variant.get("InitialInstanceCount", 1))),
        max_concurrency=None if concurrency is None else int(concurrency),
        instance_type=variant.get("InstanceType"),
    )


def _target(resources: Resources, wanted: str | None) -> tuple[str, dict[str, Any]]:
    targets = {
        logical_id: properties
        for logical_id, (kind, properties) in resources.items()
        if kind == _TARGET and properties.get("ScalableDimension") == DIMENSION
    }
    if wanted is not None:
        targets = {logical_id: properties for logical_id, properties in targets.items() if logical_id == wanted}
    if len(targets) != 1:
        known = ", ".join(targets) or "none"
        raise SimulationError(f"one scalable target of {DIMENSION} is needed, found {known}: name one")
    return next(iter(targets.items()))


def _policies(resources: Resources, target: str, resource_id: str) -> dict[str, ScalingPolicy]:
    """Return the target's policies by the symbol of their ARN."""
    policies: dict[str, ScalingPolicy] = {}
    for logical_id, (kind, properties) in resources.items():
        if kind != _POLICY:
            continue
        of_target = properties.get("ScalingTargetId") == f"<{target}>"
        if of_target or properties.get("ResourceId") == resource_id:
            policies[f"<{logical_id}>"] = scaling_policy_from_api({"PolicyName": logical_id, **properties})
    return policies


def _alarms(resources: Resources, policies: Mapping[str, ScalingPolicy]) -> tuple[WiredAlarm, ...]:
    wired = []
    for symbol, policy in policies.items():
        if isinstance(policy, TargetTrackingPolicy):
            own = (policy.high_alarm(f"{symbol}-AlarmHigh"), policy.low_alarm(f"{symbol}-AlarmLow"))
            wired += [WiredAlarm(alarm=alarm, policies=(policy,)) for alarm in own]
    for logical_id, (kind, properties) in resources.items():
        if kind != _ALARM or str(properties.get("ActionsEnabled", True)).lower() == "false":
            continue
        steps = [policies[action] for action in properties.get("AlarmActions", ()) if action in policies]
        if steps := [policy for policy in steps if isinstance(policy, StepScalingPolicy)]:
            alarm = alarm_from_api({"AlarmName": logical_id, **properties})
            wired.append(WiredAlarm(alarm=alarm, policies=tuple(steps)))
    return tuple(wired)


def _config(resources: Resources, endpoint_name: str) -> dict[str, Any]:
    """Return the configuration of the endpoint, or the only one that there is, or nothing."""
    configs = {logical_id: properties for logical_id, (kind, properties) in resources.items() if kind == _CONFIG}
    for logical_id, (kind, properties) in resources.items():
        names = (properties.get("EndpointName"), f"<{logical_id}.EndpointName>") if kind == _ENDPOINT else ()
        if endpoint_name in names:
            for config, found in configs.items():
                if properties.get("EndpointConfigName") in (
                    f"<{config}.EndpointConfigName>",
                    found.get("EndpointConfigName"),
                ):
                    return found
    return next(iter(configs.values())) if len(configs) == 1 else {}
