"""What policies decide by, besides action and resource, with a local cloud that enforces them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from local_cloud.process import local_cloud
from tests.local.policies import User, allow, deny, policy, refusal
from tests.local.sagemaker_calls import IN_A_MOMENT, ROLE, create_endpoint, create_execution_role

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from local_cloud.process import RunningLocalCloud

DENIED = "AccessDeniedException"


@pytest.fixture(scope="module")
def cloud(echo_image: str, echo_command: tuple[str, ...]) -> Iterator[RunningLocalCloud]:
    """A local cloud that enforces policies."""
    with local_cloud(time_scale=600.0, enforce_iam=True, containers={echo_image: echo_command}) as running:
        yield running


@pytest.fixture(scope="module")
def user(cloud: RunningLocalCloud, client: Callable[[str], Any]) -> User:
    """A user who may nothing yet."""
    return User(client, cloud.endpoint_url, "caller")


@pytest.fixture(scope="module")
def endpoint(client: Callable[[str], Any], echo_image: str) -> str:
    """An endpoint of a team called ``a``, whose execution role may everything."""
    create_execution_role(client)
    role = ROLE.rpartition("/")[2]
    client("iam").put_role_policy(RoleName=role, PolicyName="all", PolicyDocument=policy(allow("*")))
    create_endpoint(client, "tagged", echo_image)
    arn = client("sagemaker").describe_endpoint(EndpointName="tagged")["EndpointArn"]
    client("sagemaker").add_tags(ResourceArn=arn, Tags=[{"Key": "team", "Value": "a"}])
    return "tagged"


def config_members(name: str, instance_type: str, model: str = "tagged") -> dict[str, Any]:
    """Return what makes a configuration."""
    variant = {"VariantName": "AllTraffic", "ModelName": model, "InitialInstanceCount": 1}
    return {
        "EndpointConfigName": name,
        "ProductionVariants": [variant | {"InstanceType": instance_type}],
        "AsyncInferenceConfig": {"OutputConfig": {"S3OutputPath": "s3://tagged/output"}},
    }


def test_instance_types_can_be_denied(endpoint: str, user: User) -> None:
    """The dear ones are, the others are not."""
    dear = {"ForAnyValue:StringLike": {"sagemaker:InstanceTypes": ["ml.p4*"]}}
    sagemaker = user.may(allow("sagemaker:*"), deny("sagemaker:CreateEndpointConfig", Condition=dear))("sagemaker")
    code, message = refusal(sagemaker.create_endpoint_config, **config_members("dear", "ml.p4d.24xlarge"))
    assert code == DENIED
    assert "explicit deny" in message
    sagemaker.create_endpoint_config(**config_members(f"{endpoint}-cheap", "ml.m5.large"))


@pytest.mark.parametrize("key", ["aws:ResourceTag/team", "sagemaker:ResourceTag/team"])
def test_an_endpoint_is_for_those_whose_tag_it_has(endpoint: str, user: User, key: str) -> None:
    """By either name of the key, in the runtime and in the control API."""
    actions = ("sagemaker:InvokeEndpointAsync", "sagemaker:DescribeEndpoint")
    for team, allowed in (("a", True), ("b", False)):
        clients = user.may(allow(*actions, Condition={"StringEquals": {key: team}}))
        for operation, members in (
            (clients("sagemaker-runtime").invoke_endpoint_async, {"EndpointName": endpoint, "Body": b"x"}),
            (clients("sagemaker").describe_endpoint, {"EndpointName": endpoint}),
        ):
            if allowed:
                operation(**members)
            else:
                assert refusal(operation, **members)[0] == DENIED


@pytest.mark.parametrize(
    "listing",
    [
        {"resource": "arn:aws:s3:::tagged/*"},
        {"resource": "arn:aws:s3:::tagged", "Condition": {"StringLike": {"s3:prefix": ["output/*"]}}},
    ],
)
def test_an_execution_role_may_be_as_in_the_prerequisites(
    client: Callable[[str], Any], endpoint: str, echo_image: str, listing: dict[str, Any]
) -> None:
    """AWS's own page has the right to list on objects, where it means nothing; others have it for a prefix."""
    create_execution_role(client, "documented")
    objects = allow("s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload", resource="arn:aws:s3:::tagged/*")
    statements = objects, allow("s3:ListBucket", **listing), allow("ecr:*", "logs:*", "cloudwatch:PutMetricData")
    iam, sagemaker, name = client("iam"), client("sagemaker"), f"{endpoint}-documented-{len(listing)}"
    iam.put_role_policy(RoleName="documented", PolicyName="documented", PolicyDocument=policy(*statements))
    role = iam.get_role(RoleName="documented")["Role"]["Arn"]
    sagemaker.create_model(ModelName=name, ExecutionRoleArn=role, PrimaryContainer={"Image": echo_image})
    sagemaker.create_endpoint_config(**config_members(name, "ml.m5.large", name))
    sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
    sagemaker.get_waiter("endpoint_in_service").wait(EndpointName=name, WaiterConfig=IN_A_MOMENT)
    iam.delete_role_policy(RoleName="documented", PolicyName="documented")
    iam.delete_role(RoleName="documented")


def test_whoever_makes_a_model_has_to_name_its_owner(endpoint: str, user: User, echo_image: str) -> None:
    """A policy can ask for a tag in the request."""
    unowned = {"Null": {"aws:RequestTag/owner": "true"}}
    all_of_it = allow("sagemaker:*", "iam:PassRole")
    sagemaker = user.may(all_of_it, deny("sagemaker:CreateModel", Condition=unowned))("sagemaker")
    members = {"ModelName": f"{endpoint}-owned", "ExecutionRoleArn": ROLE, "PrimaryContainer": {"Image": echo_image}}
    assert refusal(sagemaker.create_model, **members)[0] == DENIED
    sagemaker.create_model(**members, Tags=[{"Key": "owner", "Value": "me"}])


def test_who_tags_what_is_created_needs_the_right_to_tag(endpoint: str, user: User, echo_image: str) -> None:
    """Without tags the same request passes."""
    sagemaker = user.may(allow("sagemaker:CreateModel", "iam:PassRole"))("sagemaker")
    members = {"ModelName": f"{endpoint}-plain", "ExecutionRoleArn": ROLE, "PrimaryContainer": {"Image": echo_image}}
    code, message = refusal(sagemaker.create_model, **members, Tags=[{"Key": "owner", "Value": "me"}])
    assert (code, "sagemaker:AddTags" in message) == (DENIED, True)
    sagemaker.create_model(**members)


def test_tags_on_creation_can_be_granted_by_what_creates(endpoint: str, user: User, echo_image: str) -> None:
    """``sagemaker:TaggingAction`` lets models be tagged when they are made, and nothing afterwards."""
    made = {"StringEquals": {"sagemaker:TaggingAction": "CreateModel"}}
    statements = (allow("sagemaker:CreateModel", "iam:PassRole"), allow("sagemaker:AddTags", Condition=made))
    sagemaker, tags = user.may(*statements)("sagemaker"), [{"Key": "owner", "Value": "me"}]
    members = {"ModelName": f"{endpoint}-made", "ExecutionRoleArn": ROLE, "PrimaryContainer": {"Image": echo_image}}
    arn = sagemaker.create_model(**members, Tags=tags)["ModelArn"]
    assert refusal(sagemaker.add_tags, ResourceArn=arn, Tags=tags)[0] == DENIED
