"""The one way in which this app allows something: exact actions on exact resources, each wildcard with its reason."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import Stack
from aws_cdk import aws_iam as iam
from constructs import Construct

from constructs_lib.compliance import acknowledge, wildcard_finding

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from constructs import IConstruct


def allow(
    grantee: iam.IGrantable,
    actions: Sequence[str],
    resource: str,
    *,
    conditions: Mapping[str, Mapping[str, object]] | None = None,
    wildcard: str | None = None,
) -> None:
    """Allow ``grantee`` exactly ``actions`` on ``resource``.

    The grants of the CDK's own constructs are not used: for a bucket or topic with a key of the customer they allow
    ``kms:GenerateDataKey*`` and more, on whatever the key is used for.

    Args:
        grantee: A role, or a managed policy; a construct in either case.
        actions: Such as ``s3:GetObject``.
        resource: An ARN, or ``*`` where the actions take none.
        conditions: Under which it is allowed; as in IAM's JSON.
        wildcard: Why ``resource`` has to end in a wildcard, if it does.

    Raises:
        ValueError: There is a wildcard without a reason, or a reason without a wildcard.
    """
    ends_in_wildcard = resource.endswith("*")
    if ends_in_wildcard != (wildcard is not None):
        raise ValueError(f"{', '.join(actions)} on {resource}: a wildcard needs a reason, and nothing else does")
    grant = iam.Grant.add_to_principal(
        grantee=grantee,
        actions=list(actions),
        resource_arns=[resource],
        conditions={operator: dict(keys) for operator, keys in (conditions or {}).items()},
    )
    grant.assert_success()
    if wildcard is not None:
        construct = construct_of(grantee)
        acknowledge(construct, {wildcard_finding(Stack.of(construct), resource): wildcard})


def construct_of(grantee: iam.IGrantable) -> IConstruct:
    """Return the construct below which the statement, and with it the finding, comes to lie."""
    for candidate in (grantee.grant_principal, grantee):
        if isinstance(candidate, Construct):
            return candidate
    raise TypeError(f"{grantee} is no construct: grant to a role or a managed policy")
