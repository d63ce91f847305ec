"""Deployments are watched by an alarm that exists, and let running jobs end."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import botocore.session
import pytest
from aws_cdk import App, assertions

from constructs_lib.scaling_settings import PUBLICATION_DELAY_SECONDS
from stacks.deployment_options import SETTLED, DeploymentOptionError, DeploymentOptions
from stacks.inference_stack import add_stacks
from stacks.stages import stage_settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from stacks.settings import EndpointSettings

Template = dict[str, Any]
STAGE = stage_settings("dev")
SCALING_TYPES = {"AWS::ApplicationAutoScaling::ScalableTarget", "AWS::ApplicationAutoScaling::ScalingPolicy"}


def resources(template: Template, kind: str) -> list[dict[str, Any]]:
    """Return the properties of all resources of a type."""
    return [each["Properties"] for each in template["Resources"].values() if each["Type"] == kind]


def blue_green(template: Template) -> dict[str, Any]:
    """Return how instances are replaced."""
    (endpoint,) = resources(template, "AWS::SageMaker::Endpoint")
    return dict(endpoint["DeploymentConfig"]["BlueGreenUpdatePolicy"])


def synthesized(
    app: App, options: DeploymentOptions = SETTLED, endpoint: EndpointSettings = STAGE.endpoints[0]
) -> Template:
    """Return the template of the development stage with these options, or another endpoint."""
    (stack,) = add_stacks(app, replace(STAGE, endpoints=(endpoint,)), options)
    return dict(assertions.Template.from_stack(stack).to_json())


def test_the_endpoint_names_an_alarm_of_the_stack(template: Template) -> None:
    """And nothing but a name ties them, since the alarm refers to the endpoint."""
    (endpoint,) = resources(template, "AWS::SageMaker::Endpoint")
    named = endpoint["DeploymentConfig"]["AutoRollbackConfiguration"]["Alarms"]

    names = [alarm["AlarmName"] for alarm in resources(template, "AWS::CloudWatch::Alarm") if "AlarmName" in alarm]
    assert [{"AlarmName": name} for name in names] == named


def test_old_instances_stay_for_the_longest_job(new_app: Callable[[], App]) -> None:
    """Which is within what SageMaker lets them stay."""
    shape = botocore.session.get_session().get_service_model("sagemaker").shape_for("TerminationWaitInSeconds")

    policy = blue_green(synthesized(new_app(), endpoint=replace(STAGE.endpoints[0], max_job_seconds=3_600)))

    assert policy["TerminationWaitInSeconds"] == 3_600 <= shape.metadata["max"]
    assert policy["TrafficRoutingConfiguration"] == {"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": 0}


def test_short_jobs_are_watched_until_the_alarm_can_have_rung(new_app: Callable[[], App]) -> None:
    """Its period, and the time until metrics are there, are longer than the job."""
    template = synthesized(new_app(), endpoint=replace(STAGE.endpoints[0], max_job_seconds=30))

    (alarm,) = [each for each in resources(template, "AWS::CloudWatch::Alarm") if "AlarmName" in each]
    (period,) = {each["MetricStat"]["Period"] for each in alarm["Metrics"] if "MetricStat" in each}
    assert blue_green(template)["TerminationWaitInSeconds"] > period + PUBLICATION_DELAY_SECONDS


def test_an_unwatched_deployment_lets_running_jobs_end_all_the_same(new_app: Callable[[], App]) -> None:
    """It names no alarm, and keeps what the next deployment needs: the alarm, and the role's leave to see it."""
    watched, unwatched = synthesized(new_app()), synthesized(new_app(), DeploymentOptions(rollback=False))

    (config,) = (each["DeploymentConfig"] for each in resources(unwatched, "AWS::SageMaker::Endpoint"))
    assert config == {"BlueGreenUpdatePolicy": blue_green(watched)}
    for kind in ("AWS::CloudWatch::Alarm", "AWS::IAM::Policy"):
        assert resources(watched, kind) == resources(unwatched, kind)


def test_without_scaling_there_is_nothing_that_scales(new_app: Callable[[], App]) -> None:
    """Target, policies and their alarms go, nothing else does, and whoever deploys is warned."""
    app = new_app()
    changed = replace(STAGE.endpoints[0], instance_types_before=("ml.m5.4xlarge",))
    off = synthesized(app, DeploymentOptions(scaling=False), changed)
    on = synthesized(new_app(), DeploymentOptions(scaling=True), changed)

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
    with pytest.raises(DeploymentOptionError, match=f"^{name} is 'of', allowed is one of on, off$"):
        DeploymentOptions.from_context(App(context={name: "of"}).node)


@pytest.mark.parametrize(
    ("name", "meant"), [("scalling", "scaling"), ("rollbak", "rollback"), ("roll-back", "rollback")]
)
def test_a_misspelt_name_of_an_option_is_refused(name: str, meant: str) -> None:
    """The CDK would pass it over, and the deployment be another than was meant."""
    with pytest.raises(DeploymentOptionError, match=f"^there is no option {name}: -c {meant}=… is meant"):
        DeploymentOptions.from_context(App(context={name: "off"}).node)


def test_context_of_ones_own_is_no_misspelt_option() -> None:
    """Nor is what the CLI and cdk.json pass on."""
    context = {
        "vpc-id": "vpc-0a1b2c3d",
        "autoscaling": "off",
        "stage": "dev",
        "@aws-cdk/core:stackRelativeExports": True,
    }

    assert DeploymentOptions.from_context(App(context=context).node) == DeploymentOptions()


def test_options_are_read_from_the_context() -> None:
    """As the CLI passes them on."""
    given = App(context={"scaling": "off", "rollback": "off"})

    assert DeploymentOptions.from_context(given.node) == DeploymentOptions(scaling=False, rollback=False)
    assert DeploymentOptions.from_context(App().node) == DeploymentOptions()
