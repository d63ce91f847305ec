"""Scaling is read out of a template, ours or anybody's."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from scaling_simulator.exceptions import SimulationError
from scaling_simulator.template import Deployment, deployment, read_template

if TYPE_CHECKING:
    from pathlib import Path


def test_policies_alarms_and_limits_are_read(pair: Deployment) -> None:
    """Target tracking brings two alarms of its own; the alarm that wakes is the template's."""
    assert (pair.endpoint_name, pair.variant_name) == ("<Endpoint.EndpointName>", "AllTraffic")
    assert (pair.limits.min_capacity, pair.limits.max_capacity) == (0, 3)
    assert {wired.alarm.name: [policy.name for policy in wired.policies] for wired in pair.alarms} == {
        "<Grow>-AlarmHigh": ["Grow"],
        "<Grow>-AlarmLow": ["Grow"],
        "WakeAlarm": ["Wake"],
    }


def test_the_endpoint_configuration_is_read(pair: Deployment) -> None:
    """Through the endpoint that the target names."""
    assert (pair.initial_instances, pair.max_concurrency, pair.instance_type) == (1, 2, "ml.m5.large")


@pytest.mark.parametrize(
    "resource_id",
    [
        {"Fn::Join": ["", ["endpoint/", {"Fn::GetAtt": ["Endpoint", "EndpointName"]}, "/variant/AllTraffic"]]},
        {"Fn::Sub": ["endpoint/${Name}/variant/${!x}", {"Name": {"Fn::GetAtt": "Endpoint.EndpointName"}}]},
        {"Fn::If": ["Never", "x", {"Fn::Sub": "endpoint/${Endpoint.EndpointName}/variant/${Variant}"}]},
    ],
)
def test_an_endpoint_has_one_name_however_it_is_written(template: dict[str, Any], resource_id: Any) -> None:  # noqa: ANN401 - JSON
    """Alarms are matched by the endpoint's name, so every way to write it has to give the same."""
    template["Resources"]["Target"]["Properties"]["ResourceId"] = resource_id
    del template["Resources"]["Config"]
    template["Parameters"] = {"Variant": {"Type": "String", "Default": "AllTraffic"}}
    template["Conditions"] = {"Never": {"Fn::Not": [{"Fn::Equals": [{"Ref": "Variant"}, "AllTraffic"]}]}}
    assert deployment(template).endpoint_name == "<Endpoint.EndpointName>"


def test_an_alarm_may_name_its_policy_by_arn_or_by_reference(template: dict[str, Any]) -> None:
    """``Ref`` of a policy is its ARN."""
    alarm = template["Resources"]["WakeAlarm"]["Properties"]
    alarm["AlarmActions"] = [{"Fn::GetAtt": ["Wake", "Arn"]}, "arn:aws:sns:us-east-1:0:topic"]
    assert [policy.name for policy in deployment(template).alarms[-1].policies] == ["Wake"]


def test_an_alarm_without_actions_scales_nothing(template: dict[str, Any]) -> None:
    """Neither one of another policy nor one whose actions are disabled."""
    template["Resources"]["WakeAlarm"]["Properties"]["ActionsEnabled"] = False
    assert len(deployment(template).alarms) == 2


def test_a_policy_may_name_its_target_by_resource(template: dict[str, Any]) -> None:
    """As the API does."""
    policy = template["Resources"]["Wake"]["Properties"]
    del policy["ScalingTargetId"]
    policy["ResourceId"] = {"Fn::Sub": "endpoint/${Endpoint.EndpointName}/variant/AllTraffic"}
    assert len(deployment(template).alarms) == 3


def test_of_several_targets_one_is_named(template: dict[str, Any]) -> None:
    """The error lists them."""
    template["Resources"]["Other"] = template["Resources"]["Target"]
    with pytest.raises(SimulationError, match=r"choose one with --target: Target .*, Other"):
        deployment(template)
    assert deployment(template, targets=["Target"]).limits.max_capacity == 3


