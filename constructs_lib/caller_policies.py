"""What the team's own roles need to call an endpoint: one managed policy for each consumer of its results."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import aws_iam as iam
from constructs import Construct

from constructs_lib.grants import allow

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aws_cdk import aws_ssm as ssm

    from constructs_lib.async_endpoint import AsyncEndpoint
    from constructs_lib.endpoint_scaling import EndpointScaling
    from constructs_lib.notifications import Notifications
    from constructs_lib.payload_store import PayloadStore


class CallerPolicies(Construct):
    """Managed policies, to be attached to roles and users that this app does not own.

    Each allows all that the client does, and nothing else: to look the endpoint up, to submit, to record and resume
    batches, to read results, to receive the notices of one consumer, and to count jobs where the endpoint does.

    Args:
        scope: The parent.
        construct_id: The name within it.
        consumers: Names of the consumers.
        endpoint: The endpoint.
        payloads: Its bucket.
        notifications: Its queues.
        scaling: What may count jobs.
        parameter: What the client looks the endpoint up in.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        consumers: Sequence[str],
        endpoint: AsyncEndpoint,
        payloads: PayloadStore,
        notifications: Notifications,
        scaling: EndpointScaling,
        parameter: ssm.StringParameter,
    ) -> None:
        super().__init__(scope, construct_id)
        self.policies: dict[str, iam.ManagedPolicy] = {}
        for consumer in consumers:
            policy = iam.ManagedPolicy(
                self, f"Consumer-{consumer}", description=f"Call the endpoint and read results as consumer {consumer}"
            )
            allow(policy, ["ssm:GetParameter"], parameter.parameter_arn)
            endpoint.grant_invoke(policy)
            payloads.grant_record_batches(policy)
            notifications.grant_consume(policy, consumer)
            scaling.grant_count_jobs(policy)
            self.policies[consumer] = policy
