"""The Lambda function that submits a request and polls for its result."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from aws_cdk import Duration, RemovalPolicy, Stack
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_destinations as destinations
from aws_cdk import aws_logs as logs
from constructs import Construct

from async_inference.limits import Bounds
from constructs_lib.checks import require_within
from constructs_lib.compliance import acknowledge
from constructs_lib.grants import allow
from constructs_lib.python_bundle import CHECKOUT, bundle_function
from constructs_lib.queues import dead_letter_queue
from constructs_lib.service_role import ServiceRole

if TYPE_CHECKING:
    from aws_cdk import aws_sqs as sqs

    from constructs_lib.async_endpoint import AsyncEndpoint
    from constructs_lib.encryption import Encryption

CONFIGURATION_VARIABLE: Final = "ENDPOINT_CONFIGURATION"
_MEMORY_MIB: Final = Bounds(128, 10_240)
# Below a minute a function that was just started could neither submit with a margin nor take up a job.
_TIMEOUT_SECONDS: Final = Bounds(60, 900)
_CONCURRENCY: Final = Bounds(1, 10_000)


@dataclass(frozen=True, kw_only=True, slots=True)
class PollingFunctionSettings:
    """Size of the polling function.

    Attributes:
        memory_mib: 128 to 10,240; more memory also means more processor, which shortens the cold start.
        timeout_seconds: 60 to 900, which is Lambda's longest; the last 35 are kept back for a slow answer of S3. A job
            that takes longer is handed back as a handle.
        reserved_concurrency: How many executions there may be at a time, 1 to 10,000: each may wait for a quarter of an
            hour, and is paid for meanwhile. They are set aside from the account's quota, which has to leave 100 for
            everybody else. Without it the quota is the only bound; a production stage has to have one.
    """

    memory_mib: int = 512
    timeout_seconds: int = 900
    reserved_concurrency: int | None = None

    def __post_init__(self) -> None:
        require_within(self, "memory_mib", _MEMORY_MIB, "MiB")
        require_within(self, "timeout_seconds", _TIMEOUT_SECONDS, "seconds")
        if self.reserved_concurrency is not None:
            require_within(self, "reserved_concurrency", _CONCURRENCY, "executions")


class PollingFunction(Construct):
    """The function, with a role that may do what a caller of the endpoint may do and write its own log and traces.

    Lambda's own retries of asynchronous invocations are off: each would submit the request once more. An asynchronous
    invocation that fails goes to a queue, with its event and its error.

    Args:
        scope: The parent.
        construct_id: The name within it.
        endpoint: The endpoint that it calls.
        configuration: The endpoint's configuration document as JSON.
        encryption: What its log, its environment and its failed invocations are encrypted with.
        settings: Its size.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        endpoint: AsyncEndpoint,
        configuration: str,
        encryption: Encryption,
        settings: PollingFunctionSettings,
    ) -> None:
        super().__init__(scope, construct_id)
        log_group = logs.LogGroup(
            self,
            "Logs",
            retention=logs.RetentionDays.ONE_MONTH,
            removal_policy=RemovalPolicy.DESTROY,
            encryption_key=encryption.key,
        )
        self.failed_invocations = _failed_invocations(self, encryption)
        self.role = _role(self)
        endpoint.grant_invoke(self.role.policy)
        allow(self.role.policy, ["logs:CreateLogStream", "logs:PutLogEvents"], log_group.log_group_arn)
        allow(self.role.policy, ["sqs:SendMessage"], self.failed_invocations.queue_arn)
        encryption.grant_use(self.role.policy, "lambda", "sqs")
        self._grant_traces()
        self.function = lambda_.Function(
            self,
            "Function",
            description="Submits a request to an asynchronous endpoint and polls for its result.",
            code=bundle_function(CHECKOUT / "lambda_src" / "polling", packages=["async_inference"]),
            handler="polling.handler.handler",
            runtime=lambda_.Runtime.PYTHON_3_14,
            architecture=lambda_.Architecture.ARM_64,
            memory_size=settings.memory_mib,
            timeout=Duration.seconds(settings.timeout_seconds),
            reserved_concurrent_executions=settings.reserved_concurrency,
            environment={CONFIGURATION_VARIABLE: configuration},
            environment_encryption=encryption.key,
            # By reference: the CDK would otherwise give the role policies of its own.
            role=self.role.role.without_policy_updates(),
            log_group=log_group,
            tracing=lambda_.Tracing.ACTIVE,
            retry_attempts=0,
            on_failure=destinations.SqsDestination(self.failed_invocations),
        )
        _explain(self.function)
        if settings.reserved_concurrency is None:
            _explain_concurrency(self.function)
        if encryption.key is None:
            _explain_keys(self.function, log_group)

    def _grant_traces(self) -> None:
        allow(
            self.role.policy,
            ["xray:PutTelemetryRecords", "xray:PutTraceSegments"],
            "*",
            wildcard="Neither xray:PutTraceSegments nor xray:PutTelemetryRecords takes a resource.",
        )


def _failed_invocations(scope: Construct, encryption: Encryption) -> sqs.Queue:
    queue = dead_letter_queue(scope, "FailedInvocations", encryption)
    acknowledge(
        queue,
        {
            "AwsSolutions-SQS3": "It is a dead-letter queue, though not another queue's: Lambda puts failed invocations"
            " there, which wait for a person."
        },
    )
    return queue


def _role(scope: Construct) -> ServiceRole:
    return ServiceRole(
        scope,
        "Role",
        service="lambda.amazonaws.com",
        conditions={"StringEquals": {"aws:SourceAccount": Stack.of(scope).account}},
        description="Lambda: submits requests and polls for their results",
    )


def _explain(function: lambda_.Function) -> None:
    """Say what the rules would have otherwise, and why it is not."""
    twice = (
        "An asynchronous invocation that fails goes to the failure destination, with its event and its error; a"
        " dead-letter queue would get each event once more, without the error."
    )
    public = (
        "It talks to nothing but the public endpoints of AWS, over TLS and with its role's signature, and nothing can"
        " connect to it: a VPC would have nothing in it to reach."
    )
    acknowledge(
        function,
        {
            "Serverless-LambdaDLQ": twice,
            "NIST.800.53.R5-LambdaDLQ": twice,
            "CKV_AWS_116": twice,
            "NIST.800.53.R5-LambdaInsideVPC": public,
            "CKV_AWS_117": public,
        },
    )


def _explain_concurrency(function: lambda_.Function) -> None:
    acknowledge(
        function,
        {
            "CKV_AWS_115": "Outside production the account's quota is bound enough: what is set aside here would be"
            " missing elsewhere in the account."
        },
    )


def _explain_keys(function: lambda_.Function, log_group: logs.LogGroup) -> None:
    names = "it holds names, ids and statuses, none of them secret"
    acknowledge(function, {"CKV_AWS_173": f"The environment is encrypted with a key of Lambda's own: {names}."})
    acknowledge(log_group, {"CKV_AWS_158": f"The log is encrypted with a key of CloudWatch Logs' own: {names}."})
