"""Settings that AWS would refuse are refused at synth, in one line that names setting, value and what is allowed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from async_inference.configuration import Prefixes
from constructs_lib.alarm_settings import AlarmSettings
from constructs_lib.checks import SettingError
from constructs_lib.encryption import CustomerManagedKey
from constructs_lib.model import ContainerModel, HuggingFaceModel
from constructs_lib.payload_store import InputBucket, RetentionSettings
from constructs_lib.polling_function import PollingFunctionSettings
from constructs_lib.scaling_settings import ScalingSettings
from stacks.settings import EndpointSettings, StageSettings
from stacks.stages import STAGES, UnknownSettingError, UnknownStageError, stage_settings

if TYPE_CHECKING:
    from collections.abc import Callable

IMAGE = "111122223333.dkr.ecr.eu-west-1.amazonaws.com/team/model:1"
HUGGING_FACE = HuggingFaceModel(model_id="owner/model", task="text-classification")


def _endpoint(**settings: Any) -> EndpointSettings:  # noqa: ANN401 - malformed on purpose
    valid: dict[str, Any] = {"name": "ocr", "model": ContainerModel(image_uri=IMAGE), "instance_type": "ml.m5.xlarge"}
    return EndpointSettings(**valid | settings)


def _stage(**settings: Any) -> StageSettings:  # noqa: ANN401 - malformed on purpose
    valid: dict[str, Any] = {"name": "dev", "endpoints": (_endpoint(),)}
    return StageSettings(**valid | settings)


MALFORMED: list[tuple[Callable[[], object], str]] = [
    (lambda: _endpoint(name="OCR"), "EndpointSettings.name is 'OCR', allowed is lower-case letters"),
    (lambda: _endpoint(name="o" * 33), "EndpointSettings.name is 'oooo"),
    (lambda: _endpoint(name="ocr\n"), r"EndpointSettings.name is 'ocr\n'"),
    (lambda: _endpoint(model=IMAGE), "EndpointSettings.model is '111122223333.dkr"),
    (lambda: _endpoint(instance_type="m5.xlarge"), "EndpointSettings.instance_type is 'm5.xlarge', allowed is ml."),
    (
        lambda: _endpoint(instance_type="ml.g5.xlrge"),
        "EndpointSettings.instance_type is 'ml.g5.xlrge', allowed is a type that the installed boto3 knows",
    ),
    (lambda: _endpoint(instance_type="ml.t2.medium"), "EndpointSettings.instance_type is 'ml.t2.medium'"),
    (lambda: _endpoint(instance_type="ml.inf1.xlarge"), "EndpointSettings.instance_type is 'ml.inf1.xlarge'"),
    (
        lambda: _endpoint(fallback_instance_types="ml.m5.large"),
        "EndpointSettings.fallback_instance_types is 'ml.m5.large', allowed is a tuple, also of one, with a comma",
    ),
    (
        lambda: _endpoint(fallback_instance_types=tuple(f"ml.c5.{size}xlarge" for size in ("", 2, 4, 9, 18))),
        "EndpointSettings.fallback_instance_types is ('ml.c5.xlarge'",
    ),
    (
        lambda: _endpoint(fallback_instance_types=("ml.m5.large", "ml.m5.large")),
        "EndpointSettings.fallback_instance_types is ('ml.m5.large', 'ml.m5.large')",
    ),
    (
        lambda: _endpoint(fallback_instance_types=("ml.m5.xlarge",)),
        "EndpointSettings.fallback_instance_types is ('ml.m5.xlarge',), allowed is types other than instance_type",
    ),
    (
        lambda: _endpoint(fallback_instance_types=("ml.t2.medium",)),
        "EndpointSettings.fallback_instance_types is 'ml.t2.medium', allowed is ml.",
    ),
    (
        lambda: _endpoint(fallback_instance_types=("ml.g5.xlrge",)),
        "EndpointSettings.fallback_instance_types is 'ml.g5.xlrge', allowed is a type that the installed boto3 knows",
    ),
    (
        lambda: _endpoint(model=HUGGING_FACE, fallback_instance_types=("ml.g5.xlarge",)),
        "EndpointSettings.fallback_instance_types is 'ml.g5.xlarge', allowed is a c, m or r family",
    ),
    (
        lambda: _endpoint(fallback_instance_types=("ml.g5.xlarge",), customer_managed_key=CustomerManagedKey()),
        "EndpointSettings.fallback_instance_types is ('ml.g5.xlarge',), allowed is types with local storage if",
    ),
    (
        lambda: _endpoint(
            instance_type="ml.g5.xlarge",
            fallback_instance_types=("ml.g4dn.xlarge", "ml.m5.xlarge"),
            customer_managed_key=CustomerManagedKey(),
        ),
        "EndpointSettings.fallback_instance_types is ('ml.g4dn.xlarge', 'ml.m5.xlarge'), allowed is types with local",
    ),
    (
        lambda: _endpoint(max_job_seconds=0),
        "EndpointSettings.max_job_seconds is 0, allowed is a whole number from 1 to",
    ),
    (lambda: _endpoint(max_job_seconds=3601), "EndpointSettings.max_job_seconds is 3601"),
    (lambda: _endpoint(max_job_seconds="900"), "EndpointSettings.max_job_seconds is '900'"),
    (lambda: _endpoint(max_job_seconds=True), "EndpointSettings.max_job_seconds is True"),
    (lambda: _endpoint(request_ttl_seconds=59), "EndpointSettings.request_ttl_seconds is 59"),
    (lambda: _endpoint(request_ttl_seconds=21601), "EndpointSettings.request_ttl_seconds is 21601"),
    (
        lambda: _endpoint(max_concurrent_invocations_per_instance=1001),
        "EndpointSettings.max_concurrent_invocations_per_instance is 1001",
    ),
    (
        lambda: _endpoint(instance_types_before=("ml.t2.medium",)),
        "EndpointSettings.instance_types_before is 'ml.t2.medium', allowed is ml.<family>.<size> of a family other",
    ),
    (
        lambda: _endpoint(instance_types_before=("ml.m5.huge",)),
        "EndpointSettings.instance_types_before is 'ml.m5.huge', allowed is a type that the installed boto3 knows",
    ),
    (
        lambda: _endpoint(instance_type="ml.m5.large", instance_types_before=("ml.m5.large",)),
        "EndpointSettings.instance_types_before is ('ml.m5.large',), allowed is other types than those that it changes",
    ),
    (lambda: _endpoint(network_isolation="yes"), "EndpointSettings.network_isolation is 'yes', allowed is bool"),
    (
        lambda: _endpoint(model=HUGGING_FACE, network_isolation=True),
        "EndpointSettings.network_isolation is True, allowed is False for a model that is fetched at launch",
    ),
    (lambda: _endpoint(alarms="on"), "EndpointSettings.alarms is 'on', allowed is AlarmSettings"),
    (
        lambda: _endpoint(price_per_instance_hour=0),
        "EndpointSettings.price_per_instance_hour is 0, allowed is a number",
    ),
    (lambda: _endpoint(price_per_instance_hour=True), "EndpointSettings.price_per_instance_hour is True"),
    (lambda: _endpoint(price_per_instance_hour=float("nan")), "EndpointSettings.price_per_instance_hour is nan"),
    (lambda: AlarmSettings(topic_arn="on-call"), "AlarmSettings.topic_arn is 'on-call', allowed is arn:aws:sns:"),
    (lambda: AlarmSettings(runbook_url="our wiki"), "AlarmSettings.runbook_url is 'our wiki', allowed is an address"),
    (lambda: AlarmSettings(runbook_url="wiki#top"), "AlarmSettings.runbook_url is 'wiki#top'"),
    (lambda: AlarmSettings(wake_margin_seconds=-1), "AlarmSettings.wake_margin_seconds is -1"),
    (lambda: AlarmSettings(rest_margin_seconds=3_601), "AlarmSettings.rest_margin_seconds is 3601"),
    (lambda: AlarmSettings(oldest_request_percent=100), "AlarmSettings.oldest_request_percent is 100"),
    (lambda: AlarmSettings(failed_invocations_percent=101), "AlarmSettings.failed_invocations_percent is 101"),
    (
        lambda: AlarmSettings(failed_invocations=0),
        "AlarmSettings.failed_invocations is 0, allowed is a whole number from 1",
    ),
    (lambda: AlarmSettings(dead_letters=1.5), "AlarmSettings.dead_letters is 1.5"),  # type: ignore[arg-type]
    (lambda: AlarmSettings(failure_window_seconds=90), "AlarmSettings.failure_window_seconds is 90, allowed is whole"),
    (lambda: AlarmSettings(failure_window_seconds=86_460), "AlarmSettings.failure_window_seconds is 86460"),
    (lambda: _endpoint(prefixes=Prefixes(input="input")), "Prefixes.input is 'input'"),
    (lambda: _endpoint(prefixes=Prefixes(output="/output/")), "Prefixes.output is '/output/'"),
    (lambda: _endpoint(prefixes=Prefixes(failure="f" * 400 + "/")), "Prefixes.failure is 'ffff"),
    (lambda: _endpoint(prefixes=Prefixes(failure="output/failure/")), "EndpointSettings.prefixes is ('input/'"),
    (lambda: _endpoint(consumers=()), "EndpointSettings.consumers is ()"),
    (lambda: _endpoint(consumers=("a", "a")), "EndpointSettings.consumers is ('a', 'a')"),
    (lambda: _endpoint(consumers=("a-b",)), "EndpointSettings.consumers is 'a-b'"),
    (lambda: _endpoint(consumers="default"), "EndpointSettings.consumers is 'default'"),
    (lambda: _endpoint(consumers=(["a"],)), "EndpointSettings.consumers is ['a'], allowed is lower-case"),
    (
        lambda: _endpoint(model=HUGGING_FACE, instance_type="ml.g5.xlarge"),
        "EndpointSettings.instance_type is 'ml.g5.xlarge', allowed is a c, m or r family",
    ),
    (
        lambda: _endpoint(model=HUGGING_FACE, instance_type="ml.c7g.xlarge"),
        "EndpointSettings.instance_type is 'ml.c7g.xlarge', allowed is a c, m or r family",
    ),
    (lambda: _endpoint(prefixes=Prefixes(batches="input/batches/")), "EndpointSettings.prefixes is ('input/'"),
    (lambda: _endpoint(prefixes=Prefixes(input="*/")), "Prefixes.input is '*/'"),
    (lambda: _endpoint(prefixes=Prefixes(input="../")), "Prefixes.input is '../'"),
    (lambda: _endpoint(scaling={"max_instances": 1}), "EndpointSettings.scaling is {'max_instances': 1}"),
    (lambda: ScalingSettings(max_instances=0), "ScalingSettings.max_instances is 0, allowed is a whole number from 1"),
    (lambda: ScalingSettings(backlog_per_instance=0), "ScalingSettings.backlog_per_instance is 0"),
    (lambda: ScalingSettings(max_instances=10**12), "ScalingSettings.max_instances is 1000000000000, allowed is"),
    (lambda: ScalingSettings(rest_after_seconds=-1), "ScalingSettings.rest_after_seconds is -1"),
    (
        lambda: _endpoint(request_ttl_seconds=60),
        "ScalingSettings.cold_start_seconds is 600, allowed is so short that with 1200 s more it is within request_ttl",
    ),
    (lambda: RetentionSettings(outputs_days=0), "RetentionSettings.outputs_days is 0"),
    (
        lambda: RetentionSettings(inputs_days=7),
        "RetentionSettings.inputs_days is 7, allowed is at least batches_days, 30",
    ),
    (lambda: PollingFunctionSettings(timeout_seconds=901), "PollingFunctionSettings.timeout_seconds is 901"),
    (lambda: PollingFunctionSettings(timeout_seconds=59), "PollingFunctionSettings.timeout_seconds is 59"),
    (lambda: PollingFunctionSettings(memory_mib=64), "PollingFunctionSettings.memory_mib is 64"),
    (
        lambda: ContainerModel(image_uri="docker.io/team/model:1"),
        "ContainerModel.image_uri is 'docker.io/team/model:1'",
    ),
    (lambda: ContainerModel(image_uri=IMAGE.removesuffix(":1")), "ContainerModel.image_uri is '111122223333.dkr"),
    (lambda: ContainerModel(image_uri=IMAGE + "1" * 255), "ContainerModel.image_uri is '111122223333.dkr"),
    (
        lambda: ContainerModel(image_uri=IMAGE, artefact_uri="s3://bucket"),
        "ContainerModel.artefact_uri is 's3://bucket'",
    ),
    (
        lambda: ContainerModel(image_uri=IMAGE, environment={"TS_DEFAULT_RESPONSE_TIMEOUT": "60"}),
        "ContainerModel.environment[TS_DEFAULT_RESPONSE_TIMEOUT] is '60', allowed is nothing: it follows",
    ),
    (lambda: ContainerModel(image_uri=IMAGE, environment={"A-B": ""}), "ContainerModel.environment is 'A-B'"),
    (
        lambda: ContainerModel(image_uri=IMAGE, environment={"A": "x" * 1025}),
        "ContainerModel.environment[A] is 'str of length 1025'",
    ),
    (
        lambda: ContainerModel(image_uri=IMAGE, environment={f"A{n}": "" for n in range(100)}),
        "ContainerModel.environment is 100, allowed is at most 87 variables",
    ),
    (lambda: HuggingFaceModel(model_id="a/b/c", task="text-classification"), "HuggingFaceModel.model_id is 'a/b/c'"),
    (lambda: HuggingFaceModel(model_id="a/b", task="Text"), "HuggingFaceModel.task is 'Text'"),
    (lambda: _stage(name=""), "StageSettings.name is ''"),
    (lambda: _stage(endpoints=()), "StageSettings.endpoints is [], allowed is at least one endpoint"),
    (lambda: _stage(endpoints=None), "StageSettings.endpoints is None, allowed is tuple"),
    (lambda: _stage(endpoints=("x",)), "StageSettings.endpoints is ('x',), allowed is a tuple of EndpointSettings"),
    (lambda: _stage(name="prod-eu"), "StageSettings.name is 'prod-eu', allowed is lower-case letters and digits"),
    (lambda: _stage(endpoints=(_endpoint(), _endpoint())), "StageSettings.endpoints is ['ocr', 'ocr']"),
    (lambda: _stage(account="1234"), "StageSettings.account is '1234', allowed is text of 12 digits"),
    (lambda: _stage(region="Frankfurt"), "StageSettings.region is 'Frankfurt', allowed is a region such as"),
    (
        lambda: _stage(region="us-east-1"),
        "StageSettings.region is 'us-east-1', allowed is eu-west-1, where the image of",
    ),
    (
        lambda: _stage(region="mx-central-1", endpoints=(_endpoint(model=HUGGING_FACE),)),
        "StageSettings.region is 'mx-central-1', allowed is one with deep-learning containers",
    ),
    (lambda: _stage(tags=("owner",)), "StageSettings.tags is ('owner',), allowed is a mapping of at most 47"),
    (lambda: _stage(tags={f"key-{n}": "" for n in range(48)}), "StageSettings.tags is {'key-0'"),
    (lambda: _stage(tags={"AWS:owner": "us"}), "StageSettings.tags is 'AWS:owner', allowed is keys of 1 to 128"),
    (lambda: _stage(tags={"async-inference:stage": "us"}), "StageSettings.tags is 'async-inference:stage'"),
    (lambda: _stage(tags={"Owner": "us", "owner": "us"}), "StageSettings.tags is ['Owner', 'owner'], allowed is keys"),
    (lambda: _stage(tags={"": "us"}), "StageSettings.tags is ''"),
    (lambda: _stage(tags={"k" * 129: "us"}), "StageSettings.tags is 'kkkk"),
    (lambda: _stage(tags={1: "us"}), "StageSettings.tags is 1"),
    (lambda: _stage(tags={"owner\n": "us"}), r"StageSettings.tags is 'owner\n'"),
    (lambda: _stage(tags={"owner": "a&b"}), "StageSettings.tags[owner] is 'a&b', allowed is at most 256"),
    (lambda: _stage(tags={"owner": "u" * 257}), "StageSettings.tags[owner] is 'uuuu"),
    (lambda: _stage(tags={"owner": 1}), "StageSettings.tags[owner] is 1"),
    (lambda: _stage(permissions_boundary_arn="boundary"), "StageSettings.permissions_boundary_arn is 'boundary'"),
    (
        lambda: _stage(production=True, endpoints=(_endpoint(model=HUGGING_FACE),)),
        "StageSettings.production is True, allowed is False while ocr's model is fetched at launch",
    ),
    (
        lambda: _stage(production=True),
        "StageSettings.production is True, allowed is False while ocr has no customer_managed_key",
    ),
    (
        lambda: _stage(production=True, endpoints=(_endpoint(customer_managed_key=CustomerManagedKey()),)),
        "StageSettings.production is True, allowed is False while ocr's polling_function has no reserved_concurrency",
    ),
    (lambda: CustomerManagedKey(arn="alias/mine"), "CustomerManagedKey.arn is 'alias/mine', allowed is arn:aws:kms:"),
    (lambda: _endpoint(customer_managed_key=True), "EndpointSettings.customer_managed_key is True"),
    (lambda: _endpoint(bucket_name="s3://bucket"), "EndpointSettings.bucket_name is 's3://bucket'"),
    (
        lambda: _endpoint(input_buckets=("scans",)),
        "EndpointSettings.input_buckets is ('scans',), allowed is a tuple of",
    ),
    (lambda: _endpoint(input_buckets=(InputBucket(name="scans"),) * 6), "EndpointSettings.input_buckets is (Input"),
    (lambda: InputBucket(name="Scans"), "InputBucket.name is 'Scans'"),
    (lambda: InputBucket(name="scans", prefix="inbox"), "InputBucket.prefix is 'inbox', allowed is a path that ends"),
    (lambda: InputBucket(name="scans", prefix="*/"), "InputBucket.prefix is '*/'"),
    (lambda: InputBucket(name="scans", key_arn="key"), "InputBucket.key_arn is 'key'"),
    (lambda: PollingFunctionSettings(reserved_concurrency=0), "PollingFunctionSettings.reserved_concurrency is 0"),
]


@pytest.mark.parametrize(("make", "message"), MALFORMED, ids=[message.split(" is ")[0] for _, message in MALFORMED])
def test_malformed_setting_is_refused_in_one_line(make: Callable[[], object], message: str) -> None:
    """The line names the setting, its value and what is allowed."""
    with pytest.raises(SettingError) as refusal:
        make()

    assert str(refusal.value).startswith(message)
    assert "allowed is" in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_long_values_are_shortened_and_secrets_are_not_shown() -> None:
    """The line stays readable, and a variable's value, which may be a secret, does not reach a log."""
    with pytest.raises(SettingError) as long:
        _endpoint(name="o" * 10_000)
    with pytest.raises(SettingError) as secret:
        ContainerModel(image_uri=IMAGE, environment={"TOKEN": "secret" * 1_000})

    assert len(str(long.value)) < 300
    assert "secret" not in str(secret.value)


