"""What the team's own roles get to call an endpoint."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from constructs_lib.payload_store import InputBucket
from stacks.stages import stage_settings
from tests.infrastructure.policies import actions, managed_policy, resources_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from stacks.settings import StageSettings

MOST_CHARACTERS = 6_144
"""Of a managed policy, white space left out (IAM user guide, "IAM and AWS STS quotas")."""

LONGEST_NAME = 120
"""Of an endpoint's ARN; of a bucket's, topic's or queue's the name is cut by CloudFormation."""


@pytest.fixture(scope="module")
def two_consumers(synthesize: Callable[[StageSettings], dict[str, Any]]) -> dict[str, Any]:
    """The development stage with two consumers."""
    dev = stage_settings("dev")
    (endpoint,) = dev.endpoints
    return synthesize(replace(dev, endpoints=(replace(endpoint, consumers=("batch", "web")),)))


def _keys(resources: list[Any]) -> set[str]:
    """Return below which prefixes of the bucket objects may be touched."""
    return {resource["Fn::Join"][1][-1] for resource in resources}


def test_a_caller_may_do_what_the_client_does_and_no_more(dev_template: dict[str, Any]) -> None:
    """Look up, submit, upload, record batches, read and list results, receive notices."""
    statements = managed_policy(dev_template, "CallersConsumerdefault")

    assert actions(statements) == {
        "s3:AbortMultipartUpload",
        "s3:GetObject",
        "s3:ListBucket",
        "s3:PutObject",
        "sagemaker:InvokeEndpointAsync",
        "sqs:DeleteMessage",
        "sqs:ReceiveMessage",
        "ssm:GetParameter",
    }
    assert _keys(resources_of(statements, "s3:PutObject")) == {"/batches/*", "/input/*"}
    assert _keys(resources_of(statements, "s3:GetObject")) == {"/batches/*", "/failure/*", "/output/*"}


@pytest.mark.parametrize("consumer", ["batch", "web"])
def test_a_consumer_receives_from_its_own_queue(two_consumers: dict[str, Any], consumer: str) -> None:
    """Each has a policy and an output of its own, and none reads or deletes another's notices."""
    statements = managed_policy(two_consumers, f"CallersConsumer{consumer}")

    for action in ("sqs:ReceiveMessage", "sqs:DeleteMessage"):
        (queue,) = resources_of(statements, action)
        assert queue["Fn::GetAtt"][0].startswith(f"NotificationsConsumer{consumer}Queue")
    assert f"CallerPolicyArn{consumer}" in two_consumers["Outputs"]


def _as_long_as_can_be(value: Any) -> Any:  # noqa: ANN401 - a template value
    """Resolve references to names as long as AWS makes them."""
    match value:
        case {"Fn::Join": [_, parts]}:
            return "".join(_as_long_as_can_be(part) for part in parts)
        case {"Ref": _} | {"Fn::GetAtt": _}:
            return "x" * LONGEST_NAME
        case dict():
            return {name: _as_long_as_can_be(member) for name, member in value.items()}
        case list():
            return [_as_long_as_can_be(member) for member in value]
    return value


def test_policies_fit(synthesize: Callable[[StageSettings], dict[str, Any]]) -> None:
    """With everything that settings can add, each is within IAM's quota."""
    prod = stage_settings("prod")
    (endpoint,) = prod.endpoints
    buckets = tuple(
        InputBucket(
            name=f"{number}".rjust(63, "b"),
            prefix="p" * 99 + "/",
            key_arn=f"arn:aws:kms:eu-west-1:111122223333:key/{number}-{'a' * 34}",
        )
        for number in range(5)
    )
    scaling = replace(endpoint.scaling, count_jobs_in_flight=True)
    template = synthesize(replace(prod, endpoints=(replace(endpoint, input_buckets=buckets, scaling=scaling),)))
    sizes = {
        name: len(json.dumps(_as_long_as_can_be(resource["Properties"]["PolicyDocument"]), separators=(",", ":")))
        for name, resource in template["Resources"].items()
        if resource["Type"] == "AWS::IAM::ManagedPolicy"
    }

    assert len(sizes) == 3
    assert {name: size for name, size in sizes.items() if size > MOST_CHARACTERS} == {}
