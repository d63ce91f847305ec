"""One key for everything, and what each service needs to use it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from aws_cdk import assertions

from constructs_lib.encryption import CustomerManagedKey, Encryption
from constructs_lib.instance_types import has_local_storage, known_instance_types
from stacks.stages import stage_settings
from tests.infrastructure.policies import actions, managed_policy, via

if TYPE_CHECKING:
    from collections.abc import Callable

    from aws_cdk import Stack

    from stacks.settings import StageSettings

KEY = {"Fn::GetAtt": ["EncryptionKey3A692D6E", "Arn"]}
EXISTING = "arn:aws:kms:eu-west-1:111122223333:key/12345678-1234-1234-1234-123456789012"
ACCOUNT = {"aws:SourceAccount": "111122223333"}
USE = {"kms:Decrypt", "kms:GenerateDataKey"}


def _properties(template: dict[str, Any], resource_type: str) -> list[dict[str, Any]]:
    return [each["Properties"] for each in template["Resources"].values() if each["Type"] == resource_type]


def _keys(template: dict[str, Any]) -> dict[str, list[Any]]:
    """Return the keys of all that is encrypted, by what it is."""
    (config,) = _properties(template, "AWS::SageMaker::EndpointConfig")
    by_default = [
        rule["ServerSideEncryptionByDefault"]
        for bucket in _properties(template, "AWS::S3::Bucket")
        for rule in bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    ]
    return {
        "buckets": [each["KMSMasterKeyID"] for each in by_default if each["SSEAlgorithm"] == "aws:kms"],
        "topics": [topic.get("KmsMasterKeyId") for topic in _properties(template, "AWS::SNS::Topic")],
        "queues": [queue.get("KmsMasterKeyId") for queue in _properties(template, "AWS::SQS::Queue")],
        "logs": [group.get("KmsKeyId") for group in _properties(template, "AWS::Logs::LogGroup")],
        "functions": [
            each.get("KmsKeyArn") for each in _properties(template, "AWS::Lambda::Function") if "Environment" in each
        ],
        "outputs": [config["AsyncInferenceConfig"]["OutputConfig"].get("KmsKeyId")],
        "volumes": [config.get("KmsKeyId")],
    }


def _with_key(arn: str | None, *, instance_type: str = "ml.c7i.xlarge") -> StageSettings:
    prod = stage_settings("prod")
    (endpoint,) = prod.endpoints
    changed = replace(endpoint, customer_managed_key=CustomerManagedKey(arn=arn), instance_type=instance_type)
    return replace(prod, endpoints=(changed,))


def test_one_key_encrypts_everything_in_production(prod_template: dict[str, Any]) -> None:
    """Bucket, topics, queues, outputs, log group, volumes and the function's environment."""
    keys = _keys(prod_template)

    assert {name: len(of_them) for name, of_them in keys.items()} == {
        "buckets": 1,
        "topics": 3,
        "queues": 3,
        "logs": 1,
        "functions": 1,
        "outputs": 1,
        "volumes": 1,
    }
    assert [key for of_them in keys.values() for key in of_them if key != KEY] == []


def test_an_existing_key_is_used_instead(synthesize: Callable[[StageSettings], dict[str, Any]]) -> None:
    """Nothing is encrypted with anything else, and no key is made."""
    template = synthesize(_with_key(EXISTING))

    assert {key for of_them in _keys(template).values() for key in of_them} == {EXISTING}
    assert _properties(template, "AWS::KMS::Key") == []
    statements = managed_policy(template, "CallersConsumerdefault")
    assert {each["Resource"] for each in statements if "kms:Decrypt" in each["Action"]} == {EXISTING}


def test_without_a_key_nothing_asks_for_one(dev_template: dict[str, Any]) -> None:
    """The setting is off by default: no grant names KMS."""
    for policy in ("ModelExecutionRole", "PollingRole", "CallersConsumerdefault"):
        assert [each for each in actions(managed_policy(dev_template, policy)) if each.startswith("kms:")] == []


def test_the_key_rotates_and_outlives_the_stack(prod_template: dict[str, Any]) -> None:
    """What it encrypted is lost with it."""
    key = prod_template["Resources"]["EncryptionKey3A692D6E"]

    assert (key["DeletionPolicy"], key["UpdateReplacePolicy"]) == ("Retain", "Retain")
    assert key["Properties"]["EnableKeyRotation"] is True


