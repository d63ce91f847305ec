"""What SageMaker looks at in an execution role before it takes it, instead of failing hours later.

That the role exists and lets SageMaker assume it is always looked at, what it may do where policies are enforced. The
wordings of the first two refusals are those that users report.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from local_cloud.errors import validation_exception
from local_cloud.ministack_iam import Grant
from local_cloud.sagemaker.locations import S3Location
from local_cloud.sagemaker.permissions import destination_grants, image_grants
from local_cloud.trust import SAGEMAKER

if TYPE_CHECKING:
    from collections.abc import Iterable

    from local_cloud.aws_clients import AwsClients
    from local_cloud.ministack_iam import Identities
    from local_cloud.ministack_kms import Keys
    from local_cloud.sagemaker.resources import AsyncInferenceSettings, Model
    from local_cloud.scope import Scope


class ExecutionRoles:
    """Checks roles.

    Args:
        identities: knows them.
        clients: looks for artefacts, as the role.
        keys: of volumes.
    """

    def __init__(self, identities: Identities, clients: AwsClients, keys: Keys) -> None:
        self._keys = keys
        self._identities = identities
        self._clients = clients

    async def check_model(self, scope: Scope, model: Model) -> None:
        """Check what CreateModel checks.

        Raises:
            AwsError: SageMaker may not assume the role, or the role may not pull the image or read the artefact.
        """
        self.check_trust(model.role_arn)
        if model.artefact:
            await self._check_artefact(scope, model.role_arn, model.artefact, is_prefix=model.artefact_is_prefix)
        if reason := self._identities.role_lacks(scope, model.role_arn, image_grants(model.image)):
            raise validation_exception(
                f'The execution role "{model.role_arn}" may not pull the image {model.image}: {reason}'
            )

    def check_destinations(self, scope: Scope, role_arn: str, settings: AsyncInferenceSettings) -> None:
        """Check what CreateEndpoint and UpdateEndpoint check: what is done with the results of jobs.

        Raises:
            AwsError: SageMaker may not assume the role, or the role may not do it.
        """
        self.check_trust(role_arn)
        if reason := self._identities.role_lacks(scope, role_arn, destination_grants(settings)):
            raise validation_exception(f'The execution role "{role_arn}" does not have enough permissions: {reason}')

    def check_volumes(self, scope: Scope, role_arn: str, key_id: str | None) -> None:
        """Check that a role may let instances use the key of their volumes, as CreateEndpoint and UpdateEndpoint do.

        SageMaker creates grants for them in the role's name, and retires them with the endpoint (*SageMaker API
        Reference*, CreateEndpointConfig and DeleteEndpoint).

        Raises:
            AwsError: it may not, or there is no such key.
        """
        if not self._identities.enforced:
            return
        for_instances = {"kms:GrantIsForAWSResource": "true"}
        grants = self._keys.grants(key_id, ("kms:CreateGrant",), service="sagemaker", context=for_instances)
        if reason := self._identities.role_lacks(scope, role_arn, grants):
            raise validation_exception(f'The execution role "{role_arn}" does not have enough permissions: {reason}')

    def check_alarms(self, scope: Scope, role_arn: str, names: Iterable[str]) -> None:
        """Check that a role may look at the alarms of these names, as an update needs that rolls back by them.

        Raises:
            AwsError: it may not.
        """
        grants = [Grant("cloudwatch:DescribeAlarms", scope.arn("cloudwatch", f"alarm:{name}")) for name in names]
        if reason := self._identities.role_lacks(scope, role_arn, grants):
            raise validation_exception(f'The execution role "{role_arn}" does not have enough permissions: {reason}')

    def check_trust(self, role_arn: str) -> None:
        """Check that SageMaker may assume a role.

        Raises:
            AwsError: it may not.
        """
        if not self._identities.role_trusts(role_arn, SAGEMAKER):
            raise validation_exception(
                f"Could not assume role {role_arn}. Please ensure that the role exists and allows principal "
                f"'{SAGEMAKER}' to assume the role."
            )

    async def _check_artefact(self, scope: Scope, role_arn: str, uri: str, *, is_prefix: bool) -> None:
        try:
            is_there = await self._is_there(scope, role_arn, S3Location.from_uri(uri), is_prefix=is_prefix)
        except (BotoCoreError, ClientError):
            is_there = False
        if not is_there:
            raise validation_exception(
                f'Could not access model data at {uri}. Please ensure that the role "{role_arn}" exists and that its '
                f'trust relationship policy allows the action "sts:AssumeRole" for the service principal '
                f'"{SAGEMAKER}". Also ensure that the role has "s3:GetObject" permissions and that the object is '
                f"located in {scope.region}."
            )

    async def _is_there(self, scope: Scope, role_arn: str, location: S3Location, *, is_prefix: bool) -> bool:
        """Return whether an object is there, or any below a prefix; the error of S3 says that it is not, too."""
        bucket, key = location.bucket, location.key
        if not is_prefix:
            await self._clients.call(scope, "s3", "head_object", role_arn=role_arn, Bucket=bucket, Key=key)
            return True
        listed = {"Bucket": bucket, "Prefix": key, "MaxKeys": 1}
        return bool((await self._clients.call(scope, "s3", "list_objects_v2", role_arn=role_arn, **listed))["KeyCount"])
