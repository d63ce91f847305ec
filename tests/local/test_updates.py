"""What is queued, and what is at rest, comes through deployments of the real stack by the real CDK CLI.

The stage is the app's own `local`, with other settings of its endpoint for each deployment.
"""

from __future__ import annotations

import io
import tarfile
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from constructs_lib.model import ContainerModel
from local_cloud.deployment import DeploymentError, bootstrap, deploy
from local_cloud.process import ACCOUNT, REGION, local_cloud
from stacks.deployment_options import SETTLED, DeploymentOptions
from stacks.stages import stage_settings
from tests.local.assembly import synthesize
from tests.local.conftest import ECHO_COMMAND

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from local_cloud.process import RunningLocalCloud
    from stacks.settings import EndpointSettings

REGISTRY = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com"
FIRST, SECOND, BROKEN, ABSENT = (f"{REGISTRY}/echo:{tag}" for tag in ("first", "second", "broken", "absent"))
MODELS = "models"
QUEUED = 50
AT_A_TIME = 10
"""How many requests a release takes at a time that is to empty the queue quickly."""
SLOW, QUICK = "idle 0.5", "idle 0.1"
"""Some minutes a request, so that one instance works for longer than any deployment takes, or half a one."""
MAX_JOB_SECONDS = 600
"""Two real seconds: the old instances stay for as long, and the CLI looks after a deployment each five."""
PATIENCE_SECONDS = 60.0


@pytest.fixture(scope="module")
def cloud(connect: Callable[[RunningLocalCloud], Callable[[str], Any]]) -> Iterator[RunningLocalCloud]:
    """A bootstrapped local cloud that enforces policies, with three images and two artefacts."""
    images = {FIRST: ECHO_COMMAND, SECOND: ECHO_COMMAND, BROKEN: (*ECHO_COMMAND, "broken")}
    with local_cloud(time_scale=300.0, enforce_iam=True, containers=images) as running:
        bootstrap(running.environment, account=ACCOUNT, region=REGION)
        s3 = connect(running)("s3")
        s3.create_bucket(Bucket=MODELS)
        for name in ("first", "second"):
            s3.put_object(Bucket=MODELS, Key=f"{name}.tar.gz", Body=archive(name.encode()))
        yield running