def test_services_use_the_key_for_this_stacks_resources_alone(prod_template: dict[str, Any]) -> None:
    """SNS for its topics, CloudWatch for alarms of the account, Logs for its log groups; the rest is left to IAM."""
    (key,) = _properties(prod_template, "AWS::KMS::Key")
    administration, *services = key["KeyPolicy"]["Statement"]
    conditions = {statement["Principal"]["Service"]: statement["Condition"] for statement in services}
    topics = "arn:aws:sns:eu-west-1:111122223333:AsyncInference-prod-ocr-*"
    log_groups = "arn:aws:logs:eu-west-1:111122223333:log-group:AsyncInference-prod-ocr-*"

    assert administration["Principal"] == {"AWS": "arn:aws:iam::111122223333:root"}
    assert conditions == {
        "sns.amazonaws.com": {"StringEquals": ACCOUNT, "ArnLike": {"aws:SourceArn": topics}},
        "cloudwatch.amazonaws.com": {"StringEquals": ACCOUNT},
        "logs.eu-west-1.amazonaws.com": {"ArnLike": {"kms:EncryptionContext:aws:logs:arn": log_groups}},
    }
    assert all(set(statement["Action"]) >= USE for statement in services)
    assert not any("*" in action for statement in services for action in statement["Action"])


@pytest.mark.parametrize(
    ("policy", "services"),
    [
        ("ModelExecutionRole", {"s3", "sns"}),
        ("PollingRole", {"lambda", "s3", "sqs"}),
        ("CallersConsumerdefault", {"s3", "sqs"}),
    ],
)
def test_roles_use_the_key_through_services_alone(
    prod_template: dict[str, Any], policy: str, services: set[str]
) -> None:
    """Nobody decrypts anything but what a service hands out."""
    uses = [each for each in managed_policy(prod_template, policy) if set(each["Action"]) == USE]

    assert all(use["Resource"] == KEY for use in uses)
    allowed = {service for use in uses for service in use["Condition"]["StringEquals"]["kms:ViaService"]}
    assert allowed == {via(service) for service in services}


def test_the_execution_role_grants_the_key_to_aws_alone(prod_template: dict[str, Any]) -> None:
    """SageMaker needs a grant for volumes; the role can make none for anybody else."""
    (statement,) = [
        each for each in managed_policy(prod_template, "ModelExecutionRole") if each["Action"] == "kms:CreateGrant"
    ]

    assert statement["Condition"] == {"Bool": {"kms:GrantIsForAWSResource": "true"}}
    assert statement["Resource"] == KEY


def test_volumes_with_local_storage_are_left_to_their_hardware(
    synthesize: Callable[[StageSettings], dict[str, Any]],
) -> None:
    """A key is not named for them, whether they are one type or several; outputs keep theirs."""
    stage = _with_key(None, instance_type="ml.g5.xlarge")
    (endpoint,) = stage.endpoints
    for fallback in ((), ("ml.g6.xlarge", "ml.g4dn.xlarge")):
        several = replace(endpoint, fallback_instance_types=fallback)
        keys = _keys(synthesize(replace(stage, endpoints=(several,))))

        assert (keys["volumes"], keys["outputs"]) == ([None], [KEY])


def test_volumes_of_fallback_types_are_encrypted_like_those_of_the_first(
    synthesize: Callable[[StageSettings], dict[str, Any]],
) -> None:
    """There is one key for the volumes of all types."""
    stage = _with_key(None)
    (endpoint,) = stage.endpoints
    several = replace(endpoint, fallback_instance_types=("ml.m7i.xlarge", "ml.c6i.xlarge"))

    assert _keys(synthesize(replace(stage, endpoints=(several,))))["volumes"] == [KEY]


def test_families_with_local_storage_are_known() -> None:
    """As in the EC2 user guide; a new family of boto3's list has to be looked up there."""
    families = {name.split(".")[1] for name in known_instance_types()}
    local = {name.split(".")[1] for name in known_instance_types() if has_local_storage(name)}

    assert local == {
        *("c5d", "m5d", "r5d", "c6gd", "m6gd", "r6gd", "r7gd"),
        *("dl1", "g4dn", "g5", "g6", "g6e", "g7", "g7e"),
        *("p4d", "p4de", "p5", "p5e", "p5en", "p6-b200", "p6-b300", "p6e-gb200"),
        *("trn1", "trn1n", "trn2"),
    }
    assert families - local == {
        *("c4", "c5", "c6g", "c6gn", "c6i", "c6in", "c7g", "c7i", "c8g"),
        *("m4", "m5", "m6g", "m6i", "m7i", "m8g", "r5", "r6g", "r6i", "r7i", "r8g"),
        *("p2", "p3", "inf1", "inf2", "t2"),
    }


def test_a_key_of_a_stage_that_is_not_production_goes_with_it(new_stack: Stack) -> None:
    """KMS keeps it for its waiting period, and then it is gone."""
    Encryption(new_stack, "Encryption", settings=CustomerManagedKey(), retain=False)

    assertions.Template.from_stack(new_stack).has_resource("AWS::KMS::Key", {"DeletionPolicy": "Delete"})
