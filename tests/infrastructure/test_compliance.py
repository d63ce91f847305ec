"""No finding of the compliance rules is open, and no acknowledgement is stale."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from cdk_nag import AwsSolutionsChecks

from constructs_lib import compliance
from stacks.inference_stack import add_stacks
from stacks.stages import stage_settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from aws_cdk import Acknowledgment, App
    from constructs import IConstruct

    from stacks.settings import StageSettings

Finding = tuple[str, str]
"""Path of the construct, and the rule's id."""


@dataclass
class _Recorder:
    """Stands where acknowledgements are accepted, and only remembers them."""

    acknowledged: dict[Finding, str] = field(default_factory=dict)
    path: str = ""

    def of(self, construct: IConstruct) -> _Recorder:
        self.path = construct.node.path
        return self

    def acknowledge(self, acknowledgment: Acknowledgment) -> None:
        self.acknowledged[self.path, acknowledgment.id] = acknowledgment.reason


@pytest.fixture
def recorder(monkeypatch: pytest.MonkeyPatch) -> _Recorder:
    """Take the acknowledgements away from the compliance rules."""
    recorder = _Recorder()
    monkeypatch.setattr(compliance, "Validations", recorder)
    return recorder


def _findings(app: App) -> set[Finding]:
    report = AwsSolutionsChecks().validate_scope(app)
    return {
        (resource.construct_path or "", violation.rule_name)
        for violation in report.violations
        for resource in violation.violating_resources
    }


def test_no_finding_is_open(new_app: Callable[[], App], stage_name: str) -> None:
    """Every finding of every stage is fixed or acknowledged."""
    app = new_app()
    add_stacks(app, stage_settings(stage_name))

    assert set() == _findings(app)


def test_no_acknowledgement_is_stale(new_app: Callable[[], App], stage_name: str, recorder: _Recorder) -> None:
    """What is acknowledged is exactly what the rules find on or below that construct."""
    app = new_app()
    add_stacks(app, stage_settings(stage_name))
    findings = _findings(app)

    stale = {
        (path, rule)
        for path, rule in recorder.acknowledged
        if not any(rule == found and where.startswith(f"{path}/") for where, found in findings)
    }

    assert findings
    assert set() == stale


def test_counting_jobs_opens_no_finding(
    new_app: Callable[[], App], counting_stage: StageSettings, recorder: _Recorder
) -> None:
    """What it has to be allowed is acknowledged with a reason of its own; without, it would be found."""
    app = new_app()
    add_stacks(app, counting_stage)

    rule = "AwsSolutions-IAM5[Resource::*]"
    (acknowledged,) = [path for path, found in recorder.acknowledged if found == rule and "/Polling/" in path]
    assert "cloudwatch:PutMetricData" in recorder.acknowledged[acknowledged, rule]
    unacknowledged = {
        (where, found)
        for where, found in _findings(app)
        if not any(found == known and where.startswith(f"{path}/") for path, known in recorder.acknowledged)
    }
    assert (f"{acknowledged}/DefaultPolicy/Resource", rule) in _findings(app)
    assert unacknowledged == set()


def test_every_acknowledgement_has_a_reason(new_app: Callable[[], App], stage_name: str, recorder: _Recorder) -> None:
    """A reason is a sentence."""
    add_stacks(new_app(), stage_settings(stage_name))

    assert [reason for reason in recorder.acknowledged.values() if not reason.endswith(".") or " " not in reason] == []


def test_an_open_finding_is_seen(new_app: Callable[[], App], recorder: _Recorder) -> None:
    """The check can fail: without its acknowledgements the app has findings."""
    app = new_app()
    add_stacks(app, stage_settings("dev"))

    acknowledged_rules: set[Any] = {rule for _, rule in recorder.acknowledged}
    assert acknowledged_rules == {rule for _, rule in _findings(app)}
