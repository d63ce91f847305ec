"""The one way in which this app accepts a finding of its compliance rules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_cdk import Acknowledgment, Validations

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aws_cdk import Stack
    from constructs import IConstruct


def acknowledge(construct: IConstruct, reasons: Mapping[str, str]) -> None:
    """Accept findings on ``construct``, next to the code that causes them.

    Args:
        construct: The construct that has the findings.
        reasons: For each finding's bare rule id, such as ``AwsSolutions-IAM5[Resource::*]``, the reason why it is right
            here.
    """
    for rule, reason in reasons.items():
        Validations.of(construct).acknowledge(Acknowledgment(id=rule, reason=reason))


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
