"""Which permissions SageMaker asks for: of those who call it, and of the roles that it is given.

Source of actions and resources: *Service Authorization Reference*, "Actions, resources, and condition keys for Amazon
SageMaker"; of what an execution role needs: *SageMaker Developer Guide*, "SageMaker roles" and "Asynchronous inference
prerequisites".
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from local_cloud.ministack_iam import Grant

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


def caller_grants(scope: Scope, operation: str, members: Members) -> list[Grant]:
    """Return what the caller of an operation of the control API needs."""
    action = f"sagemaker:{operation}"
    if "ResourceArn" in members:
        return [Grant(action, str(members["ResourceArn"]))]
    named = [
        scope.arn("sagemaker", f"{kind}/{str(members[name]).lower()}")
        for name, kind in _NAMED.items()
        if name in members
    ]
    passed = (("iam:PassedToService", "sagemaker.amazonaws.com"),)
    role = members.get("ExecutionRoleArn")
    grants = [Grant(action, arn) for arn in named] or [Grant(action, "*")]
    return grants + ([Grant("iam:PassRole", str(role), passed)] if role else [])


def image_grants(image: str) -> list[Grant]:
    """Return what an execution role needs to pull an image; nothing where it is not in Amazon ECR."""
    match = ECR_IMAGE.fullmatch(image)
    if match is None:
        return []
    repository = f"arn:aws:ecr:{match['region']}:{match['account']}:repository/{match['repository']}"
    return [Grant("ecr:GetAuthorizationToken", "*"), *(Grant(action, repository) for action in _PULL)]


def destination_grants(settings: AsyncInferenceSettings) -> list[Grant]:
    """Return what an execution role needs to store results and to tell of them."""
    paths = filter(None, (settings.output_path, settings.failure_path))
    keys = [path.removeprefix("s3://").rstrip("/") for path in paths]
    topics = filter(None, (settings.success_topic, settings.error_topic))
    return [
        *(Grant("s3:PutObject", f"arn:aws:s3:::{key}/*") for key in keys),
        *(Grant("s3:ListBucket", f"arn:aws:s3:::{key.partition('/')[0]}") for key in keys),
        *(Grant("sns:Publish", topic) for topic in topics),
    ]
