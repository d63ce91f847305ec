"""Policies of a template, as the tests ask about them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

Statement = dict[str, Any]


def managed_policy(template: Mapping[str, Any], prefix: str) -> list[Statement]:
    """Return the statements of the one managed policy whose logical id starts with ``prefix``."""
    (resource,) = [
        each
        for logical_id, each in template["Resources"].items()
        if each["Type"] == "AWS::IAM::ManagedPolicy" and logical_id.startswith(prefix)
    ]
    statements: list[Statement] = resource["Properties"]["PolicyDocument"]["Statement"]
    return statements


def as_list(value: object) -> list[Any]:
    """Return what IAM lets stand alone as a list."""
    return value if isinstance(value, list) else [value]


def actions(statements: list[Statement]) -> set[str]:
    """Return all actions of statements."""
    return {action for statement in statements for action in as_list(statement["Action"])}


def resources_of(statements: list[Statement], action: str) -> list[Any]:
    """Return the resources on which statements allow an action."""
    return [
        resource
        for statement in statements
        if action in as_list(statement["Action"])
        for resource in as_list(statement["Resource"])
    ]


def via(service: str, region: str = "eu-west-1") -> str:
    """Return how KMS names a service through which a key is used."""
    return f"{service}.{region}.amazonaws.com"
