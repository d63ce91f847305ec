"""The bucket: private, encrypted, TLS only, emptied by age, and kept where data must outlive the stack."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from aws_cdk import assertions

from async_inference.configuration import Prefixes
from constructs_lib.payload_store import PayloadStore, RetentionSettings

if TYPE_CHECKING:
    from aws_cdk import Stack


def _template(stack: Stack, *, retain: bool) -> assertions.Template:
    PayloadStore(
        stack,
        "Payloads",
        prefixes=Prefixes(input="in/", output="out/", failure="bad/", batches="many/"),
        retention=RetentionSettings(inputs_days=1, outputs_days=2, failures_days=3, access_logs_days=4, batches_days=5),
        retain=retain,
    )
    return assertions.Template.from_stack(stack)


def test_every_bucket_is_private_and_encrypted(new_stack: Stack) -> None:
    """Both buckets block public access and encrypt at rest."""
    template = _template(new_stack, retain=True)

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
            "VersioningConfiguration": assertions.Match.absent(),
        },
    )


def test_plain_http_is_denied(new_stack: Stack) -> None:
    """Each bucket's policy denies everything that does not come over TLS."""
    template = _template(new_stack, retain=True)

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


def test_objects_expire_by_kind_and_unfinished_uploads_after_a_day(new_stack: Stack) -> None:
    """Each prefix has its own age, and an upload that never ended is not paid for."""
    template = _template(new_stack, retain=True)

    template.has_resource_properties(
        "AWS::S3::Bucket",
        {
            "LifecycleConfiguration": {
                "Rules": [
                    {"ExpirationInDays": 1, "Prefix": "in/", "Status": "Enabled"},
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
    new_stack: Stack, *, retain: bool, policy: str, emptied: int
) -> None:
    """A retained bucket stays; another is emptied and deleted with its stack."""
    template = _template(new_stack, retain=retain)

    template.all_resources("AWS::S3::Bucket", {"DeletionPolicy": policy, "UpdateReplacePolicy": policy})
    template.resource_count_is("Custom::S3AutoDeleteObjects", emptied)
