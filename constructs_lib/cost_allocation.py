"""Tags by which a bill tells stages, endpoints and whatever else a team wants to tell apart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

from aws_cdk import CfnResource, Tags

if TYPE_CHECKING:
    from collections.abc import Mapping

    from constructs import IConstruct

STAGE_TAG: Final = "async-inference:stage"
ENDPOINT_TAG: Final = "async-inference:endpoint"
_BUCKET_EMPTIER: Final = "Custom::S3AutoDeleteObjectsCustomResourceProvider"


def tag_everything(scope: IConstruct, *, stage: str, endpoint: str, tags: Mapping[str, str]) -> None:
    """Tag every resource within ``scope`` that takes tags.

    Resources, not the stack, which CloudFormation would pass on unseen: so the template says which resource has which.
    Other tags change resources in place, the endpoint's model and configuration too (*Update requires: No
    interruption* in the CloudFormation references of ``AWS::SageMaker::Model`` and ``AWS::SageMaker::EndpointConfig``).

    Args:
        scope: A stack.
        stage: Value of :data:`STAGE_TAG`.
        endpoint: Value of :data:`ENDPOINT_TAG`.
        tags: The team's own, by their keys.
    """
    everything = {**tags, STAGE_TAG: stage, ENDPOINT_TAG: endpoint}
    for key, value in everything.items():
        Tags.of(scope).add(key, value)
    if (emptier := scope.node.try_find_child(_BUCKET_EMPTIER)) is not None:
        _tag_untyped(emptier, everything)


def _tag_untyped(provider: IConstruct, tags: Mapping[str, str]) -> None:
    """Tag the role and the function of a provider of the CDK's own, which it declares without their types."""
    listed = [{"Key": key, "Value": tags[key]} for key in sorted(tags)]
    for resource in provider.node.children:
        if CfnResource.is_cfn_resource(resource):
            cast("CfnResource", resource).add_property_override("Tags", listed)