@pytest.mark.parametrize(("stage", "alarms"), [("dev", 2), ("prod", 3)])
def test_a_resource_whose_condition_does_not_hold_is_none(template: dict[str, Any], stage: str, alarms: int) -> None:
    """A wake alarm for production alone."""
    template["Parameters"] = {"Stage": {"Type": "String", "Default": "dev"}}
    template["Conditions"] = {"InProduction": {"Fn::Equals": [{"Ref": "Stage"}, "prod"]}}
    template["Resources"]["WakeAlarm"]["Condition"] = "InProduction"
    assert alarms == len(deployment(template, parameters={"Stage": stage}).alarms)


def test_a_target_of_something_else_is_none(template: dict[str, Any]) -> None:
    """Other services scale too."""
    template["Resources"]["Target"]["Properties"]["ScalableDimension"] = "ecs:service:DesiredCount"
    with pytest.raises(
        SimulationError, match=r"no scalable target of .*: Target scales ecs:service:DesiredCount, Endpoint is an"
    ):
        deployment(template)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "is no JSON .*; expected a CloudFormation template in JSON, such as cdk synth writes"),
        ("Resources:\n  Target: !Ref Other\n", "is a template in YAML, which is not read: convert it"),
        ("[]", "has no object Resources, found nothing of that kind; expected a CloudFormation template"),
        (
            '{"TemplateBody": {}, "StagesAvailable": []}',
            "has no object Resources, found TemplateBody, StagesAvailable;",
        ),
        ('{"Resources": []}', "has no object Resources, found Resources; expected a CloudFormation template"),
        ('{"Resources": {}, "Parameters": ["Stage"]}', "Parameters is no object of objects"),
        ('{"Resources": {"Fn::ForEach::All": []}}', "resource Fn::ForEach::All has no Type"),
        ('{"Resources": {}}', "it has no scalable target of sagemaker:variant:DesiredInstanceCount: nor an endpoint"),
    ],
)
def test_what_is_no_template_is_refused_by_file(tmp_path: Path, content: str, message: str) -> None:
    """The line begins with the file's name and says what was expected."""
    path = tmp_path / "some.template.json"
    path.write_text(content)
    with pytest.raises(SimulationError, match=message) as raised:
        read_template(path)
    assert str(raised.value).startswith(f"{path}: ")
    assert "\n" not in str(raised.value)


def test_a_directory_is_refused_with_the_templates_in_it(tmp_path: Path) -> None:
    """Such as cdk.out."""
    (tmp_path / "dev.template.json").write_text("{}")
    (tmp_path / "manifest.json").write_text("{}")
    with pytest.raises(SimulationError, match=r"is a directory with dev\.template\.json: name one file"):
        read_template(tmp_path)


def test_an_endpoint_without_scaling_is_named(template: dict[str, Any]) -> None:
    """Rather than that something is missing."""
    template["Resources"] = {name: template["Resources"][name] for name in ("Config", "Endpoint")}
    with pytest.raises(SimulationError, match="Endpoint is an endpoint that never scales"):
        deployment(template)


def test_a_real_time_endpoint_is_refused(template: dict[str, Any]) -> None:
    """It has no queue, so nothing that could be simulated."""
    del template["Resources"]["Config"]["Properties"]["AsyncInferenceConfig"]
    with pytest.raises(SimulationError, match="Config: has no AsyncInferenceConfig"):
        deployment(template)


def test_the_variant_is_the_one_that_scales(template: dict[str, Any]) -> None:
    """Not the first; and one that is not there is a mistake."""
    variants = template["Resources"]["Config"]["Properties"]["ProductionVariants"]
    variants.insert(0, {"VariantName": "Other", "InitialInstanceCount": 7})
    assert deployment(template).initial_instances == 1
    variants.pop()
    with pytest.raises(SimulationError, match="Config: has no variant AllTraffic, which is to be scaled, but Other"):
        deployment(template)


