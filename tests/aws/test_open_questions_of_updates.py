"""One probe for each open question of docs/open-questions.md about deployments that one endpoint can answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest
from botocore.exceptions import ClientError

from tests.aws.laboratory import VARIANT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.aws.laboratory import Laboratory

SCALED: Final = {"ServiceNamespace": "sagemaker", "ScalableDimension": "sagemaker:variant:DesiredInstanceCount"}


@pytest.fixture
def settled(laboratory: Laboratory) -> Iterator[None]:
    """No deployment goes on afterwards."""
    yield
    laboratory.wait_until_in_service()


@pytest.mark.usefixtures("settled")
def test_whether_a_deployment_may_name_an_alarm_that_does_not_exist(
    laboratory: Laboratory, learn: Callable[[object, object], None]
) -> None:
    """The alarm of deployments is made after the endpoint whose metrics it reads."""
    watched = _watched(f"{laboratory.name}-missing")
    other = f"{laboratory.name}-other"
    try:
        created = laboratory.create_endpoint(other, DeploymentConfig=watched)
    except ClientError as error:
        created = error.response["Error"]["Code"]
    else:
        laboratory.delete_endpoint(other)
    updated = _outcome(laboratory, watched)
    learn({"created": created, "updated": updated}, {"created": "InService", "updated": "ValidationException"})


@pytest.mark.usefixtures("settled")
def test_what_a_deployment_does_while_its_alarm_already_rings(
    laboratory: Laboratory, learn: Callable[[object, object], None]
) -> None:
    """The release that a fix replaces is what makes it ring."""
    learn(_outcome(laboratory, _watched(laboratory.ring())), "rolled back")


@pytest.mark.usefixtures("settled")
def test_whether_a_termination_wait_lets_running_work_end(
    laboratory: Laboratory, learn: Callable[[object, object], None]
) -> None:
    """The stack waits as long as a job may take, before it removes the old instances."""
    ends = {}
    for name, seconds in (("waits", 900), ("does not wait", 0)):
        response = laboratory.submit(laboratory.work(600))
        laboratory.sleep(60)
        laboratory.start_deployment(DeploymentConfig=_blue_green(seconds))
        ends[name] = laboratory.end(response, seconds=2_400)
        laboratory.wait_until_in_service()
    learn(ends, {"waits": "output", "does not wait": "failure"})


@pytest.mark.usefixtures("settled")
def test_whether_an_endpoint_can_be_scaled_while_it_is_updated(
    laboratory: Laboratory, learn: Callable[[object, object], None]
) -> None:
    """If so, a deployment delays no wake and no rest."""
    laboratory.start_deployment(DeploymentConfig=_blue_green(300))
    wish = {"VariantName": VARIANT, "DesiredInstanceCount": 1}
    answer = "taken"
    try:
        laboratory.client("sagemaker").update_endpoint_weights_and_capacities(
            EndpointName=laboratory.name, DesiredWeightsAndCapacities=[wish]
        )
    except ClientError as error:
        answer = error.response["Error"]["Code"]
    learn(answer, "ValidationException")


def test_whether_a_scaling_policy_that_is_made_anew_keeps_its_arn(
    laboratory: Laboratory, learn: Callable[[object, object], None]
) -> None:
    """What removes scaling around a change of the instance type, outside of CloudFormation, would leave stale ARNs."""
    autoscaling = laboratory.client("application-autoscaling")
    target = SCALED | {"ResourceId": f"endpoint/{laboratory.name}/variant/{VARIANT}"}
    arns = set()
    for _ in range(2):
        autoscaling.register_scalable_target(**target, MinCapacity=1, MaxCapacity=1)
        policy = autoscaling.put_scaling_policy(
            **target,
            PolicyName=laboratory.name,
            PolicyType="StepScaling",
            StepScalingPolicyConfiguration={
                "AdjustmentType": "ExactCapacity",
                "StepAdjustments": [{"MetricIntervalLowerBound": 0, "ScalingAdjustment": 1}],
            },
        )
        arns.add(policy["PolicyARN"])
        autoscaling.deregister_scalable_target(**target)
    learn({"kept": len(arns) == 1}, {"kept": False})


def _watched(alarm: str) -> dict[str, Any]:
    return _blue_green(300) | {"AutoRollbackConfiguration": {"Alarms": [{"AlarmName": alarm}]}}


def _blue_green(termination_wait_seconds: int) -> dict[str, Any]:
    routing = {"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": 0}
    policy = {"TrafficRoutingConfiguration": routing, "TerminationWaitInSeconds": termination_wait_seconds}
    return {"BlueGreenUpdatePolicy": policy}


def _outcome(laboratory: Laboratory, deployment: dict[str, Any]) -> str:
    """Deploy, and return what became of it, or with which code it was refused."""
    try:
        config = laboratory.start_deployment(DeploymentConfig=deployment)
    except ClientError as error:
        code: str = error.response["Error"]["Code"]
        return code
    laboratory.wait_until_in_service()
    return "deployed" if laboratory.config == config else "rolled back"
