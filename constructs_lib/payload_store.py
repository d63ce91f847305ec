"""The bucket that requests come from and results go to, for one endpoint."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from aws_cdk import Duration, RemovalPolicy, Stack
from aws_cdk import aws_s3 as s3
from constructs import Construct

from constructs_lib.checks import COUNT, SettingError, require_match, require_within
from constructs_lib.compliance import acknowledge
from constructs_lib.encryption import KEY_ARN_PATTERN, grant_use
from constructs_lib.grants import allow

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from aws_cdk import aws_iam as iam
    from aws_cdk import aws_kms as kms

    from async_inference.configuration import Prefixes
    from constructs_lib.encryption import Encryption

BUCKET_NAME_PATTERN: Final = r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]"
_DELETED_LOGS_DAYS: Final = 30
_PREFIX_PATTERN: Final = r"([\w!.()-]+/)*"


@dataclass(frozen=True, kw_only=True, slots=True)
class RetentionSettings:
    """How many days each kind of object is kept; each at least 1."""

    inputs_days: int = 30
    """Inputs beyond 128,000 bytes, those of batches among them: no fewer than ``batches_days``."""

    outputs_days: int = 30
    failures_days: int = 90
    batches_days: int = 30
    """The manifest and the journal of a recorded batch: as long as it may be resumed or its results fetched again."""

    access_logs_days: int = 90

    def __post_init__(self) -> None:
        for name in self.__slots__:
            require_within(self, name, COUNT, "days")
        if self.inputs_days < self.batches_days:
            allowed = f"at least batches_days, {self.batches_days}: a batch that is resumed needs its inputs"
            raise SettingError(self, "inputs_days", self.inputs_days, allowed)


@dataclass(frozen=True, kw_only=True, slots=True)
class InputBucket:
    """A bucket of the team's own, in the endpoint's region, in which inputs lie already.

    Attributes:
        name: The bucket's name.
        prefix: What the inputs' keys start with, at most 100 characters that end with a slash; all of the bucket if
            left out.
        key_arn: The key in AWS KMS that they are encrypted with, if it is no key of AWS.
    """

    name: str
    prefix: str = ""
    key_arn: str | None = None

    def __post_init__(self) -> None:
        require_match(self, "name", BUCKET_NAME_PATTERN, "a bucket's name")
        require_match(self, "prefix", _PREFIX_PATTERN, "a path that ends with a slash, at most 100", max_length=100)
        if self.key_arn is not None:
            require_match(self, "key_arn", KEY_ARN_PATTERN, "arn:aws:kms:<region>:<account>:key/<id>")


class PayloadStore(Construct):
    """A dedicated bucket: encrypted, private, TLS only, emptied by age, with a log of who read what.

    Args:
        scope: The parent.
        construct_id: The name within it.
        prefixes: Where inputs, outputs, failures and batches lie.
        retention: How long each is kept.
        retain: Keep bucket and objects when the stack is deleted; otherwise both go with it.
        encryption: What the objects are encrypted with.
        bucket_name: A bucket that a deleted stack has left behind, instead of a new one. Its own settings stay as they
            are: prefixes, retention and encryption have to be those that it was made with.
        input_buckets: Other buckets from which requests may come.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        prefixes: Prefixes,
        retention: RetentionSettings,
        retain: bool,
        encryption: Encryption,
        bucket_name: str | None = None,
        input_buckets: Sequence[InputBucket] = (),
    ) -> None:
        super().__init__(scope, construct_id)
        self.prefixes = prefixes
        self._encryption = encryption
        self._input_buckets = [
            (s3.Bucket.from_bucket_name(self, f"Inputs{number}", each.name), each)
            for number, each in enumerate(input_buckets, start=1)
        ]
        self.bucket: s3.IBucket = (
            self._new_bucket(retention, retain=retain)
            if bucket_name is None
            else s3.Bucket.from_bucket_name(self, "Existing", bucket_name)
        )

    def uri(self, prefix: str) -> str:
        """Return the ``s3://`` URI of a prefix of this bucket."""
        return self.bucket.s3_url_for_object(prefix)

    def grant_submit_inputs(self, grantee: iam.IGrantable) -> None:
        """Allow ``grantee`` to put inputs where requests refer to them, in parts if they are large."""
        self._allow(grantee, self.prefixes.input, "s3:PutObject", "s3:AbortMultipartUpload")

    def grant_read_inputs(self, grantee: iam.IGrantable) -> None:
        """Allow ``grantee`` to read inputs, here and in the other buckets."""
        self._allow(grantee, self.prefixes.input, "s3:GetObject")
        for bucket, settings in self._input_buckets:
            allow(
                grantee,
                ["s3:GetObject"],
                bucket.arn_for_objects(f"{settings.prefix}*"),
                wildcard="The settings name this bucket and prefix for inputs; their names are the team's.",
            )
            if settings.key_arn is not None:
                grant_use(grantee, settings.key_arn, "s3", actions=["kms:Decrypt"])

    def grant_write_results(self, grantee: iam.IGrantable) -> None:
        """Allow ``grantee`` to put outputs and failures."""
        for prefix in (self.prefixes.output, self.prefixes.failure):
            self._allow(grantee, prefix, "s3:PutObject", "s3:AbortMultipartUpload")

    def grant_read_results(self, grantee: iam.IGrantable) -> None:
        """Allow ``grantee`` to read outputs and failures."""
        for prefix in (self.prefixes.output, self.prefixes.failure):
            self._allow(grantee, prefix, "s3:GetObject")

    def grant_record_batches(self, grantee: iam.IGrantable) -> None:
        """Allow ``grantee`` to record batches and to resume those of others."""
        self._allow(grantee, self.prefixes.batches, "s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload")

    def grant_list(self, grantee: iam.IGrantable) -> None:
        """Allow ``grantee`` to list the whole bucket.

        There is no prefix condition: CreateEndpoint's check of its role fails with one, and a caller could not tell a
        result that is not there yet (404) from one that it may not read (403).
        """
        allow(grantee, ["s3:ListBucket"], self.bucket.bucket_arn)

    def _allow(self, grantee: iam.IGrantable, prefix: str, *actions: str) -> None:
        allow(
            grantee,
            actions,
            self.bucket.arn_for_objects(f"{prefix}*"),
            wildcard="The objects' names are made at run time, one for each request.",
        )

    def _new_bucket(self, retention: RetentionSettings, *, retain: bool) -> s3.Bucket:
        access_logs = _private_bucket(
            self,
            "AccessLogs",
            retain=retain,
            versioned=True,
            lifecycle_rules=[_expire("", retention.access_logs_days), _expire_versions()],
        )
        bucket = _private_bucket(
            self,
            "Bucket",
            retain=retain,
            key=self._encryption.key,
            server_access_logs_bucket=access_logs,
            lifecycle_rules=list(_lifecycle_rules(self.prefixes, retention)),
        )
        _explain(bucket, access_logs)
        if not retain:
            _explain_emptying(self)
        return bucket