@pytest.mark.parametrize(
    ("properties", "message"),
    [
        ({"AsyncInferenceConfig": "on"}, "Config: AsyncInferenceConfig.ClientConfig is 'on', expected an object"),
        (
            {"ProductionVariants": ["AllTraffic"]},
            "Config: ProductionVariants is ['AllTraffic'], expected a list of obj",
        ),
        ({"ProductionVariants": {"a": 1}}, "Config: ProductionVariants is {'a': 1}, expected a list of objects"),
    ],
)
def test_a_configuration_of_another_shape_is_refused(
    template: dict[str, Any], properties: dict[str, Any], message: str
) -> None:
    """By the property, without a traceback."""
    template["Resources"]["Config"]["Properties"] |= properties
    with pytest.raises(SimulationError) as raised:
        deployment(template)
    assert str(raised.value).startswith(message)


def test_a_count_that_is_none_is_refused(template: dict[str, Any]) -> None:
    """Such as a parameter without a value, which is named."""
    variant = template["Resources"]["Config"]["Properties"]["ProductionVariants"][0]
    variant["InitialInstanceCount"] = {"Ref": "Count"}
    template["Parameters"] = {"Count": {"Type": "Number"}}
    with pytest.raises(SimulationError, match=r"InitialInstanceCount is '<Count>', expected a whole number; .*: Count"):
        deployment(template)
    assert deployment(template, parameters={"Count": "2"}).initial_instances == 2


def test_the_name_in_an_endpoints_arn_is_the_endpoints_name(template: dict[str, Any]) -> None:
    """``Ref`` of an endpoint is its ARN; templates cut the name out of it."""
    name = {"Fn::Select": [1, {"Fn::Split": ["/", {"Ref": "Endpoint"}]}]}
    template["Resources"]["Target"]["Properties"]["ResourceId"] = {
        "Fn::Join": ["/", ["endpoint", name, "variant", "AllTraffic"]]
    }
    assert deployment(template).endpoint_name == "<Endpoint.EndpointName>"


def test_an_endpoint_named_in_the_template_has_that_name_everywhere(template: dict[str, Any]) -> None:
    """Whether it is written out or referred to."""
    template["Resources"]["Endpoint"]["Properties"]["EndpointName"] = "mine"
    pair = deployment(template)
    assert pair.endpoint_name == "mine"
    assert (pair.initial_instances, pair.max_concurrency) == (1, 2)


def test_a_list_that_is_not_known_is_a_symbol(template: dict[str, Any]) -> None:
    """What has nothing to do with scaling stops nothing."""
    template["Resources"]["Network"] = {
        "Type": "AWS::EC2::Subnet",
        "Properties": {
            "AvailabilityZone": {"Fn::Select": [0, {"Fn::GetAZs": ""}]},
            "CidrBlock": {"Fn::Join": [",", {"Ref": "Blocks"}]},
        },
    }
    assert deployment(template).limits.max_capacity == 3


def test_an_intrinsic_function_without_its_arguments_is_refused(template: dict[str, Any]) -> None:
    """By name, without a traceback."""
    template["Resources"]["Target"]["Properties"]["ResourceId"] = {"Fn::Join": "endpoint"}
    with pytest.raises(SimulationError, match='Fn::Join does not take "endpoint"'):
        deployment(template)


def test_an_unsupported_alarm_is_refused_by_file(tmp_path: Path, template: dict[str, Any]) -> None:
    """An alarm that was left out would make the scaling another one."""
    template["Resources"]["WakeAlarm"]["Properties"]["ExtendedStatistic"] = "p99"
    path = tmp_path / "some.template.json"
    path.write_text(json.dumps(template))
    with pytest.raises(SimulationError, match="alarm WakeAlarm: ExtendedStatistic not supported"):
        read_template(path)
