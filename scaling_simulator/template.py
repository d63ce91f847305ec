"""Reads the scaling of an asynchronous endpoint out of a CloudFormation template."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from scaling_engine.documents import alarm_from_api, scalable_target_from_api, scaling_policy_from_api
from scaling_engine.exceptions import ScalingConfigurationError
from scaling_engine.policies import StepScalingPolicy, TargetTrackingPolicy
from scaling_engine.schedules import ScheduledAction, scheduled_action_from_api
from scaling_simulator.endpoint_configs import endpoint_config
from scaling_simulator.exceptions import SimulationError
from scaling_simulator.intrinsics import Resolver
from scaling_simulator.targets import variant_target
from scaling_simulator.template_files import load_template

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

    from scaling_engine.alarms import Alarm
    from scaling_engine.policies import ScalingPolicy
    from scaling_engine.scalable_target import ScalableTarget
    from scaling_simulator.endpoint_configs import Resources

_POLICY: Final = "AWS::ApplicationAutoScaling::ScalingPolicy"
_ALARM: Final = "AWS::CloudWatch::Alarm"
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
        target: logical id of the scalable target.
        endpoint_name: the endpoint's name or its symbol; metrics have it as their dimension.
        variant_name: of the production variant.
        limits: of the scalable target.
        alarms: those that invoke a policy of the target, AWS's own for target tracking among them.
        scheduled_actions: of the scalable target.
        initial_instances: what the first deployment starts; 1 where the template does not say.
        max_concurrency: invocations that an instance is sent at a time, ``None`` where the template leaves it to
            SageMaker.
        instance_type: where the template names one.
        parameters: names of the template's parameters.
    """

    target: str
    endpoint_name: str
    variant_name: str
    limits: ScalableTarget
    alarms: tuple[WiredAlarm, ...]
    scheduled_actions: tuple[ScheduledAction, ...] = ()
    initial_instances: int = 1
    max_concurrency: int | None = None
    instance_type: str | None = None
    parameters: frozenset[str] = frozenset()


def read_template(
    path: Path, *, targets: Collection[str] = (), parameters: Mapping[str, str] | None = None
) -> Deployment:
    """Return the deployment in a template file in JSON.

    Args:
        path: of the file.
        targets: as :func:`deployment` takes them.
        parameters: likewise; those that this template does not declare are left out.

    Raises:
        SimulationError: it is no template, or not one that :func:`deployment` can read.
    """
    template = load_template(path)
    try:
        return deployment(template, targets=targets, parameters=parameters)
    except (SimulationError, ScalingConfigurationError) as error:
        raise SimulationError(f"{path}: {error}") from error


def deployment(
    template: Mapping[str, Any], *, targets: Collection[str] = (), parameters: Mapping[str, str] | None = None
) -> Deployment:
    """Return what ``template`` declares.

    Args:
        template: decoded.
        targets: logical ids of scalable targets, of which one is read where the template has several.
        parameters: values of the template's parameters, where the defaults do not do.

    Raises:
        SimulationError: it has no scalable target of a SageMaker variant, or several, or not of an asynchronous
            endpoint.
        ScalingConfigurationError: an alarm or policy uses what the engine lacks.
    """
    resolver = Resolver(template, parameters)
    try:
        return replace(_deployment(_resources(template, resolver), targets), parameters=resolver.parameters)
    except (SimulationError, ScalingConfigurationError) as error:
        if not resolver.parameters_without_value:
            raise
        missing = ", ".join(resolver.parameters_without_value)
        raise SimulationError(f"{error}; parameters without a value, which --parameter gives: {missing}") from error


def _resources(template: Mapping[str, Any], resolver: Resolver) -> Resources:
    resources = {}
    for logical_id, resource in template["Resources"].items():
        if not isinstance(resource, dict) or not isinstance(resource.get("Type"), str):
            raise SimulationError(f"resource {logical_id} has no Type: pass the template after macros and transforms")
        if "Condition" not in resource or resolver.holds(resource["Condition"]):
            resources[logical_id] = (resource["Type"], resolver.resolve(resource.get("Properties") or {}))
    return resources


def _deployment(resources: Resources, targets: Collection[str]) -> Deployment:
    logical_id, target = variant_target(resources, targets)
    resource_id = str(target.get("ResourceId"))
    match = _RESOURCE_ID.fullmatch(resource_id)
    if match is None:
        raise SimulationError(f"{logical_id}: ResourceId {resource_id!r} is not endpoint/<name>/variant/<name>")
    actions = [scheduled_action_from_api(action) for action in target.get("ScheduledActions", ())]
    config = endpoint_config(resources, match[1])
    limits = {name: value for name, value in target.items() if name not in ("ScheduledActions", "SuspendedState")}
    return Deployment(
        target=logical_id,
        endpoint_name=match[1],
        variant_name=match[2],
        limits=scalable_target_from_api(limits),
        alarms=_alarms(resources, _policies(resources, logical_id, resource_id)),
        scheduled_actions=tuple(actions),
        initial_instances=config.initial_instances(match[2]),
        max_concurrency=config.max_concurrency,
        instance_type=config.instance_type(match[2]),
    )


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
