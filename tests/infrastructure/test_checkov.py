"""checkov finds nothing in any template but what is accepted there, beside the resource, with a reason."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

CHECKOUT = Path(__file__).resolve().parents[2]

Finding = tuple[str, str, str]
"""Stage, resource and check."""


def _skips(stage: str, template: dict[str, Any]) -> dict[Finding, str]:
    return {
        (stage, f"{resource['Type']}.{logical_id}", skip["id"]): skip["comment"]
        for logical_id, resource in template["Resources"].items()
        for skip in resource.get("Metadata", {}).get("checkov", {}).get("skip", [])
    }


def _without_skips(template: dict[str, Any]) -> dict[str, Any]:
    resources = {
        logical_id: {name: member for name, member in resource.items() if name != "Metadata"}
        for logical_id, resource in template["Resources"].items()
    }
    return template | {"Resources": resources}


def _findings(folder: Path) -> set[Finding]:
    """Run checkov, which knows nothing of a network here, on a folder of templates."""
    command = [str(CHECKOUT / ".venv-checkov/bin/checkov"), "--framework", "cloudformation", "--skip-download"]
    environment = os.environ | {"BC_SKIP_MAPPING": "TRUE", "HOME": str(folder)}
    run = subprocess.run(
        [*command, "--output", "json", "--directory", str(folder)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    report = json.loads(run.stdout)
    assert report["results"]["parsing_errors"] == []
    return {
        (Path(failed["file_path"]).stem, failed["resource"], failed["check_id"])
        for failed in report["results"]["failed_checks"]
    }


def test_what_checkov_finds_is_what_is_accepted(templates: dict[str, dict[str, Any]], tmp_path: Path) -> None:
    """None is open and none is stale, in any stage, and each has a reason."""
    accepted: dict[Finding, str] = {}
    for stage, template in templates.items():
        accepted |= _skips(stage, template)
        (tmp_path / f"{stage}.json").write_text(json.dumps(_without_skips(template)))

    findings = _findings(tmp_path)

    assert findings - accepted.keys() == set()
    assert accepted.keys() - findings == set()
    assert {stage for stage, *_ in findings} == templates.keys()
    assert [reason for reason in accepted.values() if not reason.endswith(".") or len(reason.split()) < 5] == []