def archive(weights: bytes) -> bytes:
    """Return an artefact with a file of weights."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as tar:
        member = tarfile.TarInfo("weights.txt")
        member.size = len(weights)
        tar.addfile(member, io.BytesIO(weights))
    return file.getvalue()


class Deployed:
    """The stack, deployed again and again."""

    def __init__(self, cloud: RunningLocalCloud, client: Callable[[str], Any], folder: Path) -> None:
        self._cloud = cloud
        self._client = client
        self._folder = folder
        self._assemblies = 0
        stage = stage_settings("local")
        one = replace(stage.endpoints[0].scaling, max_instances=1)
        self._settings: EndpointSettings = replace(
            stage.endpoints[0], model=model(FIRST, "first"), scaling=one, max_job_seconds=MAX_JOB_SECONDS
        )
        self._stage = stage
        self._outputs: dict[str, str] = {}

    def synthesize(self, settings: EndpointSettings, options: DeploymentOptions = SETTLED) -> Path:
        """Return the assembly of the stage with these settings of its endpoint."""
        self._assemblies += 1
        return synthesize(replace(self._stage, endpoints=(settings,)), self._folder / str(self._assemblies), options)

    def deploy(self, assembly: Path) -> None:
        """Deploy an assembly, which takes as long as the CLI takes."""
        (self._outputs,) = deploy(self._cloud.environment, stage="local", assembly=assembly).values()

    def reset(self) -> EndpointSettings:
        """Deploy what every test starts from, with the instance type that the last one has left, and return it."""
        if self._outputs:
            type_now = self.config()["ProductionVariants"][0]["InstanceType"]
            self._settings = replace(self._settings, instance_type=type_now)
        self.deploy(self.synthesize(self._settings))
        return self._settings

    def describe(self) -> dict[str, Any]:
        """Return what SageMaker says of the endpoint."""
        described: dict[str, Any] = self._client("sagemaker").describe_endpoint(
            EndpointName=self._outputs["EndpointName"]
        )
        return described

    def instances(self) -> int:
        """Return how many instances there should be or are, whichever is more."""
        (variant,) = self.describe()["ProductionVariants"]
        count: int = max(variant["CurrentInstanceCount"], variant["DesiredInstanceCount"])
        return count

    def config(self) -> dict[str, Any]:
        """Return the endpoint's configuration."""
        name = self.describe()["EndpointConfigName"]
        described: dict[str, Any] = self._client("sagemaker").describe_endpoint_config(EndpointConfigName=name)
        return described

    def targets(self) -> list[dict[str, Any]]:
        """Return what Application Auto Scaling scales."""
        found = self._client("application-autoscaling").describe_scalable_targets(ServiceNamespace="sagemaker")
        return list(found["ScalableTargets"])

    def policies(self) -> set[str]:
        """Return the names of the scaling policies."""
        found = self._client("application-autoscaling").describe_scaling_policies(ServiceNamespace="sagemaker")
        return {policy["PolicyName"] for policy in found["ScalingPolicies"]}

    def submit(self, work: str, count: int = QUEUED) -> list[dict[str, str]]:
        """Queue requests that answer with the weights when so much work is done."""
        runtime = self._client("sagemaker-runtime")
        return [
            runtime.invoke_endpoint_async(
                EndpointName=self._outputs["EndpointName"],
                Body=b"read weights.txt",
                CustomAttributes=work,
                InvocationTimeoutSeconds=3_600,
            )
            for _ in range(count)
        ]

    def outcomes(self, submitted: list[dict[str, str]]) -> list[str]:
        """Wait for each request's output, or its failure."""
        return [self._outcome(one) for one in submitted]

    def has_ended(self, submitted: dict[str, str]) -> bool:
        """Return whether a request has an output or a failure."""
        return self._result(submitted) is not None

    def _result(self, submitted: dict[str, str]) -> str | None:
        found = (self._content(submitted[name]) for name in ("OutputLocation", "FailureLocation"))
        return next((content for content in found if content is not None), None)

    def _outcome(self, submitted: dict[str, str]) -> str:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            if (content := self._result(submitted)) is not None:
                return content
            time.sleep(0.05)
        return "lost"

    def _content(self, uri: str) -> str | None:
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        s3 = self._client("s3")
        try:
            content: bytes = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        except s3.exceptions.NoSuchKey:
            return None
        return content.decode()


def model(image: str, weights: str) -> ContainerModel:
    """Return a model of that image and artefact."""
    return ContainerModel(image_uri=image, artefact_uri=f"s3://{MODELS}/{weights}.tar.gz")


@pytest.fixture(scope="module")
def stack(cloud: RunningLocalCloud, client: Callable[[str], Any], tmp_path_factory: pytest.TempPathFactory) -> Deployed:
    """The local stage with the first image and artefact."""
    return Deployed(cloud, client, tmp_path_factory.mktemp("assemblies"))


def test_requests_in_the_queue_come_through_another_image_artefact_and_limits(stack: Deployed) -> None:
    """Some are worked on by the old release, the others by the new one, and none is lost or fails."""
    settings = stack.reset()
    limits = replace(settings.scaling, max_instances=3)
    changed = replace(
        settings, model=model(SECOND, "second"), scaling=limits, max_concurrent_invocations_per_instance=AT_A_TIME
    )
    assembly = stack.synthesize(changed)
    submitted = stack.submit(SLOW)

    stack.deploy(assembly)

    outcomes = stack.outcomes([*submitted, *stack.submit(QUICK, 1)])
    assert (outcomes[0], outcomes[-1]) == ("first", "second")
    assert set(outcomes) == {"first", "second"}
    assert [target["MaxCapacity"] for target in stack.targets()] == [3]


def test_requests_in_the_queue_come_through_another_instance_type(stack: Deployed) -> None:
    """In two deployments, the first of which takes the scaling away and the second brings all of it back."""
    settings = stack.reset()
    policies = stack.policies()
    before = settings.instance_type
    (other,) = {"ml.c7i.large", "ml.c7i.xlarge"} - {before}
    changed = replace(settings, instance_type=other, instance_types_before=(before,))
    first = stack.synthesize(changed, DeploymentOptions(scaling=False))
    quick = replace(changed, max_concurrent_invocations_per_instance=AT_A_TIME)
    second = stack.synthesize(quick, DeploymentOptions(scaling=True))
    submitted = stack.submit(SLOW)

    stack.deploy(first)
    between = stack.targets(), stack.policies(), stack.config()["ProductionVariants"][0]["InstanceType"]
    still_waits = not stack.has_ended(submitted[-1])
    stack.deploy(second)

    assert between == ([], set(), before)
    assert still_waits
    assert stack.config()["ProductionVariants"][0]["InstanceType"] == other
    assert len(stack.targets()) == 1
    assert stack.policies() == policies
    assert stack.outcomes(submitted) == ["first"] * QUEUED


