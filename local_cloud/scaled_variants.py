"""What SageMaker does about variants that are registered with Application Auto Scaling.

Sources: *SageMaker Developer Guide*, "Update or delete endpoints that use automatic scaling", and users who met the
refusals.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from local_cloud.application_autoscaling.targets import DIMENSION, NAMESPACE
from local_cloud.errors import validation_exception

if TYPE_CHECKING:
    from local_cloud.application_autoscaling.api import AutoScalingApi
    from local_cloud.sagemaker.endpoint import Endpoint
    from local_cloud.sagemaker.resources import EndpointConfig
    from local_cloud.scope import Scope


class ScaledVariants:
    """The variants that are scalable targets, by way of ``api``."""

    def __init__(self, api: AutoScalingApi) -> None:
        self._api = api

    def includes(self, scope: Scope, endpoint_name: str) -> bool:
        """Return whether a variant of an endpoint is registered."""
        return bool(self._registered(scope, endpoint_name))

    def check_update(self, endpoint: Endpoint, config: EndpointConfig) -> None:
        """Check that an update leaves a scaled variant its name and its instance type.

        Raises:
            AwsError: it does not; deregister the target first.
        """
        old, new = endpoint.config.variant, config.variant
        kept = all(old.get(name) == new.get(name) for name in ("VariantName", "InstanceType"))
        if not kept and self.includes(endpoint.scope, endpoint.name):
            raise validation_exception(
                f'The variant "{endpoint.config.variant_name}" of endpoint "{endpoint.arn}" is registered as a '
                "scalable target with Application Auto Scaling: it can neither be removed nor change its "
                "instance type. Deregister the scalable target first."
            )

    async def deregister(self, scope: Scope, endpoint_name: str) -> None:
        """Deregister the variants of an endpoint that is being deleted."""
        for resource_id in self._registered(scope, endpoint_name):
            key = {"ServiceNamespace": NAMESPACE, "ResourceId": resource_id, "ScalableDimension": DIMENSION}
            await self._api.deregister_scalable_target(scope, key)

    def _registered(self, scope: Scope, endpoint_name: str) -> list[str]:
        return [
            target.resource_id
            for target in self._api.targets()
            if (target.scope, target.endpoint_name) == (scope, endpoint_name)
        ]
