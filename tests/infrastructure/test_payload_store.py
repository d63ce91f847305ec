"""The bucket: private, encrypted, TLS only, emptied by age, and kept where data must outlive the stack."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from aws_cdk import assertions
from aws_cdk import aws_iam as iam

from async_inference.configuration import Prefixes
from constructs_lib.payload_store import InputBucket, PayloadStore, RetentionSettings
from tests.infrastructure.policies import managed_policy, resources_of

if TYPE_CHECKING:
    from aws_cdk import Stack

    from constructs_lib.encryption import Encryption

KEY = "arn:aws:kms:eu-west-1:111122223333:key/12345678-1234-1234-1234-123456789012"
VERSIONED = {"Status": "Enabled"}


def _template(stack: Stack, encryption: Encryption, *, retain: bool) -> assertions.Template:
    PayloadStore(
        stack,
        "Payloads",
        prefixes=Prefixes(input="in/", output="out/", failure="bad/", batches="many/"),
        retention=RetentionSettings(inputs_days=6, outputs_days=2, failures_days=3, access_logs_days=4, batches_days=5),
        retain=retain,
        encryption=encryption,
    )
    return assertions.Template.from_stack(stack)


def test_every_bucket_is_private_and_encrypted(new_stack: Stack, aws_keys: Encryption) -> None:
    """Both buckets block public access and encrypt at rest."""
    template = _template(new_stack, aws_keys, retain=True)

    template.resource_count_is("AWS::S3::Bucket", 2)
    template.all_resources_properties(
        "AWS::S3::Bucket",
        {
            "BucketEncryption": {
                "ServerSideEncryptionConfiguration": [{"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]
            },
            "PublicAccessBlockConfiguration": {
                "BlockPublicAcls": True,
                "BlockPublicPolicy": True,
                "IgnorePublicAcls": True,
                "RestrictPublicBuckets": True,
            },
        },
    )


def test_what_was_erased_lives_on_nowhere_but_in_the_log_of_it(new_stack: Stack, aws_keys: Encryption) -> None:
    """Payloads have no versions; who read and erased them is kept for a month after it was itself erased."""
    template = _template(new_stack, aws_keys, retain=True)

    versioned = template.find_resources("AWS::S3::Bucket", {"Properties": {"VersioningConfiguration": VERSIONED}})
    ((logical_id, logs),) = versioned.items()
    assert "AccessLogs" in logical_id
    assert {"NoncurrentVersionExpiration": {"NoncurrentDays": 30}, "Status": "Enabled"} in logs["Properties"][
        "LifecycleConfiguration"
    ]["Rules"]


def test_plain_http_is_denied(new_stack: Stack, aws_keys: Encryption) -> None:
    """Each bucket's policy denies everything that does not come over TLS."""
    template = _template(new_stack, aws_keys, retain=True)

    template.resource_count_is("AWS::S3::BucketPolicy", 2)
    template.all_resources_properties(
        "AWS::S3::BucketPolicy",
        {
            "PolicyDocument": {
                "Statement": assertions.Match.array_with(
                    [
                        assertions.Match.object_like(
                            {
                                "Action": "s3:*",
                                "Condition": {"Bool": {"aws:SecureTransport": "false"}},
                                "Effect": "Deny",
                                "Principal": {"AWS": "*"},
                            }
                        )
                    ]
                )
            }
        },
    )


def test_objects_expire_by_kind_and_unfinished_uploads_after_a_day(new_stack: Stack, aws_keys: Encryption) -> None:
    """Each prefix has its own age, and an upload that never ended is not paid for."""
    template = _template(new_stack, aws_keys, retain=True)

    template.has_resource_properties(
        "AWS::S3::Bucket",
        {
            "LifecycleConfiguration": {
                "Rules": [
                    {"ExpirationInDays": 6, "Prefix": "in/", "Status": "Enabled"},
                    {"ExpirationInDays": 2, "Prefix": "out/", "Status": "Enabled"},
                    {"ExpirationInDays": 3, "Prefix": "bad/", "Status": "Enabled"},
                    {"ExpirationInDays": 5, "Prefix": "many/", "Status": "Enabled"},
                    {"AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1}, "Status": "Enabled"},
                ]
            },
            "LoggingConfiguration": assertions.Match.any_value(),
        },
    )


@pytest.mark.parametrize(("retain", "policy", "emptied"), [(True, "Retain", 0), (False, "Delete", 2)])
def test_data_outlives_the_stack_only_where_it_should(
    new_stack: Stack, aws_keys: Encryption, *, retain: bool, policy: str, emptied: int
) -> None:
    """A retained bucket stays, with its policy; another is emptied and deleted with its stack."""
    template = _template(new_stack, aws_keys, retain=retain)

    template.all_resources("AWS::S3::Bucket", {"DeletionPolicy": policy, "UpdateReplacePolicy": policy})
    template.all_resources("AWS::S3::BucketPolicy", {"DeletionPolicy": policy, "UpdateReplacePolicy": policy})
    template.resource_count_is("Custom::S3AutoDeleteObjects", emptied)


def test_an_existing_bucket_is_used_as_it_is(new_stack: Stack, own_key: Encryption) -> None:
    """What a deleted stack has left behind is named, and neither made nor changed."""
    store = PayloadStore(
        new_stack,
        "Payloads",
        prefixes=Prefixes(),
        retention=RetentionSettings(),
        retain=True,
        encryption=own_key,
        bucket_name="left-behind",
    )
    template = assertions.Template.from_stack(new_stack)

    assert store.uri("output/") == "s3://left-behind/output/"
    template.resource_count_is("AWS::S3::Bucket", 0)
    template.resource_count_is("AWS::S3::BucketPolicy", 0)


def test_inputs_are_read_where_else_they_may_lie(new_stack: Stack, aws_keys: Encryption) -> None:
    """Objects below the prefix alone are read, and decrypted through S3 with the key that the settings name."""
    store = PayloadStore(
        new_stack,
        "Payloads",
        prefixes=Prefixes(),
        retention=RetentionSettings(),
        retain=True,
        encryption=aws_keys,
        input_buckets=[InputBucket(name="scans", prefix="inbox/", key_arn=KEY), InputBucket(name="archive")],
    )
    policy = iam.ManagedPolicy(new_stack, "Policy")
    store.grant_read_inputs(policy)
    statements = managed_policy(assertions.Template.from_stack(new_stack).to_json(), "Policy")

    readable = {each["Fn::Join"][1][-1] for each in resources_of(statements, "s3:GetObject")}
    assert readable == {"/input/*", ":s3:::archive/*", ":s3:::scans/inbox/*"}
    (decrypt,) = [each for each in statements if each["Action"] == "kms:Decrypt"]
    assert decrypt["Resource"] == KEY
    assert "StringEquals" in decrypt["Condition"]
