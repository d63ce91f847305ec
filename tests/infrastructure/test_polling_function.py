"""The polling function as it is deployed: its resource, its environment and its code."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.metadata import requires
from typing import TYPE_CHECKING, Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from async_inference.configuration import EndpointConfiguration
from constructs_lib.polling_function import CONFIGURATION_VARIABLE
from constructs_lib.python_bundle import CHECKOUT, SDK_DISTRIBUTIONS, write_bundle
from lambda_src.polling.environment import Environment
from stacks.stages import stage_settings
from tests.infrastructure.policies import managed_policy, resources_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from stacks.settings import StageSettings


def _function(template: dict[str, Any]) -> dict[str, Any]:
    return next(
        resource["Properties"]
        for logical_id, resource in template["Resources"].items()
        if logical_id.startswith("PollingFunction") and resource["Type"] == "AWS::Lambda::Function"
    )


def _as_deployed(value: Any) -> str:  # noqa: ANN401 - a template value
    """Resolve a joined value as CloudFormation would, with made-up names."""
    if isinstance(value, str):
        return value
    match value:
        case {"Fn::Join": [separator, parts]}:
            return str(separator).join(_as_deployed(part) for part in parts)
        case {"Ref": name} | {"Fn::GetAtt": [name, _]}:
            return str(name)
    raise AssertionError(value)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The function's code, assembled as at synth."""
    output = tmp_path_factory.mktemp("bundle")
    write_bundle(output, [CHECKOUT / "lambda_src" / "polling", CHECKOUT / "async_inference"])
    return output


def test_everything_that_has_a_default_is_set(dev_template: dict[str, Any]) -> None:
    """Runtime, architecture, memory, timeout, role and log group are this app's decision."""
    function = _function(dev_template)

    assert (function["Architectures"], function["MemorySize"], function["Timeout"], function["Runtime"]) == (
        ["arm64"],
        512,
        900,
        "python3.14",
    )
    assert function["Handler"] == "polling.handler.handler"
    assert "LogGroup" in function["LoggingConfig"]


def test_asynchronous_invocations_are_not_repeated(dev_template: dict[str, Any]) -> None:
    """Each repetition would submit the request once more."""
    (invoke_config,) = [
        resource["Properties"]
        for resource in dev_template["Resources"].values()
        if resource["Type"] == "AWS::Lambda::EventInvokeConfig"
    ]

    assert invoke_config["MaximumRetryAttempts"] == 0


def test_configuration_is_the_parameter_and_can_be_read(template: dict[str, Any], stage_name: str) -> None:
    """Function and parameter hold the same document, and the client reads it."""
    (parameter,) = [
        resource["Properties"]
        for resource in template["Resources"].values()
        if resource["Type"] == "AWS::SSM::Parameter"
    ]
    environment = _function(template)["Environment"]["Variables"]

    assert environment[CONFIGURATION_VARIABLE] == parameter["Value"]
    deployed = {name: _as_deployed(value) for name, value in environment.items()}
    configuration = Environment.from_env(deployed).endpoint
    assert configuration == EndpointConfiguration.from_dict(json.loads(_as_deployed(parameter["Value"])))
    assert configuration.limits.max_job_seconds == stage_settings(stage_name).endpoints[0].max_job_seconds
    assert list(configuration.consumers) == ["default"]
    assert configuration.bucket.startswith("PayloadsBucket")


def test_a_failed_asynchronous_invocation_is_kept(dev_template: dict[str, Any]) -> None:
    """Nobody waits for its error, so event and error go to a queue to which the role may send."""
    (queue,) = [
        name
        for name in dev_template["Resources"]
        if name.startswith("PollingFailedInvocations") and "Policy" not in name
    ]
    (invoke_config,) = [
        resource["Properties"]
        for resource in dev_template["Resources"].values()
        if resource["Type"] == "AWS::Lambda::EventInvokeConfig"
    ]
    arn = {"Fn::GetAtt": [queue, "Arn"]}

    assert invoke_config["DestinationConfig"] == {"OnFailure": {"Destination": arn}}
    assert resources_of(managed_policy(dev_template, "PollingRole"), "sqs:SendMessage") == [arn]


