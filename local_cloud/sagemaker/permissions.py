"""Which permissions SageMaker asks for: of those who call it, and of the roles that it is given.

Source of actions and resources: *Service Authorization Reference*, "Actions, resources, and condition keys for Amazon
SageMaker"; of what an execution role needs: *SageMaker Developer Guide*, "SageMaker roles" and "Asynchronous inference
prerequisites".
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from local_cloud.ministack_iam import Grant
from local_cloud.sagemaker.condition_keys import request_context

if TYPE_CHECKING:
    from local_cloud.json_api import Members
    from local_cloud.sagemaker.resources import AsyncInferenceSettings
    from local_cloud.scope import Scope

_PULL: Final = ("ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer")
ECR_IMAGE: Final = re.compile(
    r"(?P<account>\d{12})\.dkr\.ecr\.(?P<region>[\w-]+)\.[\w.]+/(?P<repository>[^:@]+)(?:[:@].*)?"
)
"""The URI of an image in Amazon ECR, with or without a tag or digest."""
_NAMED: Final = {"EndpointConfigName": "endpoint-config", "EndpointName": "endpoint", "ModelName": "model"}
_CREATED: Final = {
    "CreateEndpoint": "EndpointName",
    "CreateEndpointConfig": "EndpointConfigName",
    "CreateModel": "ModelName",
}


def caller_grants(scope: Scope, operation: str, members: Members) -> list[Grant]:
    """Return what the caller of an operation of the control API needs.

    Who tags what it creates needs ``sagemaker:AddTags``, too (*SageMaker Developer Guide*, "Provide permissions for
    tagging SageMaker resources").
    """
    action, context = f"sagemaker:{operation}", request_context(scope, operation, members)
    if "ResourceArn" in members:
        return [Grant(action, str(members["ResourceArn"]).lower(), context)]
    named = {
        name: scope.arn("sagemaker", f"{kind}/{str(members[name]).lower()}")
        for name, kind in _NAMED.items()
        if name in members
    }
    grants = [Grant(action, arn, context) for arn in named.values() or ["*"]]
    if members.get("Tags") and (created := named.get(_CREATED.get(operation, ""))):
        tagging = (*request_context(scope, "AddTags", members), ("sagemaker:TaggingAction", operation))
        grants.append(Grant("sagemaker:AddTags", created, tagging))
    if role := members.get("ExecutionRoleArn"):
        grants.append(Grant("iam:PassRole", str(role), (("iam:PassedToService", "sagemaker.amazonaws.com"),)))
    return grants


def image_grants(image: str) -> list[Grant]:
    """Return what an execution role needs to pull an image; nothing where it is not in Amazon ECR."""
    match = ECR_IMAGE.fullmatch(image)
    if match is None:
        return []
    repository = f"arn:aws:ecr:{match['region']}:{match['account']}:repository/{match['repository']}"
    return [Grant("ecr:GetAuthorizationToken", "*"), *(Grant(action, repository) for action in _PULL)]


def destination_grants(settings: AsyncInferenceSettings) -> list[Grant]:
    """Return what an execution role needs to store results and to tell of them.

    ``s3:ListBucket`` is not among it: the policy of "Asynchronous inference prerequisites" has it on the bucket's
    objects, where it has no effect, and nobody has reported to be refused for want of it.
    """
    paths = filter(None, (settings.output_path, settings.failure_path))
    topics = filter(None, (settings.success_topic, settings.error_topic))
    return [
        *(Grant("s3:PutObject", f"arn:aws:s3:::{path.removeprefix('s3://').rstrip('/')}/*") for path in paths),
        *(Grant("sns:Publish", topic) for topic in topics),
    ]
