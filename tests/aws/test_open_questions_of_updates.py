"""One probe for each open question of docs/open-questions.md about deployments that one endpoint can answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest
from botocore.exceptions import ClientError

from tests.aws.laboratory import INSTANCE_TYPE, VARIANT

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
    updated = _outcome(laboratory, DeploymentConfig=watched)
    learn({"created": created, "updated": updated}, {"created": "InService", "updated": "ValidationException"})


@pytest.mark.usefixtures("settled")
def test_what_a_deployment_does_while_its_alarm_already_rings(
    laboratory: Laboratory, learn: Callable[[object, object], None]
) -> None:
    """The release that a fix replaces is what makes it ring."""
    learn(_outcome(laboratory, DeploymentConfig=_watched(laboratory.ring())), "rolled back")


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
    learn(
        _answer(
            laboratory.client("sagemaker").update_endpoint_weights_and_capacities,
            EndpointName=laboratory.name,
            DesiredWeightsAndCapacities=[wish],
        ),
        "ValidationException",
    )


@pytest.mark.usefixtures("settled")
def test_whether_a_deployment_may_change_nothing_but_how_it_is_made(
    laboratory: Laboratory, learn: Callable[[object, object], None]
) -> None:
    """A deployment without rollback, which mends a failing endpoint, may find nothing else changed."""
    answer = _answer(laboratory.start_deployment, laboratory.config(), DeploymentConfig=_blue_green(60))
    learn(answer, "taken")


@pytest.mark.usefixtures("settled")
def test_whether_pools_that_begin_with_the_type_of_a_scaled_variant_change_it(
    laboratory: Laboratory, learn: Callable[[object, object], None]
) -> None:
    """If not, an endpoint gets its first fallback types in one deployment."""
    autoscaling, target = laboratory.client("application-autoscaling"), _target(laboratory)
    config = laboratory.create_config(pools=(INSTANCE_TYPE, "ml.m5.xlarge"))
    autoscaling.register_scalable_target(**target, MinCapacity=1, MaxCapacity=1)
    try:
        answer = _outcome(laboratory, config)
    finally:
        autoscaling.deregister_scalable_target(**target)
    learn(answer, "ValidationException")


def test_what_cloudformation_makes_of_a_deployment_that_sagemaker_takes_back(
    laboratory: Laboratory, learn: Callable[[object, object], None]
) -> None:
    """A stack that cannot go back takes no other deployment, and one that sees nothing tells of no failure.

    The alarm rings on while CloudFormation rolls back, as that of a failing release does for some minutes.
    """
    deployment = _watched(laboratory.be_calm(), 900)
    try:
        assert laboratory.create_stack(deployment) == "CREATE_COMPLETE"
        before = laboratory.config(laboratory.stack_endpoint)
        laboratory.start_stack_update(deployment)
        laboratory.ring()
        status = laboratory.wait_for_stack()
        kept = laboratory.config(laboratory.stack_endpoint) == before
        learn({"stack": status, "kept": kept}, {"stack": "UPDATE_ROLLBACK_COMPLETE", "kept": True})
    finally:
        laboratory.delete_stack()


def test_whether_a_scaling_policy_that_is_made_anew_keeps_its_arn(
    laboratory: Laboratory, learn: Callable[[object, object], None]
) -> None:
    """What removes scaling around a change of the instance type, outside of CloudFormation, would leave stale ARNs."""
    autoscaling, target = laboratory.client("application-autoscaling"), _target(laboratory)
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


def _target(laboratory: Laboratory) -> dict[str, str]:
    return SCALED | {"ResourceId": f"endpoint/{laboratory.name}/variant/{VARIANT}"}


def _watched(alarm: str, termination_wait_seconds: int = 300) -> dict[str, Any]:
    rollback = {"AutoRollbackConfiguration": {"Alarms": [{"AlarmName": alarm}]}}
    return _blue_green(termination_wait_seconds) | rollback


def _blue_green(termination_wait_seconds: int) -> dict[str, Any]:
    routing = {"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": 0}
    policy = {"TrafficRoutingConfiguration": routing, "TerminationWaitInSeconds": termination_wait_seconds}
    return {"BlueGreenUpdatePolicy": policy}


def _answer(call: Callable[..., object], *arguments: object, **members: object) -> str:
    """Return the code with which a call is refused, or that it is taken."""
    try:
        call(*arguments, **members)
    except ClientError as error:
        code: str = error.response["Error"]["Code"]
        return code
    return "taken"


def _outcome(laboratory: Laboratory, config: str | None = None, **members: object) -> str:
    """Deploy, and return what became of it, or with which code it was refused."""
    before = laboratory.config()
    answer = _answer(laboratory.start_deployment, config, **members)
    if answer != "taken":
        return answer
    laboratory.wait_until_in_service()
    return "rolled back" if laboratory.config() == before else "deployed"
