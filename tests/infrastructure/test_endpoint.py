"""Model, endpoint configuration and endpoint, and what their roles may do."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from constructs_lib.model import ContainerModel
from stacks.settings import EndpointSettings, StageSettings
from tests.infrastructure.policies import actions, as_list, managed_policy, resources_of

if TYPE_CHECKING:
    from collections.abc import Callable

    Synthesize = Callable[[StageSettings], dict[str, Any]]

BUCKET = "PayloadsBucket1715615A"


def _only(template: dict[str, Any], resource_type: str) -> dict[str, Any]:
    (resource,) = [each for each in template["Resources"].values() if each["Type"] == resource_type]
    found: dict[str, Any] = resource
    return found


def _objects(prefix: str) -> dict[str, Any]:
    return {"Fn::Join": ["", [{"Fn::GetAtt": [BUCKET, "Arn"]}, f"/{prefix}/*"]]}


def _with_fallback() -> StageSettings:
    endpoint = EndpointSettings(
        name="ocr",
        model=ContainerModel(image_uri="111122223333.dkr.ecr.eu-west-1.amazonaws.com/team/model@sha256:" + "0" * 64),
        instance_type="ml.g5.xlarge",
        fallback_instance_types=("ml.g6.xlarge", "ml.g4dn.xlarge"),
    )
    return StageSettings(name="test", endpoints=(endpoint,), account="444455556666", region="eu-west-1")


@pytest.fixture(scope="module")
def with_artefact(synthesize: Synthesize) -> dict[str, Any]:
    """A container with an artefact of its own, and every number other than its default."""
    endpoint = EndpointSettings(
        name="ocr",
        model=ContainerModel(
            image_uri="111122223333.dkr.ecr.eu-west-1.amazonaws.com/team/model@sha256:" + "0" * 64,
            artefact_uri="s3://weights/ocr/model.tar.gz",
            environment={"LANGUAGE": "en"},
        ),
        instance_type="ml.g5.xlarge",
        max_job_seconds=1234,
        max_concurrent_invocations_per_instance=7,
        network_isolation=True,
    )
    stage = StageSettings(name="test", endpoints=(endpoint,), account="444455556666", region="eu-west-1")
    return synthesize(stage)


def test_no_physical_names(template: dict[str, Any]) -> None:
    """What has to be replaced can be: its name is generated."""
    named = {
        name
        for resource in template["Resources"].values()
        for name in (
            "ModelName",
            "EndpointConfigName",
            "EndpointName",
            "TopicName",
            "BucketName",
            "QueueName",
            "RoleName",
            "FunctionName",
        )
        if isinstance(resource.get("Properties", {}).get(name), str)
    }

    assert named == set()


def test_fallback_types_follow_the_instance_type_in_order_of_priority(synthesize: Synthesize) -> None:
    """Instance pools stand in for the instance type, which comes first."""
    config = _only(synthesize(_with_fallback()), "AWS::SageMaker::EndpointConfig")["Properties"]
    [variant] = config["ProductionVariants"]

    assert "InstanceType" not in variant
    assert variant["InstancePools"] == [
        {"InstanceType": "ml.g5.xlarge", "Priority": 1},
        {"InstanceType": "ml.g6.xlarge", "Priority": 2},
        {"InstanceType": "ml.g4dn.xlarge", "Priority": 3},
    ]


def test_instances_of_several_types_are_looked_for_as_long_as_those_of_one(
    synthesize: Synthesize, with_artefact: dict[str, Any]
) -> None:
    """Nothing depends on SageMaker's default; of a single type users report that the setting has no effect."""
    timeout = "VariantInstanceProvisionTimeoutInSeconds"
    [pooled] = _only(synthesize(_with_fallback()), "AWS::SageMaker::EndpointConfig")["Properties"]["ProductionVariants"]
    [single] = _only(with_artefact, "AWS::SageMaker::EndpointConfig")["Properties"]["ProductionVariants"]

    assert pooled[timeout] == 1_800
    assert timeout not in single


