"""The asynchronous endpoint: its configuration, the endpoint itself, and what its callers may do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from constructs_lib.compliance import acknowledge
from constructs_lib.grants import allow
from constructs_lib.instance_types import has_local_storage

if TYPE_CHECKING:
    from aws_cdk import aws_iam as iam

    from constructs_lib.deployment_guardrails import DeploymentGuardrails
    from constructs_lib.encryption import Encryption
    from constructs_lib.model import Model
    from constructs_lib.notifications import Notifications
    from constructs_lib.payload_store import PayloadStore
    from constructs_lib.service_role import ServiceRole

VARIANT_NAME: Final = "AllTraffic"
"""Constant, because deployments with a changed variant name are refused and scaling refers to it."""

_PROVISION_TIMEOUT_SECONDS: Final = 1_800
"""How long SageMaker looks for an instance where there are several types: as long as users report of a single one.
AWS documents the time as that of all types together, one vendor takes it for that of each; it suffices either way."""

_VOLUME_RULE: Final = "NIST.800.53.R5-SageMakerEndpointConfigurationKMSKeyConfigured"
_LOCAL_STORAGE: Final = (
    "has local storage, which its own hardware encrypts and a key in KMS does not; a configuration that names one has"
    " been refused for such types."
)


class AsyncEndpoint(Construct):
    """An endpoint configuration with asynchronous inference, and the endpoint that has it.

    The first deployment starts one instance, the least that SageMaker accepts; later ones keep the number of instances
    that scaling has arrived at.

    Args:
        scope: The parent.
        construct_id: The name within it.
        model: What answers the requests.
        payloads: Where inputs are read from, and outputs and failures are written to.
        notifications: Where the ends of requests are announced.
        encryption: What outputs and the instances' volumes are encrypted with.
        instance_types: Such as ``ml.m5.xlarge``, and what SageMaker takes while it has none of those, the most wanted
            first, 1 to 5. Source: *SageMaker Developer Guide*, "Deploy to multiple instance types with instance pools".
            It looks for them for half an hour.
        max_concurrent_invocations_per_instance: Requests that a container is sent at a time.
        guardrails: How changes are deployed.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        model: Model,
        payloads: PayloadStore,
        notifications: Notifications,
        encryption: Encryption,
        instance_types: tuple[str, ...],
        max_concurrent_invocations_per_instance: int,
        guardrails: DeploymentGuardrails,
    ) -> None:
        super().__init__(scope, construct_id)
        self._payloads = payloads
        self._encryption = encryption
        self._grant_execution_role(model.role, notifications)
        guardrails.grant_watch(model.role.policy)
        has_pools = len(instance_types) > 1
        with_local_storage = [each for each in instance_types if has_local_storage(each)]
        self.config = sagemaker.CfnEndpointConfig(
            self,
            "Config",
            kms_key_id=None if with_local_storage else encryption.key_arn,
            production_variants=[
                sagemaker.CfnEndpointConfig.ProductionVariantProperty(
                    variant_name=VARIANT_NAME,
                    model_name=model.model_name,
                    instance_type=None if has_pools else instance_types[0],
                    instance_pools=_instance_pools(instance_types) if has_pools else None,
                    variant_instance_provision_timeout_in_seconds=_PROVISION_TIMEOUT_SECONDS if has_pools else None,
                    initial_instance_count=1,
                    initial_variant_weight=1,
                )
            ],
            async_inference_config=sagemaker.CfnEndpointConfig.AsyncInferenceConfigProperty(
                client_config=sagemaker.CfnEndpointConfig.AsyncInferenceClientConfigProperty(
                    max_concurrent_invocations_per_instance=max_concurrent_invocations_per_instance
                ),
                output_config=sagemaker.CfnEndpointConfig.AsyncInferenceOutputConfigProperty(
                    kms_key_id=encryption.key_arn,
                    s3_output_path=payloads.uri(payloads.prefixes.output),
                    s3_failure_path=payloads.uri(payloads.prefixes.failure),
                    notification_config=sagemaker.CfnEndpointConfig.AsyncInferenceNotificationConfigProperty(
                        success_topic=notifications.success_topic.topic_arn,
                        error_topic=notifications.error_topic.topic_arn,
                    ),
                ),
            ),
        )
        self.resource = sagemaker.CfnEndpoint(
            self,
            "Endpoint",
            endpoint_config_name=self.config.attr_endpoint_config_name,
            retain_all_variant_properties=True,
            deployment_config=guardrails.deployment_config,
        )
        # DeleteEndpoint needs the role until the endpoint is gone.
        self.resource.node.add_dependency(model.role)
        if with_local_storage:
            acknowledge(self.config, {_VOLUME_RULE: f"{with_local_storage[0]} {_LOCAL_STORAGE}"})

    @property
    def endpoint_name(self) -> str:
        """The generated name; the resource's ``ref`` is its ARN."""
        return self.resource.attr_endpoint_name

    def grant_invoke(self, grantee: iam.IGrantable) -> None:
        """Allow ``grantee`` to submit requests, to put large inputs in the bucket and to read all results.

        Listing the bucket is part of it: without that, S3 answers 403 for a result that is not there yet.

        Args:
            grantee: A role or a managed policy of this stack or another; a construct in either case.
        """
        # The resource's own ARN: SageMaker writes the endpoint's name in lower case there, and IAM compares by case.
        allow(grantee, ["sagemaker:InvokeEndpointAsync"], self.resource.ref)
        self._payloads.grant_submit_inputs(grantee)
        self._payloads.grant_read_results(grantee)
        self._payloads.grant_list(grantee)
        self._encryption.grant_use(grantee, "s3")

    def _grant_execution_role(self, role: ServiceRole, notifications: Notifications) -> None:
        self._payloads.grant_read_inputs(role.policy)
        self._payloads.grant_write_results(role.policy)
        self._payloads.grant_list(role.policy)
        self._encryption.grant_use(role.policy, "s3")
        self._encryption.grant_volumes(role.policy)
        notifications.grant_publish(role)


def _instance_pools(instance_types: tuple[str, ...]) -> list[sagemaker.CfnEndpointConfig.InstancePoolProperty]:
    return [
        sagemaker.CfnEndpointConfig.InstancePoolProperty(instance_type=instance_type, priority=priority)
        for priority, instance_type in enumerate(instance_types, start=1)
    ]
