"""No finding of the compliance rules is open, and no acknowledgement is stale or missing."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pytest

from constructs_lib import compliance
from constructs_lib.payload_store import InputBucket
from stacks.deployment_options import SETTLED, DeploymentOptions
from stacks.inference_stack import add_stacks
from stacks.stages import STAGES, stage_settings

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


def _findings(app: App, *, production: bool) -> set[Finding]:
    return {
        (resource.construct_path or "", violation.rule_name)
        for pack in compliance.rule_packs(production=production)
        for violation in pack.validate_scope(app).violations
        for resource in violation.violating_resources
    }


def _covers(acknowledged: Finding, finding: Finding) -> bool:
    (path, rule), (where, found) = acknowledged, finding
    return rule == found and (where == path or where.startswith(f"{path}/"))


def _stage(name: str) -> StageSettings:
    """Return a stage, or one whose endpoint has every setting that brings findings of its own."""
    if name in STAGES:
        return stage_settings(name)
    prod = stage_settings("prod")
    (endpoint,) = prod.endpoints
    everything = replace(
        endpoint,
        instance_type="ml.g5.xlarge",
        fallback_instance_types=("ml.g6.xlarge", "ml.g4dn.xlarge"),
        scaling=replace(endpoint.scaling, count_jobs_in_flight=True),
        input_buckets=(InputBucket(name="scans", prefix="inbox/"), InputBucket(name="archive")),
        instance_types_before=("ml.g5.2xlarge",) if name == "another type" else (),
    )
    return replace(prod, endpoints=(everything,))


every_stage = pytest.mark.parametrize("name", [*STAGES, "everything"])
every_deployment = pytest.mark.parametrize(
    ("name", "options"),
    [
        *((name, SETTLED) for name in (*STAGES, "everything")),
        ("another type", DeploymentOptions(scaling=False)),
        ("everything", DeploymentOptions(rollback=False)),
    ],
    ids=[*STAGES, "everything", "scaling-off", "rollback-off"],
)


@every_deployment
def test_no_finding_is_open(new_app: Callable[[], App], name: str, options: DeploymentOptions) -> None:
    """Every finding of every stage is fixed or acknowledged, however it is deployed."""
    app, stage = new_app(), _stage(name)
    add_stacks(app, stage, options)

    assert _findings(app, production=stage.production) == set()


@every_deployment
def test_every_acknowledgement_is_needed(
    new_app: Callable[[], App], name: str, options: DeploymentOptions, recorder: _Recorder
) -> None:
    """What is acknowledged is exactly what the rules find on or below that construct: none is stale, none missing.

    Constructs acknowledge for production, wherever they are used; the acknowledgements of stages that are not, too, are
    measured by the rules of production.
    """
    app, stage = new_app(), _stage(name)
    add_stacks(app, stage, options)
    findings = _findings(app, production=True)

    stale = {each for each in recorder.acknowledged if not any(_covers(each, finding) for finding in findings)}
    checked = _findings(app, production=stage.production)
    missing = {finding for finding in checked if not any(_covers(each, finding) for each in recorder.acknowledged)}

    assert stale == set()
    assert missing == set()


def test_an_open_finding_is_seen(new_app: Callable[[], App], recorder: _Recorder) -> None:
    """The checks can fail: each acknowledgement, taken away, leaves a finding open."""
    app = new_app()
    add_stacks(app, stage_settings("prod"))
    findings = _findings(app, production=True)

    opened = {each: [finding for finding in findings if _covers(each, finding)] for each in recorder.acknowledged}
    assert {rule.partition("-")[0] for _, rule in findings} == {"AwsSolutions", "Serverless", "NIST.800.53.R5"}
    assert [each for each, found in opened.items() if not found] == []


def test_counting_jobs_is_acknowledged_where_it_is_allowed(
    new_app: Callable[[], App], counting_stage: StageSettings, recorder: _Recorder
) -> None:
    """Function and callers publish the metric, and a reason of its own says why on any resource."""
    add_stacks(new_app(), counting_stage)

    reasons = {
        path.split("/")[1]: reason
        for (path, rule), reason in recorder.acknowledged.items()
        if rule == "AwsSolutions-IAM5[Resource::*]" and "cloudwatch:PutMetricData" in reason
    }
    assert reasons.keys() == {"Model", "Polling", "Callers"}


@every_stage
def test_every_acknowledgement_has_a_reason(new_app: Callable[[], App], name: str, recorder: _Recorder) -> None:
    """A reason is a sentence that says more than that it is accepted."""
    add_stacks(new_app(), _stage(name))

    reasons: set[Any] = set(recorder.acknowledged.values())
    assert [reason for reason in reasons if not reason.endswith(".") or len(reason.split()) < 5] == []


def test_production_is_checked_by_more_rules() -> None:
    """NIST 800-53 R5 is checked on production stages, the others everywhere."""
    names = {
        production: [pack.read_pack_name for pack in compliance.rule_packs(production=production)]
        for production in (False, True)
    }

    assert names == {False: ["AwsSolutions", "Serverless"], True: ["AwsSolutions", "Serverless", "NIST.800.53.R5"]}
