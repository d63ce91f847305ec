"""Which permissions Application Auto Scaling asks for."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from local_cloud.application_autoscaling.permissions import caller_grant, role_grant, target_grants
from local_cloud.scaled_variants import ScaledVariants
from local_cloud.scope import Scope

if TYPE_CHECKING:
    from collections.abc import Callable

    from local_cloud.application_autoscaling.api import AutoScalingApi
    from local_cloud.ministack_iam import Identities
    from tests.unit.local_cloud.conftest import Iam

SCOPE = Scope("000000000000", "us-east-1")
SAGEMAKER = "arn:aws:sagemaker:us-east-1:000000000000"
ALARM = "arn:aws:cloudwatch:us-east-1:000000000000:alarm"
CHANGING = [
    "RegisterScalableTarget",
    "DeregisterScalableTarget",
    "PutScalingPolicy",
    "DeleteScalingPolicy",
    "PutScheduledAction",
    "DeleteScheduledAction",
]


@pytest.mark.parametrize("operation", CHANGING)
def test_what_changes_scaling_needs_the_variant_and_its_alarms(operation: str) -> None:
    """On the endpoint itself, on a configuration that nobody has, and on no alarm in particular."""
    grants = target_grants(SCOPE, operation, {"ResourceId": "endpoint/Ocr/variant/AllTraffic"})
    resources = {grant.action: grant.resource for grant in grants}
    config = resources.pop("sagemaker:DescribeEndpointConfig")
    assert config.startswith(f"{SAGEMAKER}:endpoint-config/")
    assert resources == {
        "sagemaker:DescribeEndpoint": f"{SAGEMAKER}:endpoint/ocr",
        "sagemaker:UpdateEndpointWeightsAndCapacities": f"{SAGEMAKER}:endpoint/ocr",
        "cloudwatch:PutMetricAlarm": f"{ALARM}:",
        "cloudwatch:DescribeAlarms": f"{ALARM}:*",
        "cloudwatch:DeleteAlarms": f"{ALARM}:",
    }


def test_who_only_looks_needs_nothing_more(api: AutoScalingApi) -> None:
    """Nor who tags: every other operation is one of these."""
    needed = {
        name: bool(target_grants(SCOPE, name, {"ResourceId": "endpoint/ocr/variant/AllTraffic"}))
        for name in api.json_api.operations
    }
    assert {name for name, more in needed.items() if more} == set(CHANGING)


def test_a_resource_that_is_no_variant_is_left_to_its_own_refusal() -> None:
    """There is no endpoint to look at."""
    grants = target_grants(SCOPE, "RegisterScalableTarget", {"ResourceId": "table/orders"})
    assert {grant.action.partition(":")[0] for grant in grants} == {"cloudwatch"}


def test_the_service_linked_role_is_the_one_that_policies_name() -> None:
    """Role and condition are those of AWS's example policy."""
    grant = role_grant(SCOPE)
    service = "sagemaker.application-autoscaling.amazonaws.com"
    name = "AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint"
    assert grant.resource == f"arn:aws:iam::000000000000:role/aws-service-role/{service}/{name}"
    assert grant.context == (("iam:AWSServiceName", service),)


def test_the_first_registration_creates_the_role(registered: Callable[..., Any], iam: Iam) -> None:
    """Targets name it."""
    [target] = registered("DescribeScalableTargets", {})["ScalableTargets"]
    assert iam.roles == [target["RoleARN"].rpartition("/")[2]]


def test_an_existing_role_is_not_created_again(
    call: Callable[..., Any], iam: Iam, identities: Identities, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One serves all endpoints of an account."""
    monkeypatch.setattr(identities, "role_trusts", lambda *_: True)
    call("RegisterScalableTarget", {"MinCapacity": 0, "MaxCapacity": 2})
    assert iam.roles == []


@pytest.mark.usefixtures("registered")
@pytest.mark.parametrize(("name", "needed"), [("ocr", True), ("OCR", True), ("other", False)])
def test_deleting_a_scaled_endpoint_needs_what_takes_its_scaling_away(
    api: AutoScalingApi, name: str, *, needed: bool
) -> None:
    """The target, and the policies that go with it, however the name is written."""
    grants = ScaledVariants(api).deletion_grants(SCOPE, name)
    expected = ["application-autoscaling:DeregisterScalableTarget", "application-autoscaling:DeleteScalingPolicy"]
    assert [grant.action for grant in grants] == (expected if needed else [])


@pytest.mark.usefixtures("registered")
@pytest.mark.parametrize(
    ("member", "value"),
    [("VariantName", "Other"), ("InstanceType", "ml.m5.xlarge"), ("InstancePools", [{"InstanceType": "ml.m5.xlarge"}])],
)
def test_a_scaled_variant_keeps_its_instances_and_its_name(api: AutoScalingApi, member: str, value: object) -> None:
    """Pools of instance types are instance types."""
    variant = {"VariantName": "AllTraffic", "InstanceType": "ml.m5.large"}
    config = SimpleNamespace(variant=variant, variant_name="AllTraffic")
    endpoint: Any = SimpleNamespace(scope=SCOPE, name="ocr", arn="arn", config=config)
    scaled = ScaledVariants(api)
    same: Any = SimpleNamespace(variant=variant | {"ModelName": "newer"})
    scaled.check_update(endpoint, same)
    changed: Any = SimpleNamespace(variant=variant | {member: value})
    with pytest.raises(Exception, match="Deregister the scalable target first"):
        scaled.check_update(endpoint, changed)


def test_tagging_is_allowed_by_target() -> None:
    """Every other operation is allowed for all targets or none."""
    arn = "arn:aws:application-autoscaling:us-east-1:000000000000:scalable-target/0123"
    assert caller_grant(SCOPE, "TagResource", {"ResourceARN": arn}).resource == arn
    assert caller_grant(SCOPE, "DescribeScalableTargets", {}).resource.endswith(":scalable-target/*")
