"""The rules that this app is checked by, and the one way in which it accepts a finding."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_cdk import Acknowledgment, CfnResource, Validations
from cdk_nag import AwsSolutionsChecks, NIST80053R5Checks, ServerlessChecks

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aws_cdk import Stack
    from cdk_nag import NagPack
    from constructs import IConstruct


def rule_packs(*, production: bool) -> list[NagPack]:
    """Return the rules that a stage is checked by: AWS Solutions and Serverless, in production NIST 800-53 too."""
    packs: list[NagPack] = [AwsSolutionsChecks(), ServerlessChecks()]
    return [*packs, NIST80053R5Checks()] if production else packs


def acknowledge(construct: IConstruct, reasons: Mapping[str, str]) -> None:
    """Accept findings on ``construct``, next to the code that causes them.

    Args:
        construct: The construct that has the findings.
        reasons: For each finding's bare rule id, such as ``AwsSolutions-IAM5[Resource::*]``, the reason why it is right
            here. Ids that start with ``CKV_`` are checkov's, which looks at the template and reads the reasons there.
    """
    for rule, reason in reasons.items():
        if rule.startswith("CKV_"):
            _skip_in_template(construct, rule, reason)
        else:
            Validations.of(construct).acknowledge(Acknowledgment(id=rule, reason=reason))


def _skip_in_template(construct: IConstruct, rule: str, reason: str) -> None:
    resource = construct if isinstance(construct, CfnResource) else construct.node.default_child
    if not isinstance(resource, CfnResource):
        raise TypeError(f"{construct.node.path} is no resource: acknowledge {rule} on one")
    before = resource.get_metadata("checkov") or {"skip": []}
    resource.add_metadata("checkov", {"skip": [*before["skip"], {"id": rule, "comment": reason}]})


def wildcard_finding(stack: Stack, resource: str) -> str:
    """Return the id of the finding on a policy that names ``resource``, an ARN with a wildcard.

    The id holds the ARN as the template has it, with references in angle brackets.
    """
    return f"AwsSolutions-IAM5[Resource::{_in_words(stack.resolve(resource))}]"


def _in_words(value: Any) -> str:  # noqa: ANN401 - a resolved template value
    match value:
        case {"Fn::Join": ["", parts]}:
            return "".join(_in_words(part) for part in parts)
        case {"Fn::GetAtt": [logical_id, attribute]}:
            return f"<{logical_id}.{attribute}>"
        case {"Ref": name}:
            return f"<{name}>"
        case _:
            return str(value)
