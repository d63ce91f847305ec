"""What data at rest is encrypted with: keys that AWS manages, or one that is the customer's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from aws_cdk import ArnFormat, RemovalPolicy, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from constructs_lib.checks import require_match
from constructs_lib.grants import allow, construct_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

KEY_ARN_PATTERN: Final = r"arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key/(mrk-)?[0-9a-f-]{32,36}"
_USE: Final = ("kms:Decrypt", "kms:GenerateDataKey")


@dataclass(frozen=True, kw_only=True, slots=True)
class CustomerManagedKey:
    """Encrypt with a key in AWS KMS that the account owns, and can disable.

    Attributes:
        arn: An existing key, in the endpoint's region: for data that is already there, or where keys are another
            team's. Its policy has to allow what docs/data.md lists. Without it the stack makes a key.
    """

    arn: str | None = None

    def __post_init__(self) -> None:
        if self.arn is not None:
            require_match(self, "arn", KEY_ARN_PATTERN, "arn:aws:kms:<region>:<account>:key/<id>")


class Encryption(Construct):
    """The key of an endpoint's bucket, topics, queues, logs, volumes and function, or none.

    Without a key of the customer's everything is encrypted all the same, with keys that AWS manages.

    Args:
        scope: The parent.
        construct_id: The name within it.
        settings: The key; ``None`` for AWS's.
        retain: Keep a key that the stack made when the stack is deleted: what it encrypted is lost without it.
    """

    key: kms.IKey | None
    """A reference: nothing can change its policy by being encrypted with it."""

    def __init__(
        self, scope: Construct, construct_id: str, *, settings: CustomerManagedKey | None, retain: bool
    ) -> None:
        super().__init__(scope, construct_id)
        self.key = None
        if settings is not None:
            arn = settings.arn or self._new_key(retain=retain).key_arn
            # By reference: the CDK's SNS subscription would write the topics' ARNs into the key's policy, and the
            # topics name the key.
            self.key = kms.Key.from_key_arn(self, "Reference", arn)

    @property
    def key_arn(self) -> str | None:
        """The key's ARN, or ``None`` for keys of AWS."""
        return None if self.key is None else self.key.key_arn

    def grant_use(self, grantee: iam.IGrantable, *services: str) -> None:
        """Allow ``grantee`` to read and write what is encrypted, through ``services`` such as ``s3`` alone."""
        if self.key is not None:
            grant_use(grantee, self.key.key_arn, *services)

    def grant_volumes(self, grantee: iam.IGrantable) -> None:
        """Allow ``grantee``, an execution role, to let SageMaker encrypt the volumes of its instances.

        Source: *SageMaker API reference*, ``RecommendationJobInputConfig.VolumeKmsKeyId``: such a role needs
        ``kms:CreateGrant``.
        """
        if self.key is None:
            return
        allow(
            grantee, ["kms:CreateGrant"], self.key.key_arn, conditions={"Bool": {"kms:GrantIsForAWSResource": "true"}}
        )
        allow(grantee, ["kms:DescribeKey"], self.key.key_arn)

    def _new_key(self, *, retain: bool) -> kms.Key:
        key = kms.Key(
            self,
            "Key",
            description=f"Data at rest of {Stack.of(self).stack_name}",
            enable_key_rotation=True,
            removal_policy=RemovalPolicy.RETAIN if retain else RemovalPolicy.DESTROY,
        )
        for statement in _service_statements(Stack.of(self)):
            key.add_to_resource_policy(statement)
        return key


def grant_use(grantee: iam.IGrantable, key_arn: str, *services: str, actions: Sequence[str] = _USE) -> None:
    """Allow ``grantee`` to use a key through ``services`` of the stack's region alone.

    By default both actions, whether it reads or writes: S3 decrypts the parts of a multipart upload, and SNS asks both
    of publishers (SNS developer guide, "Key management").
    """
    region = Stack.of(construct_of(grantee)).region
    allow(
        grantee,
        actions,
        key_arn,
        conditions={"StringEquals": {"kms:ViaService": [f"{service}.{region}.amazonaws.com" for service in services]}},
    )


def _service_statements(stack: Stack) -> Iterator[iam.PolicyStatement]:
    """Yield what services need that use the key in their own name, for this stack's resources.

    The resources' names are generated from the stack's, and they themselves name the key: a pattern stands for them.
    """
    account = {"StringEquals": {"aws:SourceAccount": stack.account}}
    topics = stack.format_arn(service="sns", resource=f"{stack.stack_name}-*")
    yield _statement(
        "DeliverNoticesToQueues", "sns.amazonaws.com", account | {"ArnLike": {"aws:SourceArn": topics}}, *_USE
    )
    yield _statement("NotifyOfAlarms", "cloudwatch.amazonaws.com", account, *_USE)
    log_groups = stack.format_arn(
        service="logs",
        resource="log-group",
        resource_name=f"{stack.stack_name}-*",
        arn_format=ArnFormat.COLON_RESOURCE_NAME,
    )
    yield _statement(
        "KeepLogs",
        f"logs.{stack.region}.amazonaws.com",
        {"ArnLike": {"kms:EncryptionContext:aws:logs:arn": log_groups}},
        *_USE,
        "kms:DescribeKey",
        "kms:Encrypt",
        "kms:GenerateDataKeyWithoutPlaintext",
        "kms:ReEncryptFrom",
        "kms:ReEncryptTo",
    )


def _statement(sid: str, service: str, conditions: dict[str, dict[str, str]], *actions: str) -> iam.PolicyStatement:
    return iam.PolicyStatement(
        sid=sid,
        principals=[iam.ServicePrincipal(service)],
        actions=list(actions),
        resources=["*"],  # in a key's policy: the key
        conditions=conditions,
    )
