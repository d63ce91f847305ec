"""The keys that MiniStack keeps, and who may use them; it encrypts nothing and asks nobody itself."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from local_cloud.errors import AwsError
from local_cloud.ministack_iam import Grant

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from local_cloud.json_api import Members
    from local_cloud.ministack_iam import Identities
    from local_cloud.scope import Scope

PRIVATE_NAMES: Final[Mapping[str, tuple[str, ...]]] = {"ministack.services.kms": ("_resolve_key",)}
"""What is used of MiniStack, by module."""

ENCRYPT: Final = ("kms:GenerateDataKey",)
DECRYPT: Final = ("kms:Decrypt",)
NOT_FOUND: Final = "KMS.NotFoundException"
"""The error where there is no such key."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who signed a request.

    Attributes:
        headers: of the request, names in lower case.
        query: of the request, where pre-signed URLs have their signature.
    """

    headers: Mapping[str, str]
    query: Mapping[str, Any]


class Keys:
    """The keys of a local cloud, by id, ARN or alias.

    A key that AWS manages (``alias/aws/…``) admits every caller of its account by way of its service, and no other
    service. (Source: *AWS KMS Developer Guide*, "AWS managed keys".)

    Args:
        identities: know who may what.
        scope: returns account and region of the request that is being handled.
    """

    def __init__(self, identities: Identities, scope: Callable[[], Scope]) -> None:
        # Any: MiniStack carries no types.
        self._kms: Any = import_module("ministack.services.kms")
        self._identities = identities
        self._scope = scope

    def require(
        self, caller: Caller, key_id: str | None, actions: tuple[str, ...], encryption_context: tuple[str, str]
    ) -> None:
        """Let a request pass whose caller may use a key by way of a service.

        Args:
            caller: who.
            key_id: nothing is asked where there is none.
            actions: of KMS.
            encryption_context: the pair that the service gives, such as ``aws:sqs:arn`` and the queue's ARN.

        Raises:
            AwsError: the caller may not, or there is no such key.
        """
        name, value = encryption_context
        keys: dict[str, str | tuple[str, ...]] = {
            "kms:EncryptionContextKeys": (name,),
            f"kms:EncryptionContext:{name}": value,
        }
        grants = self.grants(key_id, actions, service=name.split(":")[1], context=keys)
        self._identities.require(self._scope(), caller.headers, grants, query=caller.query)

    def grants(
        self,
        key_id: str | None,
        actions: tuple[str, ...],
        *,
        service: str,
        context: Mapping[str, str | tuple[str, ...]],
    ) -> list[Grant]:
        """Return what has to be allowed to who uses a key by way of a service.

        Args:
            key_id: nothing has to be allowed where there is none.
            actions: of KMS.
            service: as in its host name, such as ``s3``.
            context: further condition keys.

        Raises:
            AwsError: there is no such key.
        """
        if not key_id or _is_managed_by_aws(key_id):
            return []
        scope, arn = self._scope(), str(self._key(key_id)["Arn"])
        keys = {
            "kms:CallerAccount": scope.account,
            "kms:ViaService": f"{service}.{scope.region}.amazonaws.com",
            **context,
        }
        return [Grant(action, arn, tuple(keys.items())) for action in actions]

    def service_lacks(
        self, service: str, key_id: str | None, actions: tuple[str, ...], context: Mapping[str, str]
    ) -> str | None:
        """Return what the policy of a key does not let a service do in its own name, ``None`` if it lets it do all.

        Args:
            service: such as ``sns.amazonaws.com``.
            key_id: nothing is lacking where there is none.
            actions: of KMS.
            context: condition keys.
        """
        if not key_id:
            return None
        if _is_managed_by_aws(key_id):
            return actions[0]
        try:
            key = self._key(key_id)
        except AwsError:
            return actions[0]
        may = self._identities.service_may
        return next((each for each in actions if not may(service, each, key["Arn"], key["Policy"], context)), None)

    def _key(self, key_id: str) -> Members:
        key: Members | None = self._kms._resolve_key(key_id)  # noqa: SLF001
        if key is None:
            raise AwsError(NOT_FOUND, f"Invalid keyId '{key_id}'")
        return key


def _is_managed_by_aws(key_id: str) -> bool:
    return key_id.rpartition(":")[2].startswith("alias/aws/")
