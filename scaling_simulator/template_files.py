"""Reads a CloudFormation template from a file, and says what is there instead if none is."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

from scaling_simulator.exceptions import SimulationError

if TYPE_CHECKING:
    from pathlib import Path

_EXPECTED: Final = (
    "expected a CloudFormation template in JSON, such as cdk synth writes to cdk.out/*.template.json, "
    "or aws cloudformation get-template prints with --query TemplateBody"
)
_YAML: Final = re.compile(r"^(AWSTemplateFormatVersion|Resources|Transform|Description|Parameters):", re.MULTILINE)
"""What stands at the beginning of a line in a template in YAML."""


def load_template(path: Path) -> dict[str, Any]:
    """Return the decoded template in the JSON file ``path``.

    Raises:
        SimulationError: there is no such file, or something else is in it.
    """
    if path.is_dir():
        found = ", ".join(sorted(each.name for each in path.glob("*.template.json"))) or "no *.template.json"
        raise SimulationError(f"{path}: is a directory with {found}: name one file; {_EXPECTED}")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise SimulationError(f"{path}: {error.strerror}; {_EXPECTED}") from error
    except UnicodeDecodeError as error:
        raise SimulationError(f"{path}: is not text in UTF-8; {_EXPECTED}") from error
    return _decoded(path, text)


def _decoded(path: Path, text: str) -> dict[str, Any]:
    try:
        template = json.loads(text)
    except ValueError as error:
        if _YAML.search(text):
            raise SimulationError(
                f"{path}: is a template in YAML, which is not read: convert it, for example with rain fmt --json"
            ) from error
        raise SimulationError(f"{path}: is no JSON ({error}); {_EXPECTED}") from error
    if not isinstance(template, dict) or not isinstance(template.get("Resources"), dict):
        found = ", ".join(template) if template and isinstance(template, dict) else "nothing of that kind"
        raise SimulationError(f"{path}: has no object Resources, found {found}; {_EXPECTED}")
    for section in ("Parameters", "Conditions"):
        declared = template.get(section) or {}
        if not isinstance(declared, dict) or not all(isinstance(each, dict) for each in declared.values()):
            raise SimulationError(f"{path}: {section} is no object of objects; {_EXPECTED}")
    return template
