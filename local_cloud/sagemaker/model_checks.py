"""What CreateModel refuses of a model's definition besides what the service model says.

Source: the service model's descriptions of ``ContainerDefinition`` and ``S3ModelDataSource``, and for the refusals of
images the messages that users post; the other wordings are this project's own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from local_cloud.errors import validation_exception
from local_cloud.sagemaker.permissions import ECR_IMAGE

if TYPE_CHECKING:
    from local_cloud.json_api import Members
    from local_cloud.scope import Scope


def check_definition(scope: Scope, members: Members) -> None:
    """Check the members of a ``CreateModel``.

    Raises:
        AwsError: they contradict each other, or lack something.
    """
    if not members.get("ExecutionRoleArn"):
        raise validation_exception("ExecutionRoleArn is required")
    primary, containers = members.get("PrimaryContainer"), members.get("Containers")
    if bool(primary) == bool(containers):
        raise validation_exception("Exactly one of PrimaryContainer and Containers must be specified.")
    for container in containers or [primary]:
        _check_image(scope, container)
        _check_data(container)


def _check_image(scope: Scope, container: Members) -> None:
    image = container.get("Image")
    if not image:
        raise validation_exception("a container has no Image")
    if (container.get("ImageConfig") or {}).get("RepositoryAccessMode") == "Vpc":
        return
    known = ECR_IMAGE.fullmatch(image)
    if known is None:
        raise validation_exception(
            f'Using non-ECR image "{image}" without Vpc repository access mode is not supported.'
        )
    if known["region"] != scope.region:
        raise validation_exception(
            f'Region of "{image}" does not match expected region of {scope.region}. Cross region ECR image pulls are '
            "not allowed."
        )


def _check_data(container: Members) -> None:
    source = (container.get("ModelDataSource") or {}).get("S3DataSource")
    if not source:
        return
    if container.get("ModelDataUrl"):
        raise validation_exception("Only one of ModelDataUrl and ModelDataSource can be specified.")
    if source["S3DataType"] != "S3Prefix":
        return
    if source["CompressionType"] != "None":
        raise validation_exception("S3DataType S3Prefix needs CompressionType None: an archive is an S3Object.")
    if not source["S3Uri"].endswith("/"):
        raise validation_exception(f"The key name prefix {source['S3Uri']} must end with a forward slash.")