def test_configuration_is_asynchronous(with_artefact: dict[str, Any]) -> None:
    """Output path, failure path, both topics and the concurrency are the settings' and the stack's own."""
    config = _only(with_artefact, "AWS::SageMaker::EndpointConfig")["Properties"]
    asynchronous = config["AsyncInferenceConfig"]
    output = asynchronous["OutputConfig"]

    assert asynchronous["ClientConfig"] == {"MaxConcurrentInvocationsPerInstance": 7}
    assert output["S3OutputPath"] == {"Fn::Join": ["", ["s3://", {"Ref": BUCKET}, "/output/"]]}
    assert output["S3FailurePath"] == {"Fn::Join": ["", ["s3://", {"Ref": BUCKET}, "/failure/"]]}
    assert {"SuccessTopic", "ErrorTopic"} == output["NotificationConfig"].keys()
    (variant,) = config["ProductionVariants"]
    assert (variant["VariantName"], variant["InstanceType"], variant["InitialInstanceCount"]) == (
        "AllTraffic",
        "ml.g5.xlarge",
        1,
    )


def test_endpoint_keeps_its_instances_through_updates(dev_template: dict[str, Any]) -> None:
    """Without this an update would set the count back to the initial one."""
    assert _only(dev_template, "AWS::SageMaker::Endpoint")["Properties"]["RetainAllVariantProperties"] is True


def test_role_is_complete_before_it_is_checked(dev_template: dict[str, Any]) -> None:
    """SageMaker checks the role at once: the model names the role, and the role names its policy."""
    resources = dev_template["Resources"]
    role, _ = _only(dev_template, "AWS::SageMaker::Model")["Properties"]["ExecutionRoleArn"]["Fn::GetAtt"]
    (policy,) = resources[role]["Properties"]["ManagedPolicyArns"]

    assert resources[policy["Ref"]]["Type"] == "AWS::IAM::ManagedPolicy"
    assert role in _only(dev_template, "AWS::SageMaker::Endpoint")["DependsOn"]