def test_what_is_deployed_may_be_of_a_type_on_which_the_new_model_does_not_run() -> None:
    """It is what the old one had."""
    changed = _endpoint(model=HUGGING_FACE, instance_types_before=("ml.g5.xlarge",))

    assert (changed.instance_types, changed.instance_types_before) == (("ml.m5.xlarge",), ("ml.g5.xlarge",))


def test_bounds_themselves_are_allowed() -> None:
    """The smallest and the largest values that the service model allows pass."""
    smallest = _endpoint(
        max_job_seconds=1,
        request_ttl_seconds=60,
        max_concurrent_invocations_per_instance=1,
        scaling=ScalingSettings(min_instances=1),
    )
    largest = _endpoint(
        name="o" * 32, max_job_seconds=3600, request_ttl_seconds=21600, max_concurrent_invocations_per_instance=1000
    )

    assert (smallest.max_job_seconds, largest.max_job_seconds) == (1, 3600)


@pytest.mark.parametrize("name", STAGES)
def test_stage_is_named_as_it_is_asked_for(name: str) -> None:
    """A stage's settings carry the name under which they are found."""
    assert name == stage_settings(name).name


def test_misspelt_setting_is_named_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """The line names the stage, the settings and the name that they do not have."""
    monkeypatch.setitem(STAGES, "mine", lambda: _stage(endpoints=(_endpoint(max_job_second=1800),)))

    with pytest.raises(UnknownSettingError, match=r"stage mine: EndpointSettings.* 'max_job_second'; stacks/"):
        stage_settings("mine")


def test_another_type_error_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault of the code is not passed off as a fault of the settings."""
    monkeypatch.setitem(STAGES, "mine", lambda: len(1))  # type: ignore[arg-type]

    with pytest.raises(TypeError, match="has no len") as fault:
        stage_settings("mine")

    assert not isinstance(fault.value, UnknownSettingError)


def test_unknown_stage_lists_the_stages() -> None:
    """The line says which stages there are."""
    with pytest.raises(UnknownStageError, match="stage is 'nonsense', allowed is one of local, dev, prod"):
        stage_settings("nonsense")
