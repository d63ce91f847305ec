"""Deployments are watched by an alarm that exists, and let running jobs end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from aws_cdk import App, assertions

from async_inference.limits import Bounds
from stacks.deployment_options import DeploymentOptionError, DeploymentOptions
from stacks.inference_stack import add_stacks
from stacks.stages import stage_settings

if TYPE_CHECKING:
    from collections.abc import Callable

Template = dict[str, Any]
SCALING_TYPES = {"AWS::ApplicationAutoScaling::ScalableTarget", "AWS::ApplicationAutoScaling::ScalingPolicy"}
TERMINATION_WAIT_SECONDS = Bounds(0, 3_600)


def resources(template: Template, kind: str) -> list[dict[str, Any]]:
    """Return the properties of all resources of a type."""
    return [each["Properties"] for each in template["Resources"].values() if each["Type"] == kind]


def synthesized(app: App, options: DeploymentOptions) -> Template:
    """Return the template of the development stage with these options."""
    (stack,) = add_stacks(app, stage_settings("dev"), options)
    return dict(assertions.Template.from_stack(stack).to_json())


def test_the_endpoint_names_an_alarm_of_the_stack(template: Template) -> None:
    """And nothing but a name ties them, since the alarm refers to the endpoint."""
    (endpoint,) = resources(template, "AWS::SageMaker::Endpoint")
    named = endpoint["DeploymentConfig"]["AutoRollbackConfiguration"]["Alarms"]

    names = [alarm["AlarmName"] for alarm in resources(template, "AWS::CloudWatch::Alarm") if "AlarmName" in alarm]
    assert [{"AlarmName": name} for name in names] == named


def test_old_instances_stay_for_the_longest_job(template: Template, stage_name: str) -> None:
    """Which is within what SageMaker lets them stay."""
    (settings,) = stage_settings(stage_name).endpoints
    (endpoint,) = resources(template, "AWS::SageMaker::Endpoint")
    policy = endpoint["DeploymentConfig"]["BlueGreenUpdatePolicy"]

    assert policy["TerminationWaitInSeconds"] == settings.max_job_seconds
    assert settings.max_job_seconds in TERMINATION_WAIT_SECONDS
    assert policy["TrafficRoutingConfiguration"] == {"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": 0}


def test_an_unwatched_deployment_names_no_alarm_and_keeps_it(new_app: Callable[[], App]) -> None:
    """The next deployment finds the alarm that it names."""
    template = synthesized(new_app(), DeploymentOptions(rollback=False))

    (endpoint,) = resources(template, "AWS::SageMaker::Endpoint")
    assert "DeploymentConfig" not in endpoint
    assert any("AlarmName" in alarm for alarm in resources(template, "AWS::CloudWatch::Alarm"))


def test_without_scaling_there_is_nothing_that_scales(new_app: Callable[[], App]) -> None:
    """Target, policies and their alarms go, nothing else does, and whoever deploys is warned."""
    app = new_app()
    off = synthesized(app, DeploymentOptions(scaling=False))
    on = synthesized(new_app(), DeploymentOptions(scaling=True))

    gone = {name: each for name, each in on["Resources"].items() if name not in off["Resources"]}
    assert {each["Type"] for each in gone.values()} == SCALING_TYPES | {"AWS::CloudWatch::Alarm"}
    assert not {each["Type"] for each in off["Resources"].values()} & SCALING_TYPES
    (stack,) = app.node.children[:1]
    warned = assertions.Annotations.from_stack(stack).find_warning(  # type: ignore[arg-type]
        "*", assertions.Match.string_like_regexp("neither wakes nor rests")
    )
    assert len(warned) == 1


@pytest.mark.parametrize("name", ["scaling", "rollback"])
def test_a_misspelt_option_is_refused(name: str) -> None:
    """In one line that says what is allowed."""
    with pytest.raises(DeploymentOptionError, match=f"^{name} is 'of', allowed is one of on, off: -c {name}=off$"):
        DeploymentOptions.from_context(App(context={name: "of"}).node)


def test_options_are_read_from_the_context() -> None:
    """As the CLI passes them on."""
    given = App(context={"scaling": "off", "rollback": "off"})

    assert DeploymentOptions.from_context(given.node) == DeploymentOptions(scaling=False, rollback=False)
    assert DeploymentOptions.from_context(App().node) == DeploymentOptions()
