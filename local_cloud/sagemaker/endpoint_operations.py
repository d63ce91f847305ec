"""The control API's operations on endpoints."""

from __future__ import annotations

from typing import TYPE_CHECKING

from local_cloud.errors import validation_exception
from local_cloud.sagemaker.endpoint_description import description, summary
from local_cloud.sagemaker.endpoints import INSTANCE_COUNT, WEIGHT
from local_cloud.sagemaker.listing import page
from local_cloud.sagemaker.tags import check_tags

if TYPE_CHECKING:
    from local_cloud.json_api import Members, Operation
    from local_cloud.sagemaker.endpoints import Endpoints
    from local_cloud.sagemaker.tags import Tags
    from local_cloud.scaled_variants import ScaledVariants
    from local_cloud.scope import Scope


class EndpointOperations:
    """Creates, shows, changes and deletes endpoints.

    Args:
        endpoints: does the work.
        tags: of endpoints.
        scaled: the variants whose instances Application Auto Scaling counts.
    """

    def __init__(self, endpoints: Endpoints, tags: Tags, scaled: ScaledVariants) -> None:
        self._scaled = scaled
        self._endpoints = endpoints
        self._tags = tags

    def operations(self) -> dict[str, Operation]:
        """Return the operations by AWS's names."""
        return {
            "CreateEndpoint": self.create_endpoint,
            "DescribeEndpoint": self.describe_endpoint,
            "ListEndpoints": self.list_endpoints,
            "UpdateEndpoint": self.update_endpoint,
            "UpdateEndpointWeightsAndCapacities": self.update_endpoint_weights_and_capacities,
            "DeleteEndpoint": self.delete_endpoint,
        }

    async def create_endpoint(self, scope: Scope, members: Members) -> Members:
        """Perform ``CreateEndpoint``."""
        check_tags(members)
        deployment = members.get("DeploymentConfig") or {}
        endpoint = self._endpoints.create(scope, members["EndpointName"], members["EndpointConfigName"], deployment)
        self._tags.put(endpoint.arn, members)
        return {"EndpointArn": endpoint.arn}

    async def describe_endpoint(self, scope: Scope, members: Members) -> Members:
        """Perform ``DescribeEndpoint``."""
        return description(self._endpoints.get(scope, members["EndpointName"]))

    async def list_endpoints(self, scope: Scope, members: Members) -> Members:
        """Perform ``ListEndpoints``."""
        return page("Endpoint", [summary(endpoint) for endpoint in self._endpoints.in_scope(scope)], members)

    async def update_endpoint(self, scope: Scope, members: Members) -> Members:
        """Perform ``UpdateEndpoint``."""
        endpoint, config = self._endpoints.update_parties(scope, members["EndpointName"], members["EndpointConfigName"])
        self._scaled.check_update(endpoint, config)
        deployment = members.get("DeploymentConfig") or {}
        if members.get("RetainDeploymentConfig"):
            deployment = endpoint.deployment
        if deployment and config.variant_name != endpoint.config.variant_name:
            raise validation_exception("A deployment with guardrails has to keep the names of the production variants.")
        excluded = {item["VariantPropertyType"] for item in members.get("ExcludeRetainedVariantProperties") or ()}
        self._endpoints.update(
            endpoint,
            config,
            retained={INSTANCE_COUNT, WEIGHT} - excluded if members.get("RetainAllVariantProperties") else (),
            deployment=deployment,
        )
        return {"EndpointArn": endpoint.arn}

    async def update_endpoint_weights_and_capacities(self, scope: Scope, members: Members) -> Members:
        """Perform ``UpdateEndpointWeightsAndCapacities``; the weight of a single variant is shown and means nothing."""
        endpoint = self._endpoints.get(scope, members["EndpointName"])
        wishes = {wish["VariantName"]: wish for wish in members["DesiredWeightsAndCapacities"]}
        if len(wishes) < len(members["DesiredWeightsAndCapacities"]):
            raise validation_exception("DesiredWeightsAndCapacities must not name a variant more than once.")
        if unknown := wishes.keys() - {endpoint.config.variant_name}:
            raise validation_exception(f'Could not find variant "{min(unknown)}" of "{endpoint.arn}".')
        wish = wishes[endpoint.config.variant_name]
        if wish.get("ServerlessUpdateConfig"):
            raise validation_exception(f'ServerlessUpdateConfig is not supported: "{endpoint.arn}" has instances.')
        count = wish.get(INSTANCE_COUNT, endpoint.desired_count)
        self._endpoints.scale(endpoint, count, wish.get(WEIGHT))
        return {"EndpointArn": endpoint.arn}

    async def delete_endpoint(self, scope: Scope, members: Members) -> Members:
        """Perform ``DeleteEndpoint``."""
        endpoint = self._endpoints.delete(scope, members["EndpointName"])
        await self._scaled.deregister(scope, endpoint.name)
        self._tags.forget(endpoint.arn)
        return {}
