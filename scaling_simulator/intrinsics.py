"""Resolves the intrinsic functions of a CloudFormation template, as far as scaling needs them.

Names that CloudFormation would generate become symbols such as ``<Endpoint.EndpointName>``: all that matters is that
the same thing has the same name wherever it is mentioned, so that an alarm on another endpoint's metric, or under other
dimensions, is seen to be one. What cannot be resolved without an account (imports, look-ups) becomes a symbol too.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from scaling_simulator.exceptions import SimulationError

_SUBSTITUTION: Final = re.compile(r"\$\{(!?)([\w.:]+)\}")
_REFERENCED_BY_ARN: Final = {
    "AWS::ApplicationAutoScaling::ScalingPolicy": ("Arn", "PolicyARN"),
    "AWS::ApplicationAutoScaling::ScalableTarget": ("Id",),
}
"""Types whose ``Ref`` is what some attribute is too."""

_ARN: Final = "arn:<AWS::Partition>:sagemaker:<AWS::Region>:<AWS::AccountId>"
_NAMED: Final = {
    "AWS::SageMaker::Endpoint": ("EndpointName", "endpoint"),
    "AWS::SageMaker::EndpointConfig": ("EndpointConfigName", "endpoint-config"),
}
"""Types whose ``Ref`` is an ARN that ends with their name: the attribute of it, and what precedes it there."""


class Resolver:
    """Resolves values of one template.

    Args:
        template: the decoded template.
        parameters: values of its parameters; the defaults count otherwise.

    Attributes:
        parameters: the names of those that the template declares.
        parameters_without_value: of these, those that neither have a default nor were given.
    """

    def __init__(self, template: Mapping[str, Any], parameters: Mapping[str, str] | None = None) -> None:
        self._resources: Mapping[str, Any] = template.get("Resources") or {}
        self._conditions: Mapping[str, Any] = template.get("Conditions") or {}
        declared: Mapping[str, Any] = template.get("Parameters") or {}
        defaults = {name: parameter["Default"] for name, parameter in declared.items() if "Default" in parameter}
        self._parameters = defaults | dict(parameters or {})
        self.parameters = frozenset(declared)
        self.parameters_without_value = sorted(declared.keys() - self._parameters.keys())

    def resolve(self, value: Any) -> Any:  # noqa: ANN401 - a template's JSON
        """Return ``value`` without intrinsic functions; a member whose value is ``AWS::NoValue`` goes.

        Raises:
            SimulationError: an intrinsic function has not the arguments that it takes.
        """
        if isinstance(value, list):
            return [item for item in map(self.resolve, value) if item is not None]
        if not isinstance(value, Mapping):
            return value
        if len(value) == 1:
            ((name, argument),) = value.items()
            if name in ("Ref", "Condition") or name.startswith("Fn::"):
                return self._intrinsic(name, argument)
        resolved = {name: self.resolve(item) for name, item in value.items()}
        return {name: item for name, item in resolved.items() if item is not None}

    def holds(self, condition: str) -> bool:
        """Return whether the template's condition of that name does."""
        return self._holds({"Condition": condition})

    def _intrinsic(self, name: str, argument: Any) -> Any:  # noqa: ANN401 - a template's JSON
        functions: dict[str, Callable[[Any], Any]] = {
            "Ref": self._reference,
            "Fn::GetAtt": self._get_attribute,
            "Fn::Join": self._joined,
            "Fn::Sub": self._substituted,
            "Fn::If": lambda items: self.resolve(items[1 if self.holds(items[0]) else 2]),
            "Fn::Select": self._selected,
            "Fn::Split": lambda items: str(self.resolve(items[1])).split(items[0]),
        }
        if name not in functions:
            return f"<{name} {argument}>"
        try:
            return functions[name](argument)
        except (AttributeError, IndexError, TypeError, ValueError) as error:
            raise SimulationError(f"{name} does not take {json.dumps(argument)}") from error

    def _joined(self, argument: Any) -> str:  # noqa: ANN401 - a template's JSON
        delimiter, joined = argument
        items = self.resolve(joined)
        return str(delimiter.join(map(str, items)) if isinstance(items, list) else f"<Fn::Join {argument}>")

    def _selected(self, argument: Any) -> Any:  # noqa: ANN401 - an item of a list
        position, listed = argument
        index, items = int(self.resolve(position)), self.resolve(listed)
        return items[index] if isinstance(items, list) and index < len(items) else f"<Fn::Select {argument}>"

    def _get_attribute(self, argument: Any) -> str:  # noqa: ANN401 - a template's JSON
        logical_id, attribute = argument.split(".", 1) if isinstance(argument, str) else argument
        return self._attribute(logical_id, str(self.resolve(attribute)))

    def _reference(self, name: str) -> Any:  # noqa: ANN401 - a parameter's value
        if name == "AWS::NoValue":
            return None
        named = _NAMED.get(self._resources.get(name, {}).get("Type"))
        if named is not None:
            attribute, kind = named
            return f"{_ARN}:{kind}/{self._attribute(name, attribute)}"
        return self._parameters.get(name, f"<{name}>")

    def _attribute(self, logical_id: str, attribute: str) -> str:
        resource = self._resources.get(logical_id, {})
        kind, properties = resource.get("Type"), resource.get("Properties") or {}
        if kind in _NAMED and _NAMED[kind][0] == attribute and attribute in properties:
            return str(self.resolve(properties[attribute]))
        same = attribute in _REFERENCED_BY_ARN.get(kind, ())
        return f"<{logical_id}>" if same else f"<{logical_id}.{attribute}>"

    def _substituted(self, argument: Any) -> str:  # noqa: ANN401 - a template's JSON
        text, given = (argument, {}) if isinstance(argument, str) else argument
        variables = self.resolve(given)

        def replacement(match: re.Match[str]) -> str:
            literal, name = match.groups()
            if literal:
                return f"${{{name}}}"
            if name in variables:
                return str(variables[name])
            return str(self._attribute(*name.split(".", 1)) if "." in name else self._reference(name))

        return _SUBSTITUTION.sub(replacement, text)

    def _holds(self, condition: Any) -> bool:  # noqa: ANN401 - a template's JSON
        match condition:
            case {"Condition": name}:
                return self._holds(self._conditions.get(name))
            case {"Fn::Equals": [left, right]}:
                return bool(self.resolve(left) == self.resolve(right))
            case {"Fn::Not": [inner]}:
                return not self._holds(inner)
            case {"Fn::And": list(inner)}:
                return all(map(self._holds, inner))
            case {"Fn::Or": list(inner)}:
                return any(map(self._holds, inner))
        return False
