"""What SageMaker does about variants that are registered with Application Auto Scaling.

Sources: *SageMaker Developer Guide*, "Update or delete endpoints that use automatic scaling", and users who met the
refusals.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from local_cloud.application_autoscaling.permissions import caller_grant
from local_cloud.errors import validation_exception

if TYPE_CHECKING:
    from local_cloud.application_autoscaling.api import AutoScalingApi
    from local_cloud.application_autoscaling.targets import TargetRecord
    from local_cloud.ministack_iam import Grant
    from local_cloud.sagemaker.endpoint import Endpoint
    from local_cloud.sagemaker.resources import EndpointConfig
    from local_cloud.scope import Scope


class ScaledVariants:
    """The variants that are scalable targets, by way of ``api``."""

    def __init__(self, api: AutoScalingApi) -> None:
        self._api = api

    def check_update(self, endpoint: Endpoint, config: EndpointConfig) -> None:
        """Check that an update leaves a scaled variant its name and its instance type.

        Raises:
            AwsError: it does not; deregister the target first.
        """
        old, new = endpoint.config.variant, config.variant
        kept = all(old.get(name) == new.get(name) for name in ("VariantName", "InstanceType", "InstancePools"))
        if not kept and self._registered(endpoint.scope, endpoint.name):
            raise validation_exception(
                f'The variant "{endpoint.config.variant_name}" of endpoint "{endpoint.arn}" is registered as a '
                "scalable target with Application Auto Scaling: it can neither be removed nor change its "
                "instance type. Deregister the scalable target first."
            )

    def deletion_grants(self, scope: Scope, endpoint_name: str) -> list[Grant]:
        """Return what DeleteEndpoint needs besides where a variant of the endpoint is registered.

        Source: *SageMaker Developer Guide*, "Automatic scaling: prerequisites".
        """
        if not self._registered(scope, endpoint_name):
            return []
        return [caller_grant(scope, operation) for operation in ("DeregisterScalableTarget", "DeleteScalingPolicy")]

    async def deregister(self, scope: Scope, endpoint_name: str) -> None:
        """Deregister the variants of an endpoint that is being deleted."""
        for target in self._registered(scope, endpoint_name):
            await self._api.json_api.call(scope, "DeregisterScalableTarget", target.key)

    def _registered(self, scope: Scope, endpoint_name: str) -> list[TargetRecord]:
        name = endpoint_name.lower()
        return [target for target in self._api.targets.in_scope(scope) if target.endpoint_name.lower() == name]
