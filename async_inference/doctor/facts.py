"""What AWS says to the questions of a caller, refusals included: facts, without a judgement."""

from __future__ import annotations

from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, Final, Generic, TypeAlias, TypeVar
from uuid import uuid4

from botocore.exceptions import BotoCoreError, ClientError

from async_inference import aws_errors
from async_inference.exceptions import AsyncInferenceError, PermissionDenied

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from boto3 import Session
    from botocore.client import BaseClient

    from async_inference.clock import Clock
    from async_inference.configuration import EndpointConfiguration

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Known(Generic[Value]):
    """An answer."""

    value: Value


@dataclass(frozen=True, slots=True)
class Unknown:
    """No answer."""

    action: str
    """What was asked, as an IAM action."""

    code: str
    """What AWS calls the reason, such as ``AccessDenied``; empty if it did not answer."""

    why: str
    """The reason in one line."""

    refused: bool
    """Whether the caller may not ask."""


Fact: TypeAlias = Known[Value] | Unknown
Members: TypeAlias = "Mapping[str, Any]"
"""What a describing operation returned; read by name, since it is all at AWS's edge."""

_SCALABLE_DIMENSION: Final = "sagemaker:variant:DesiredInstanceCount"


class Inquiry:
    """Asks AWS about one endpoint with the caller's own permissions.

    Args:
        configuration: What the endpoint's parameter says.
        session: The caller.
        clock: What AWS's time is compared with.
    """

    def __init__(self, configuration: EndpointConfiguration, *, session: Session, clock: Clock) -> None:
        self._configuration = configuration
        self._session = session
        self._clock = clock
        self._clients: dict[str, Any] = {}
        self.clock_differences: list[float] = []
        """Seconds by which this machine is ahead of AWS, one for each answer that bears a date."""

    def endpoint(self) -> Fact[Members]:
        """Describe the endpoint."""
        client = self._client("sagemaker")
        name = self._configuration.endpoint_name
        return self._ask("sagemaker:DescribeEndpoint", lambda: client.describe_endpoint(EndpointName=name))

    def scalable_targets(self) -> Fact[list[Members]]:
        """Describe what of the endpoint is scaled, one target for each variant."""
        client = self._client("application-autoscaling")
        action, pages = "application-autoscaling:DescribeScalableTargets", "describe_scalable_targets"
        found = self._pages(action, client, pages, "ScalableTargets", ServiceNamespace="sagemaker")
        return self._own(found)

    def scaling_policies(self) -> Fact[list[Members]]:
        """Describe the policies by which the endpoint is scaled."""
        client = self._client("application-autoscaling")
        action, pages = "application-autoscaling:DescribeScalingPolicies", "describe_scaling_policies"
        found = self._pages(action, client, pages, "ScalingPolicies", ServiceNamespace="sagemaker")
        return self._own(found)

    def alarms(self, policy_arn: str) -> Fact[list[Members]]:
        """Describe the alarms that apply a policy."""
        client = self._client("cloudwatch")
        action = "cloudwatch:DescribeAlarms"
        found = self._pages(action, client, "describe_alarms", "MetricAlarms", ActionPrefix=policy_arn)
        if isinstance(found, Unknown):
            return found
        return Known([alarm for alarm in found.value if policy_arn in alarm.get("AlarmActions", ())])

    def absent_object(self, prefix: str) -> Fact[None]:
        """Ask for an object that is not there: the answer says whether a caller can tell so."""
        client, key = self._client("s3"), f"{prefix}async-inference-doctor-{uuid4()}"
        asked = self._ask("s3:GetObject", lambda: client.get_object(Bucket=self._configuration.bucket, Key=key))
        return asked if isinstance(asked, Unknown) else Known(None)

    def listing(self) -> Fact[None]:
        """List the bucket, one key at most."""
        client = self._client("s3")
        bucket = self._configuration.bucket
        asked = self._ask("s3:ListBucket", lambda: client.list_objects_v2(Bucket=bucket, MaxKeys=1))
        return asked if isinstance(asked, Unknown) else Known(None)

    def queue(self, url: str) -> Fact[Members]:
        """Return the attributes of a consumer's queue."""
        client = self._client("sqs")
        return self._ask(
            "sqs:GetQueueAttributes",
            lambda: client.get_queue_attributes(QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"]),
        )

    def _own(self, found: Fact[list[Members]]) -> Fact[list[Members]]:
        """Keep what is of this endpoint, whatever its variants are called."""
        if isinstance(found, Unknown):
            return found
        own = f"endpoint/{self._configuration.endpoint_name}/variant/"
        return Known(
            [
                members
                for members in found.value
                if members["ResourceId"].startswith(own) and members["ScalableDimension"] == _SCALABLE_DIMENSION
            ]
        )

    def _client(self, service: str) -> Any:  # noqa: ANN401 - one of five, named where it is used
        from botocore.config import Config  # noqa: PLC0415 - takes long to import

        if service in self._clients:
            return self._clients[service]
        config = Config(connect_timeout=5, read_timeout=10, retries={"mode": "standard", "total_max_attempts": 2})
        # The overloads of types-boto3 know services by literal names alone.
        new_client: Any = self._session.client
        client = new_client(service, region_name=self._configuration.region, config=config)
        client.meta.events.register("after-call", self._compare_clocks)
        self._clients[service] = client
        return client

    def _pages(
        self, action: str, client: BaseClient, operation: str, key: str, **arguments: str
    ) -> Fact[list[Members]]:
        pages = client.get_paginator(operation).paginate(**arguments)
        return self._ask(action, lambda: [members for page in pages for members in page.get(key, ())])

    def _ask(self, action: str, question: Callable[[], Value]) -> Fact[Value]:
        try:
            return Known(question())
        except (BotoCoreError, ClientError) as error:
            return _unknown(action, error)

    def _compare_clocks(self, http_response: Any, **_: object) -> None:  # noqa: ANN401 - botocore's hooks have no types
        date = http_response.headers.get("date")
        if date:
            self.clock_differences.append(self._clock.now() - parsedate_to_datetime(date).timestamp())


def _unknown(action: str, error: BotoCoreError | ClientError) -> Unknown:
    code = aws_errors.code(error) if isinstance(error, ClientError) else ""
    try:
        aws_errors.raise_for_caller(error, action=action, resource="it")
    except PermissionDenied as denied:
        return Unknown(denied.action, code, f"{denied.action} is not allowed ({code})", refused=True)
    except (AsyncInferenceError, BotoCoreError) as other:
        return Unknown(action, code, " ".join(str(other).split()), refused=False)