def test_nobody_assumes_the_roles_but_this_accounts_services(prod_template: dict[str, Any]) -> None:
    """SageMaker says for whom it acts, and so does Lambda."""
    account, region = "111122223333", "eu-west-1"
    trusted = {
        statement["Principal"]["Service"]: statement["Condition"]
        for resource in prod_template["Resources"].values()
        if resource["Type"] == "AWS::IAM::Role"
        for statement in resource["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    }

    assert trusted == {
        "sagemaker.amazonaws.com": {
            "StringEquals": {"aws:SourceAccount": account},
            "ArnLike": {"aws:SourceArn": f"arn:aws:sagemaker:{region}:{account}:*"},
        },
        "lambda.amazonaws.com": {"StringEquals": {"aws:SourceAccount": account}},
    }


def test_model_server_waits_as_long_as_the_job_may_take(with_artefact: dict[str, Any]) -> None:
    """The container's own time-outs follow max_job_seconds, beside the settings' variables."""
    container = _only(with_artefact, "AWS::SageMaker::Model")["Properties"]["PrimaryContainer"]
    environment = container["Environment"]

    assert environment["LANGUAGE"] == "en"
    assert {"1234"} == {value for name, value in environment.items() if "TIMEOUT" in name}
    assert container["ModelDataUrl"] == "s3://weights/ocr/model.tar.gz"
    assert _only(with_artefact, "AWS::SageMaker::Model")["Properties"]["EnableNetworkIsolation"] is True


def test_execution_role_may_do_this_and_no_more(dev_template: dict[str, Any]) -> None:
    """Exact actions, and objects by prefix: reads inputs, writes outputs and failures."""
    statements = managed_policy(dev_template, "ModelExecutionRole")
    assert actions(statements) == {
        "cloudwatch:DescribeAlarms",
        "cloudwatch:PutMetricData",
        "ecr:BatchCheckLayerAvailability",
        "ecr:BatchGetImage",
        "ecr:GetAuthorizationToken",
        "ecr:GetDownloadUrlForLayer",
        "logs:CreateLogGroup",
        "logs:CreateLogStream",
        "logs:DescribeLogStreams",
        "logs:PutLogEvents",
        "s3:AbortMultipartUpload",
        "s3:GetObject",
        "s3:ListBucket",
        "s3:PutObject",
        "sns:Publish",
    }
    assert resources_of(statements, "s3:GetObject") == [_objects("input")]
    assert resources_of(statements, "s3:PutObject") == [_objects("failure"), _objects("output")]


def test_artefact_may_be_read(with_artefact: dict[str, Any]) -> None:
    """The execution role reads the one object that the settings name."""
    statements = managed_policy(with_artefact, "ModelExecutionRole")

    assert "arn:aws:s3:::weights/ocr/model.tar.gz" in resources_of(statements, "s3:GetObject")


def test_caller_may_do_this_and_no_more(dev_template: dict[str, Any]) -> None:
    """The polling function's role submits, reads results, and writes its log, its traces and what failed."""
    assert actions(managed_policy(dev_template, "PollingRole")) == {
        "logs:CreateLogStream",
        "logs:PutLogEvents",
        "s3:AbortMultipartUpload",
        "s3:GetObject",
        "s3:ListBucket",
        "s3:PutObject",
        "sagemaker:InvokeEndpointAsync",
        "sqs:SendMessage",
        "xray:PutTelemetryRecords",
        "xray:PutTraceSegments",
    }


@pytest.mark.parametrize("policy", ["PollingRole", "CallersConsumerdefault"])
def test_caller_may_invoke_this_endpoint_alone(dev_template: dict[str, Any], policy: str) -> None:
    """The resource is the endpoint's own ARN, in which SageMaker writes the name in lower case."""
    (endpoint,) = [
        logical_id
        for logical_id, resource in dev_template["Resources"].items()
        if resource["Type"] == "AWS::SageMaker::Endpoint"
    ]

    statements = managed_policy(dev_template, policy)
    assert resources_of(statements, "sagemaker:InvokeEndpointAsync") == [{"Ref": endpoint}]


def test_no_policy_is_inline(template: dict[str, Any]) -> None:
    """Whoever looks at a role sees all that it may do as managed policies, with versions."""
    types = {resource["Type"] for resource in template["Resources"].values()}
    inline = [
        logical_id
        for logical_id, resource in template["Resources"].items()
        if resource["Type"] == "AWS::IAM::Role" and "Policies" in resource["Properties"]
    ]

    assert "AWS::IAM::Policy" not in types
    assert inline == []


def test_no_wildcard_but_at_the_end_of_a_resource(template: dict[str, Any]) -> None:
    """Whatever the settings, no action has an asterisk, and a resource at most one, at its end."""
    statements = [
        statement
        for resource in template["Resources"].values()
        if resource["Type"] == "AWS::IAM::ManagedPolicy"
        for statement in resource["Properties"]["PolicyDocument"]["Statement"]
    ]
    resources = [json.dumps(resource) for statement in statements for resource in as_list(statement["Resource"])]

    assert len(statements) > 20
    assert [action for action in actions(statements) if "*" in action] == []
    assert [resource for resource in resources if "*" in resource.rstrip('"]}').removesuffix("*")] == []


@pytest.mark.parametrize("policy", ["ModelExecutionRole", "PollingRole", "CallersConsumerdefault"])
def test_whole_bucket_may_be_listed(dev_template: dict[str, Any], policy: str) -> None:
    """Without it, or with a condition, a result that is not there yet looks like a permission error."""
    (statement,) = [each for each in managed_policy(dev_template, policy) if each["Action"] == "s3:ListBucket"]

    assert statement == {"Action": "s3:ListBucket", "Effect": "Allow", "Resource": {"Fn::GetAtt": [BUCKET, "Arn"]}}
