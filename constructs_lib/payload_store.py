"""The bucket that requests come from and results go to, for one endpoint."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from aws_cdk import Duration, RemovalPolicy, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from constructs import Construct

from constructs_lib.checks import COUNT, require_within
from constructs_lib.compliance import acknowledge, wildcard_finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from async_inference.configuration import Prefixes


@dataclass(frozen=True, kw_only=True, slots=True)
class RetentionSettings:
    """How many days each kind of object is kept; each at least 1."""

    inputs_days: int = 7
    outputs_days: int = 30
    failures_days: int = 90
    batches_days: int = 30
    """The inputs and the journal of a recorded batch: as long as it may be resumed or its results fetched again."""

    access_logs_days: int = 90

    def __post_init__(self) -> None:
        for name in self.__slots__:
            require_within(self, name, COUNT, "days")


class PayloadStore(Construct):
    """A dedicated bucket: encrypted, private, TLS only, emptied by age, with a log of who read what.

    It is not versioned. Every object is written once, under a name that is never used again, so a version would protect
    nothing, and a result that has to be erased would live on in its versions.

    Args:
        scope: The parent.
        construct_id: The name within it.
        prefixes: Where inputs, outputs, failures and batches lie.
        retention: How long each is kept.
        retain: Keep bucket and objects when the stack is deleted; otherwise both go with it.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, prefixes: Prefixes, retention: RetentionSettings, retain: bool
    ) -> None:
        super().__init__(scope, construct_id)
        self.prefixes = prefixes
        access_logs = _private_bucket(
            self, "AccessLogs", retain=retain, lifecycle_rules=[_expire("", retention.access_logs_days)]
        )
        self.bucket = _private_bucket(
            self,
            "Bucket",
            retain=retain,
            server_access_logs_bucket=access_logs,
            lifecycle_rules=list(_lifecycle_rules(prefixes, retention)),
        )

    def uri(self, prefix: str) -> str:
        """Return the ``s3://`` URI of a prefix of this bucket."""
        return self.bucket.s3_url_for_object(prefix)

    def grant_objects(self, role: iam.Role, prefix: str, *actions: str) -> None:
        """Allow ``role`` exactly ``actions`` on every object under ``prefix``."""
        self.bucket.grants.actions_on_object_keys(role, f"{prefix}*", *actions)
        finding = wildcard_finding(Stack.of(self), self.bucket.arn_for_objects(f"{prefix}*"))
        acknowledge(role, {finding: "The objects' names are made at run time, one for each request."})

    def grant_list(self, role: iam.Role) -> None:
        """Allow ``role`` to list the whole bucket.

        There is no prefix condition: CreateEndpoint's check of its role fails with one, and a caller could not tell a
        result that is not there yet (404) from one that it may not read (403).
        """
        role.add_to_policy(iam.PolicyStatement(actions=["s3:ListBucket"], resources=[self.bucket.bucket_arn]))


def _private_bucket(
    scope: Construct,
    construct_id: str,
    *,
    retain: bool,
    lifecycle_rules: list[s3.LifecycleRule],
    server_access_logs_bucket: s3.IBucket | None = None,
) -> s3.Bucket:
    return s3.Bucket(
        scope,
        construct_id,
        block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
        encryption=s3.BucketEncryption.S3_MANAGED,
        enforce_ssl=True,
        minimum_tls_version=1.2,
        object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
        lifecycle_rules=lifecycle_rules,
        server_access_logs_bucket=server_access_logs_bucket,
        removal_policy=RemovalPolicy.RETAIN if retain else RemovalPolicy.DESTROY,
        auto_delete_objects=not retain,
    )


def _lifecycle_rules(prefixes: Prefixes, retention: RetentionSettings) -> Iterator[s3.LifecycleRule]:
    yield _expire(prefixes.input, retention.inputs_days)
    yield _expire(prefixes.output, retention.outputs_days)
    yield _expire(prefixes.failure, retention.failures_days)
    yield _expire(prefixes.batches, retention.batches_days)
    yield s3.LifecycleRule(abort_incomplete_multipart_upload_after=Duration.days(1))


def _expire(prefix: str, days: int) -> s3.LifecycleRule:
    return s3.LifecycleRule(prefix=prefix or None, expiration=Duration.days(days))
