"""The asynchronous endpoint: its configuration, the endpoint itself, and what its callers may do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aws_cdk import aws_iam as iam
from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

if TYPE_CHECKING:
    from constructs_lib.model import Model
    from constructs_lib.notifications import Notifications
    from constructs_lib.payload_store import PayloadStore

VARIANT_NAME: Final = "AllTraffic"
"""Constant, because deployments with a changed variant name are refused and scaling refers to it."""


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
        instance_type: Such as ``ml.m5.xlarge``.
        max_concurrent_invocations_per_instance: Requests that a container is sent at a time.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        model: Model,
        payloads: PayloadStore,
        notifications: Notifications,
        instance_type: str,
        max_concurrent_invocations_per_instance: int,
    ) -> None:
        super().__init__(scope, construct_id)
        self._payloads = payloads
        self._grant_execution_role(model.role, notifications)
        self.config = sagemaker.CfnEndpointConfig(
            self,
            "Config",
            production_variants=[
                sagemaker.CfnEndpointConfig.ProductionVariantProperty(
                    variant_name=VARIANT_NAME,
                    model_name=model.model_name,
                    instance_type=instance_type,
                    initial_instance_count=1,
                    initial_variant_weight=1,
                )
            ],
            async_inference_config=sagemaker.CfnEndpointConfig.AsyncInferenceConfigProperty(
                client_config=sagemaker.CfnEndpointConfig.AsyncInferenceClientConfigProperty(
                    max_concurrent_invocations_per_instance=max_concurrent_invocations_per_instance
                ),
                output_config=sagemaker.CfnEndpointConfig.AsyncInferenceOutputConfigProperty(
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
        )
        # CreateEndpoint checks what the role may do, and DeleteEndpoint needs it until the endpoint is gone.
        self.resource.node.add_dependency(model.role)

    @property
    def endpoint_name(self) -> str:
        """The generated name; the resource's ``ref`` is its ARN."""
        return self.resource.attr_endpoint_name

    def grant_invoke(self, role: iam.Role) -> None:
        """Allow ``role`` to submit requests, to put large inputs in the bucket and to read all results.

        Listing the bucket is part of it: without that, S3 answers 403 for a result that is not there yet.
        """
        # The resource's own ARN: SageMaker writes the endpoint's name in lower case there, and IAM compares by case.
        role.add_to_policy(
            iam.PolicyStatement(actions=["sagemaker:InvokeEndpointAsync"], resources=[self.resource.ref])
        )
        prefixes = self._payloads.prefixes
        self._payloads.grant_objects(role, prefixes.input, "s3:PutObject", "s3:AbortMultipartUpload")
        self._payloads.grant_objects(role, prefixes.output, "s3:GetObject")
        self._payloads.grant_objects(role, prefixes.failure, "s3:GetObject")
        self._payloads.grant_list(role)

    def _grant_execution_role(self, role: iam.Role, notifications: Notifications) -> None:
        prefixes = self._payloads.prefixes
        self._payloads.grant_objects(role, prefixes.input, "s3:GetObject")
        self._payloads.grant_objects(role, prefixes.output, "s3:PutObject", "s3:AbortMultipartUpload")
        self._payloads.grant_objects(role, prefixes.failure, "s3:PutObject", "s3:AbortMultipartUpload")
        self._payloads.grant_list(role)
        notifications.grant_publish(role)
