"""``AWS::SageMaker::Model``, ``EndpointConfig`` and ``Endpoint``: templates through the control API.

What ``Ref`` and ``Fn::GetAtt`` return is as in the *CloudFormation Template Reference*: ``Ref`` is each one's ARN.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from local_cloud.resource_type import ResourceType
from local_cloud.sagemaker.tags import without_reserved
from local_cloud.service_model import coerced, input_shape
from local_cloud.template_schema import TemplateSchema, template_schema
from local_cloud.template_tags import tag_changes

if TYPE_CHECKING:
    from local_cloud.json_api import JsonApi, Members
    from local_cloud.sagemaker.endpoint import Endpoint
    from local_cloud.sagemaker.endpoints import Endpoints
    from local_cloud.sagemaker.tags import Tags
    from local_cloud.scope import Scope

MODEL: Final = template_schema("sagemaker", "CreateModel")
"""The properties of ``AWS::SageMaker::Model``."""

ENDPOINT_CONFIG: Final = template_schema("sagemaker", "CreateEndpointConfig")
"""The properties of ``AWS::SageMaker::EndpointConfig``."""

_EXCLUDED: Final = TemplateSchema(properties={"VariantPropertyType": None}, required=())

ENDPOINT: Final = template_schema(
    "sagemaker",
    "CreateEndpoint",
    RetainAllVariantProperties=None,
    ExcludeRetainedVariantProperties=_EXCLUDED,
    RetainDeploymentConfig=None,
)
"""The properties of ``AWS::SageMaker::Endpoint``: those of creation, and what says how to update."""


class SageMakerResources:
    """The resource types of SageMaker.

    Args:
        api: the control API, which does what templates ask for.
        endpoints: tells when an endpoint is ready.
        tags: takes those that CloudFormation itself attaches.
    """

    def __init__(self, api: JsonApi, endpoints: Endpoints, tags: Tags) -> None:
        self._tags = tags
        self._api = api
        self._endpoints = endpoints

    def types(self) -> list[ResourceType]:
        """Return the types."""
        return [
            self._immutable_type("Model", MODEL),
            self._immutable_type("EndpointConfig", ENDPOINT_CONFIG),
            ResourceType(
                name="AWS::SageMaker::Endpoint",
                create=self._create_endpoint,
                update=self._update_endpoint,
                delete=self._delete_endpoint,
                schema=ENDPOINT,
                create_only=("EndpointName",),
                name_property="EndpointName",
            ),
        ]

    def _immutable_type(self, kind: str, schema: TemplateSchema) -> ResourceType:
        """Return a type each of whose properties but ``Tags`` replaces the resource."""
        name_member = f"{kind}Name"
        shape = input_shape("sagemaker", f"Create{kind}")

        async def create(scope: Scope, generated: str, properties: Members) -> tuple[str, Members]:
            members = coerced(shape, {name_member: generated, **properties})
            arn = await self._create(scope, kind, members)
            return arn, {name_member: members[name_member]}

        async def update(scope: Scope, arn: str, old: Members, new: Members) -> tuple[str, Members]:
            await self._update_tags(scope, arn, old, new)
            name = (await self._api.call(scope, f"Describe{kind}", {name_member: _name(arn)}))[name_member]
            return arn, {name_member: name}

        async def delete(scope: Scope, arn: str) -> None:
            await self._api.call(scope, f"Delete{kind}", {name_member: _name(arn)})

        return ResourceType(
            name=f"AWS::SageMaker::{kind}",
            create=create,
            update=update,
            delete=delete,
            schema=schema,
            create_only=tuple(name for name in shape.members if name != "Tags"),
            name_property=name_member,
        )

    async def _create(self, scope: Scope, kind: str, properties: Members) -> str:
        """Create a resource and return its ARN; CloudFormation may attach tags that no caller may."""
        members, reserved = without_reserved(properties)
        arn: str = (await self._api.call(scope, f"Create{kind}", members))[f"{kind}Arn"]
        self._tags.attach(arn, reserved)
        return arn

    async def _create_endpoint(self, scope: Scope, generated: str, properties: Members) -> tuple[str, Members]:
        name = str(properties.get("EndpointName") or generated)
        members = {"EndpointName": name, "EndpointConfigName": properties["EndpointConfigName"]}
        shape = input_shape("sagemaker", "CreateEndpoint")
        optional = {key: properties[key] for key in ("DeploymentConfig", "Tags") if properties.get(key)}
        arn = await self._create(scope, "Endpoint", coerced(shape, members | optional))
        try:
            await self._wait(scope, name)
        except ValueError:
            # A create that raises leaves CloudFormation without a physical id by which to delete.
            await self._delete_endpoint(scope, arn)
            raise
        return arn, {"EndpointName": name}

    async def _update_endpoint(self, scope: Scope, arn: str, old: Members, new: Members) -> tuple[str, Members]:
        name = (await self._at_rest(scope, arn)).name
        if {**old, "Tags": None} != {**new, "Tags": None}:
            shape = input_shape("sagemaker", "UpdateEndpoint")
            known = {key: value for key, value in new.items() if key in shape.members}
            members: dict[str, Any] = coerced(shape, {**known, "EndpointName": name})
            await self._api.call(scope, "UpdateEndpoint", members)
            await self._wait(scope, name)
        await self._update_tags(scope, arn, old, new)
        return arn, {"EndpointName": name}

    async def _update_tags(self, scope: Scope, arn: str, old: Members, new: Members) -> None:
        """Change those tags that a template changes; others may be somebody else's."""
        changed, dropped = tag_changes(old, new)
        if dropped:
            await self._api.call(scope, "DeleteTags", {"ResourceArn": arn, "TagKeys": dropped})
        if changed:
            added = [{"Key": key, "Value": value} for key, value in changed.items()]
            await self._api.call(scope, "AddTags", {"ResourceArn": arn, "Tags": added})

    async def _delete_endpoint(self, scope: Scope, arn: str) -> None:
        endpoint = await self._at_rest(scope, arn)
        await self._api.call(scope, "DeleteEndpoint", {"EndpointName": endpoint.name})
        if endpoint.operation is not None:
            await endpoint.operation

    async def _at_rest(self, scope: Scope, arn: str) -> Endpoint:
        """Return an endpoint once nothing is going on: SageMaker refuses to change one that is being scaled."""
        endpoint = self._endpoints.get(scope, _name(arn))
        # The next scaling may begin before this hears of the end of the last.
        while endpoint.operation is not None and not endpoint.operation.done():
            await asyncio.wait([endpoint.operation])
        return endpoint

    async def _wait(self, scope: Scope, name: str) -> None:
        """Wait until the endpoint's operation is over.

        Raises:
            ValueError: it failed; CloudFormation shows the reason.
        """
        endpoint = self._endpoints.get(scope, name)
        if endpoint.operation is not None:
            await endpoint.operation
        if endpoint.failure_reason:
            raise ValueError(f"endpoint {name}: {endpoint.failure_reason}")


def _name(arn: str) -> str:
    """Return the name in lower case, by which the registries find it."""
    return arn.rpartition("/")[2]