def test_production_bounds_its_executions(prod_template: dict[str, Any]) -> None:
    """Each may wait, and be paid for, for a quarter of an hour."""
    assert _function(prod_template)["ReservedConcurrentExecutions"] == 20


def _publishes(template: dict[str, Any], policy: str) -> list[dict[str, Any]]:
    return [each for each in managed_policy(template, policy) if each["Action"] == "cloudwatch:PutMetricData"]


@pytest.mark.parametrize("policy", ["PollingRole", "CallersConsumerdefault"])
def test_jobs_are_counted_where_the_setting_is_on(
    synthesize: Callable[[StageSettings], dict[str, Any]], counting_stage: StageSettings, policy: str
) -> None:
    """The function and all clients are told to publish, and may, in that one namespace."""
    template = synthesize(counting_stage)
    document = json.loads(_as_deployed(_function(template)["Environment"]["Variables"][CONFIGURATION_VARIABLE]))

    assert EndpointConfiguration.from_dict(document).count_jobs_in_flight
    assert _publishes(template, policy) == [
        {
            "Action": "cloudwatch:PutMetricData",
            "Condition": {"StringEquals": {"cloudwatch:namespace": "AsyncInference"}},
            "Effect": "Allow",
            "Resource": "*",
        }
    ]


def test_jobs_are_not_counted_otherwise(dev_template: dict[str, Any]) -> None:
    """Nobody is told to publish, and nobody may."""
    document = json.loads(_as_deployed(_function(dev_template)["Environment"]["Variables"][CONFIGURATION_VARIABLE]))

    assert not EndpointConfiguration.from_dict(document).count_jobs_in_flight
    assert _publishes(dev_template, "PollingRole") == []
    assert _publishes(dev_template, "CallersConsumerdefault") == []


def test_bundle_has_all_that_boto3_requires() -> None:
    """The list of distributions is boto3 and everything it needs, directly or not."""
    closure: set[str] = set()
    missing = ["boto3"]
    while missing:
        name = canonicalize_name(missing.pop())
        closure.add(name)
        requirements = [Requirement(line) for line in requires(name) or []]
        needed = {
            canonicalize_name(requirement.name)
            for requirement in requirements
            if requirement.marker is None or requirement.marker.evaluate({"extra": ""})
        }
        missing += needed - closure

    assert closure == set(SDK_DISTRIBUTIONS)


def test_bundle_runs_on_its_own(bundle: Path) -> None:
    """The handler imports, and its SDK knows the inline body, with nothing else installed."""
    script = (
        "import sys, json; sys.path.insert(0, sys.argv[1]);"
        "import boto3, botocore, async_inference, polling.handler;"
        "members = boto3.client('sagemaker-runtime', region_name='eu-west-1')"
        ".meta.service_model.operation_model('InvokeEndpointAsync').input_shape.members;"
        "boto3.client('s3', region_name='eu-west-1');"
        "boto3.client('cloudwatch', region_name='eu-west-1');"
        "print(json.dumps([boto3.__file__, 'Body' in members]))"
    )
    environment = os.environ | {CONFIGURATION_VARIABLE: "{}"}

    run = subprocess.run(
        [sys.executable, "-I", "-S", "-B", "-c", script, str(bundle)],
        check=True,
        capture_output=True,
        text=True,
        env=environment,
    )

    assert [str(bundle / "boto3/__init__.py"), True] == json.loads(run.stdout)


def test_bundle_is_the_same_every_time(bundle: Path, tmp_path: Path) -> None:
    """Same sources, same files, same bytes; nothing compiled and nothing that names this machine."""
    write_bundle(tmp_path, [CHECKOUT / "lambda_src" / "polling", CHECKOUT / "async_inference"])

    first = {path.relative_to(bundle): path.read_bytes() for path in bundle.rglob("*") if path.is_file()}
    second = {path.relative_to(tmp_path): path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}

    assert first == second
    assert [path for path in first if path.suffix == ".pyc" or path.name in {"RECORD", "INSTALLER"}] == []
    assert not any(str(CHECKOUT).encode() in content for content in first.values())


def test_bundle_stays_small(bundle: Path) -> None:
    """Only the services' models that the function uses: a cold start reads what it has to."""
    services = {path.name for path in (bundle / "botocore/data").iterdir() if path.is_dir()}

    assert services == {"cloudwatch", "s3", "sagemaker-runtime"}
