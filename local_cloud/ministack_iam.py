"""Roles and policies as MiniStack keeps and evaluates them; beside the bridge the only module that knows how.

MiniStack enforces policies in its own services where ``AUTH`` is set. Services that were added from outside have to
ask, and so does SageMaker when it looks at an execution role.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl

from local_cloud.errors import AwsError
from local_cloud.trust import trusts

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from local_cloud.scope import Scope

PRIVATE_NAMES: Final[Mapping[str, tuple[str, ...]]] = {
    "ministack.core.iam_actions": ("request_tag_context",),
    "ministack.core.iam_evaluator": ("AuthError", "enforce", "pin_request_origin"),
    "ministack.services.iam": ("_roles",),
    "ministack.services.sts": ("register_session",),
}
"""What is used of MiniStack, by module."""


_NAMESPACE_KEY: Final = "cloudwatch:namespace"
_FIRST_CBOR_MAP: Final = b"\xa0"


@dataclass(frozen=True, slots=True)
class Grant:
    """What has to be allowed.

    Attributes:
        action: such as ``sagemaker:CreateModel``.
        resource: an ARN, or ``*`` where the action takes none.
        context: condition keys of the request.
    """

    action: str
    resource: str
    context: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a request is signed with."""

    access_key: str
    secret_key: str
    session_token: str | None = None


class Identities:
    """The identities of a local cloud.

    Attributes:
        enforced: whether requests need to be allowed by policies.
    """

    def __init__(self) -> None:
        # Any: MiniStack carries no types.
        self._evaluator: Any = import_module("ministack.core.iam_evaluator")
        self._iam: Any = import_module("ministack.services.iam")
        self._sts: Any = import_module("ministack.services.sts")
        self._router: Any = import_module("ministack.core.router")
        app: Any = import_module("ministack.app")
        self.enforced: bool = app.AUTH
        self._sessions: dict[str, Credentials] = {}
        # The loopback interface stands for TLS, which bucket policies ask for: the CDK's own bucket has one.
        app.pin_request_origin = lambda address, _secure: self._evaluator.pin_request_origin(address, True)  # noqa: FBT003
        _supply_namespaces()

    def require(self, scope: Scope, headers: Mapping[str, str], grants: Iterable[Grant]) -> None:
        """Let a request pass that its caller's policies allow; header names are lower case.

        Raises:
            AwsError: ``AccessDeniedException``, in AWS's words.
        """
        access_key = self._router.extract_access_key_id(headers)
        for grant in grants:
            self._require(scope, access_key, grant)

    def caller_lacks(self, scope: Scope, headers: Mapping[str, str], grants: Iterable[Grant]) -> list[str]:
        """Return which actions of ``grants`` a request's caller may not perform; header names are lower case."""
        access_key = self._router.extract_access_key_id(headers)
        return [grant.action for grant in grants if not self._allows(scope, access_key, grant)]

    def role_trusts(self, role_arn: str, service: str) -> bool:
        """Return whether there is a role that lets ``service`` assume it."""
        role = self._iam._roles.get_scoped(_account(role_arn), None, role_arn.rpartition("/")[2])  # noqa: SLF001
        return role is not None and role["Arn"] == role_arn and trusts(role["AssumeRolePolicyDocument"], service)

    def role_lacks(self, scope: Scope, role_arn: str, grants: Iterable[Grant]) -> str | None:
        """Return why a role may not do all of ``grants``, ``None`` if it may or policies are not enforced."""
        if not self.enforced:
            return None
        try:
            for grant in grants:
                self._require(scope, self.session(role_arn).access_key, grant)
        except AwsError as error:
            return error.message
        return None

    def session(self, role_arn: str) -> Credentials:
        """Return what SageMaker signs with when it acts as a role; it does not expire."""
        if role_arn not in self._sessions:
            number = len(self._sessions)
            credentials = Credentials(f"ASIALOCALCLOUD{number:06d}", f"secret-{number}", f"token-{number}")
            account, name = _account(role_arn), role_arn.rpartition("/")[2]
            session = {
                "Arn": f"arn:aws:sts::{account}:assumed-role/{name}/SageMaker",
                "UserId": f"{name}:SageMaker",
                "SecretAccessKey": credentials.secret_key,
                "SessionToken": credentials.session_token,
                "AccountId": account,
                "PrincipalType": "AssumedRole",
            }
            self._sts.register_session(credentials.access_key, session)
            self._sessions[role_arn] = credentials
        return self._sessions[role_arn]

    def _allows(self, scope: Scope, access_key: str, grant: Grant) -> bool:
        try:
            self._require(scope, access_key, grant)
        except AwsError:
            return False
        return True

    def _require(self, scope: Scope, access_key: str, grant: Grant) -> None:
        if not self.enforced:
            return
        service = grant.action.partition(":")[0]
        self._evaluator.pin_request_origin("127.0.0.1", True)  # noqa: FBT003 - there may be no request
        refusal = self._evaluator.enforce(
            access_key,
            grant.action,
            service,
            scope.region,
            resource_arn=grant.resource,
            service_context=dict(grant.context),
        )
        if isinstance(refusal, self._evaluator.AuthError):
            raise AwsError(refusal.code, refusal.message)
        if refusal is not None:
            raise AwsError("AccessDeniedException", _denial(refusal, grant))


def metric_namespace(body: bytes) -> str | None:
    """Return the namespace that a request to CloudWatch names, in any of its protocols; ``None`` if it names none."""
    try:
        members = _members(body)
    except ValueError:
        return None
    namespace = members.get("Namespace") if isinstance(members, dict) else None
    return str(namespace) if namespace else None


def _members(body: bytes) -> object:
    """Return the members of a request in JSON, in CBOR or as a form.

    Raises:
        ValueError: it is malformed.
    """
    if body[:1] == b"{":
        return json.loads(body)
    if body[:1] < _FIRST_CBOR_MAP:
        return dict(parse_qsl(body.decode(errors="replace")))
    # As in MiniStack, nobody who speaks no CBOR needs the library.
    cbor2: Any = import_module("cbor2")
    try:
        return cbor2.loads(body)
    except cbor2.CBORDecodeError as error:
        raise ValueError(str(error)) from error


def _supply_namespaces() -> None:
    """Let policies ask for ``cloudwatch:namespace``, which MiniStack does not know and so never fulfils.

    Source: *Amazon CloudWatch User Guide*, "Using condition keys to limit access to CloudWatch namespaces".
    """
    actions: Any = import_module("ministack.core.iam_actions")
    tag_context = actions.request_tag_context

    def context(service: str, action: str, body: bytes, params: Mapping[str, Any]) -> dict[str, Any]:
        known: dict[str, Any] = tag_context(service, action, body, params)
        namespace = metric_namespace(body) if action == "cloudwatch:PutMetricData" else None
        return known | ({_NAMESPACE_KEY: namespace} if namespace else {})

    actions.request_tag_context = context


def _denial(refusal: Any, grant: Grant) -> str:  # noqa: ANN401 - MiniStack carries no types
    reason = (
        "with an explicit deny in an identity-based policy"
        if refusal.decision == "Deny"
        else f"because no identity-based policy allows the {grant.action} action"
    )
    on = "" if grant.resource == "*" else f" on resource: {grant.resource}"
    return f"User: {refusal.principal_arn} is not authorized to perform: {grant.action}{on} {reason}"


def _account(arn: str) -> str:
    return arn.split(":")[4]