def test_another_instance_type_in_one_deployment_changes_nothing(stack: Deployed) -> None:
    """Where nobody said which type is deployed, SageMaker refuses, and all is as it was, the queue included."""
    settings = stack.reset()
    before, policies = stack.config()["ProductionVariants"], stack.policies()
    assembly = stack.synthesize(replace(settings, instance_type="ml.c7i.2xlarge"))
    submitted = stack.submit(QUICK)

    with pytest.raises(DeploymentError, match="Deregister the scalable target first"):
        stack.deploy(assembly)

    assert stack.config()["ProductionVariants"] == before
    assert stack.policies() == policies
    assert stack.outcomes(submitted) == ["first"] * QUEUED


def test_an_image_that_does_not_start_is_rolled_back(stack: Deployed) -> None:
    """The old release goes on and loses nothing."""
    settings = stack.reset()
    before = stack.config()["EndpointConfigName"]
    assembly = stack.synthesize(replace(settings, model=model(ABSENT, "first")))
    submitted = stack.submit(QUICK)

    with pytest.raises(DeploymentError, match="echo:absent"):
        stack.deploy(assembly)

    assert stack.outcomes(submitted) == ["first"] * QUEUED
    assert stack.config()["EndpointConfigName"] == before


def test_an_image_that_fails_is_rolled_back(stack: Deployed) -> None:
    """By the alarm: what the new release had until then has failed, all the rest succeeds on the old one."""
    settings = stack.reset()
    before = stack.config()["EndpointConfigName"]
    assembly = stack.synthesize(replace(settings, model=model(BROKEN, "first")))
    submitted = stack.submit("idle 0.4")

    with pytest.raises(DeploymentError, match="alarms are in the ALARM state"):
        stack.deploy(assembly)

    outcomes = stack.outcomes(submitted)
    assert "lost" not in outcomes
    assert outcomes.count("broken") >= 2
    assert outcomes.count("first") >= 2
    assert stack.config()["EndpointConfigName"] == before
    assert stack.outcomes(stack.submit(QUICK, 1)) == ["first"]


def test_an_unwatched_deployment_is_not_rolled_back(stack: Deployed) -> None:
    """Which is how a release that mends gets past the alarm that rings for the failing one; running jobs end."""
    settings = stack.reset()
    unwatched = DeploymentOptions(rollback=False)
    broken = stack.synthesize(replace(settings, model=model(BROKEN, "first")), unwatched)
    mended = stack.synthesize(settings, unwatched)
    submitted = stack.submit(SLOW)

    stack.deploy(broken)
    outcomes = stack.outcomes(submitted)
    stack.deploy(mended)

    assert set(outcomes) == {"first", "broken"}
    assert stack.outcomes(stack.submit(QUICK, 1)) == ["first"]


def test_a_resting_endpoint_stays_at_rest_through_an_update(stack: Deployed) -> None:
    """What is new comes into force without a single instance, so that not even an image that fails is noticed."""
    settings = stack.reset()
    assembly = stack.synthesize(
        replace(settings, model=model(BROKEN, "first"), max_concurrent_invocations_per_instance=2)
    )
    deadline = time.monotonic() + PATIENCE_SECONDS
    while stack.instances() and time.monotonic() < deadline:
        time.sleep(0.05)
    seen: set[int] = set()
    over = threading.Event()

    def watch() -> None:
        while not over.wait(0.02):
            seen.add(stack.instances())

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        stack.deploy(assembly)
    finally:
        over.set()
        watcher.join()

    client_config = stack.config()["AsyncInferenceConfig"]["ClientConfig"]
    assert client_config == {"MaxConcurrentInvocationsPerInstance": 2}
    assert seen == {0}
