"""The Lambda function that submits a request and polls for its result."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from async_inference.limits import Bounds
from constructs_lib.checks import require_within
from constructs_lib.python_bundle import CHECKOUT, bundle_function

if TYPE_CHECKING:
    from constructs_lib.async_endpoint import AsyncEndpoint

CONFIGURATION_VARIABLE: Final = "ENDPOINT_CONFIGURATION"
_MEMORY_MIB: Final = Bounds(128, 10_240)
# Below a minute a function that was just started could neither submit with a margin nor take up a job.
_TIMEOUT_SECONDS: Final = Bounds(60, 900)


@dataclass(frozen=True, kw_only=True, slots=True)
class PollingFunctionSettings:
    """Size of the polling function.

    Attributes:
        memory_mib: 128 to 10,240; more memory also means more processor, which shortens the cold start.
        timeout_seconds: 60 to 900, which is Lambda's longest; the last 35 are kept back for a slow answer of S3. A job
            that takes longer is handed back as a handle.
    """

    memory_mib: int = 512
    timeout_seconds: int = 900

    def __post_init__(self) -> None:
        require_within(self, "memory_mib", _MEMORY_MIB, "MiB")
        require_within(self, "timeout_seconds", _TIMEOUT_SECONDS, "seconds")


class PollingFunction(Construct):
    """The function, with a role that may do what a caller of the endpoint may do and write its own log.

    Lambda's own retries of asynchronous invocations are off: each would submit the request once more.

    Args:
        scope: The parent.
        construct_id: The name within it.
        endpoint: The endpoint that it calls.
        configuration: The endpoint's configuration document as JSON.
        settings: Its size.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        endpoint: AsyncEndpoint,
        configuration: str,
        settings: PollingFunctionSettings,
    ) -> None:
        super().__init__(scope, construct_id)
        log_group = logs.LogGroup(
            self, "Logs", retention=logs.RetentionDays.ONE_MONTH, removal_policy=RemovalPolicy.DESTROY
        )
        self.role = role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
        log_group.grants.write(role)
        endpoint.grant_invoke(role)
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
            environment={CONFIGURATION_VARIABLE: configuration},
            role=role,
            log_group=log_group,
            retry_attempts=0,
        )