def _explain(bucket: s3.Bucket, access_logs: s3.Bucket) -> None:
    """Say what the rules would have otherwise, and why it is not; docs/adr/031 has the whole of it."""
    replica = "NIST.800.53.R5-S3BucketReplicationEnabled"
    once = (
        "Objects are written once under names that are not used again, except for the leases of batches, and a result"
        " that has to be erased would live on in its versions."
    )
    acknowledge(
        bucket,
        {
            "NIST.800.53.R5-S3BucketVersioningEnabled": once,
            "CKV_AWS_21": once,
            replica: "Payloads live for days on their way between caller and model; whoever needs a result for longer"
            " keeps it, and a replica elsewhere would be one more place to erase it from.",
        },
    )
    acknowledge(
        access_logs,
        {
            "CKV_AWS_18": "It is the bucket of access logs: a log of what writes the log would never end.",
            replica: "The log of requests to a bucket that is not replicated either; it expires by age.",
            "NIST.800.53.R5-S3DefaultEncryptionKMS": "S3 delivers server access logs only to buckets whose default"
            " encryption is SSE-S3 (S3 user guide, Enabling Amazon S3 server access logging).",
        },
    )


def _explain_emptying(scope: Construct) -> None:
    emptying = "The CDK's own function, which CloudFormation alone calls, when the stack is deleted"
    acknowledge(
        Stack.of(scope).node.find_child("Custom::S3AutoDeleteObjectsCustomResourceProvider").node.find_child("Handler"),
        {
            "CKV_AWS_115": f"{emptying}: once for each bucket.",
            "CKV_AWS_116": f"{emptying}, and waits for its answer.",
            "CKV_AWS_117": f"{emptying}: it calls S3 and nothing else.",
        },
    )


def _private_bucket(
    scope: Construct,
    construct_id: str,
    *,
    retain: bool,
    lifecycle_rules: list[s3.LifecycleRule],
    key: kms.IKey | None = None,
    versioned: bool = False,
    server_access_logs_bucket: s3.IBucket | None = None,
) -> s3.Bucket:
    removal_policy = RemovalPolicy.RETAIN if retain else RemovalPolicy.DESTROY
    bucket = s3.Bucket(
        scope,
        construct_id,
        block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
        encryption=s3.BucketEncryption.S3_MANAGED if key is None else s3.BucketEncryption.KMS,
        encryption_key=key,
        bucket_key_enabled=None if key is None else True,
        enforce_ssl=True,
        minimum_tls_version=1.2,
        object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
        versioned=versioned,
        lifecycle_rules=lifecycle_rules,
        server_access_logs_bucket=server_access_logs_bucket,
        removal_policy=removal_policy,
        auto_delete_objects=not retain,
    )
    if bucket.policy is not None:
        # A bucket that stays behind without its policy would be open to plain HTTP, and get no access logs.
        bucket.policy.apply_removal_policy(removal_policy)
    return bucket


def _lifecycle_rules(prefixes: Prefixes, retention: RetentionSettings) -> Iterator[s3.LifecycleRule]:
    yield _expire(prefixes.input, retention.inputs_days)
    yield _expire(prefixes.output, retention.outputs_days)
    yield _expire(prefixes.failure, retention.failures_days)
    yield _expire(prefixes.batches, retention.batches_days)
    yield s3.LifecycleRule(abort_incomplete_multipart_upload_after=Duration.days(1))


def _expire(prefix: str, days: int) -> s3.LifecycleRule:
    return s3.LifecycleRule(prefix=prefix or None, expiration=Duration.days(days))


def _expire_versions() -> s3.LifecycleRule:
    """Keep for a month what somebody deleted or wrote over: long enough to notice it."""
    return s3.LifecycleRule(noncurrent_version_expiration=Duration.days(_DELETED_LOGS_DAYS))
