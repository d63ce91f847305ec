"""The fake AWS with the services that describe an endpoint, and the command line run on it."""

from __future__ import annotations

import functools
import json
import re
from contextlib import contextmanager
from dataclasses import dataclass
from email.utils import formatdate
from typing import TYPE_CHECKING, Any

import boto3
from click.testing import CliRunner, Result

from async_inference.cli.main import program
from async_inference.cli.surroundings import Surroundings
from tests.unit.async_inference.fake_aws import CONFIGURATION, ENDPOINT, FakeAws

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from botocore.config import Config

    from tests.unit.async_inference.fake_aws import Answer, Request

PARAMETER = "/async-inference/local/ocr"
WAKE_ARN = "arn:aws:autoscaling:eu-west-1:000000000000:scalingPolicy:1:resource/sagemaker/Wake"
CREDENTIALS = ("ASSUMED", "secret-key-of-nobody", "session-token-of-nobody")
QUEUE_URL = "https://sqs.eu-west-1.amazonaws.com/000000000000/reports"

DIMENSIONS = [{"Name": "EndpointName", "Value": ENDPOINT}]
_TARGET = {
    "ServiceNamespace": "sagemaker",
    "ResourceId": f"endpoint/{ENDPOINT}/variant/AllTraffic",
    "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
}
WAKE_ALARM = {
    "AlarmName": "WakeAlarm",
    "StateValue": "OK",
    "ActionsEnabled": True,
    "AlarmActions": [WAKE_ARN],
    "Namespace": "AWS/SageMaker",
    "MetricName": "HasBacklogWithoutCapacity",
    "Dimensions": DIMENSIONS,
}
TRACKING = {
    **_TARGET,
    "PolicyName": "TrackBacklog",
    "PolicyType": "TargetTrackingScaling",
    "PolicyARN": "arn:track",
    "CreationTime": 0,
    "TargetTrackingScalingPolicyConfiguration": {
        "TargetValue": 5,
        "CustomizedMetricSpecification": {
            "MetricName": "ApproximateBacklogSizePerInstance",
            "Namespace": "AWS/SageMaker",
            "Dimensions": DIMENSIONS,
        },
    },
}
WAKING = {**_TARGET, "PolicyName": "Wake", "PolicyType": "StepScaling", "PolicyARN": WAKE_ARN, "CreationTime": 0}


class FakeCloud(FakeAws):
    """One healthy endpoint with all that describes it, until a test says otherwise."""

    def __init__(self) -> None:
        super().__init__()
        self.skew = 0.0
        """Seconds by which AWS's clock is ahead of the caller's."""

        self.configuration = CONFIGURATION
        self.said: dict[str, dict[str, Any]] = {
            "DescribeEndpoint": endpoint_description(),
            "GetMetricData": {"MetricDataResults": []},
            "DescribeScalableTargets": {
                "ScalableTargets": [
                    {**_TARGET, "MinCapacity": 0, "MaxCapacity": 2, "RoleARN": "arn:role", "CreationTime": 0}
                ]
            },
            "DescribeScalingPolicies": {"ScalingPolicies": [TRACKING, WAKING]},
            "DescribeAlarms": {"MetricAlarms": [WAKE_ALARM]},
            "GetQueueAttributes": {"Attributes": {"ApproximateNumberOfMessages": "3"}},
        }
        """What the describing operations answer."""

        session().cloud = self

    def metrics(self, **values: float) -> None:
        """Publish the newest ``backlog`` and ``age``."""
        self.said["GetMetricData"] = {
            "MetricDataResults": [
                {"Id": name, "Timestamps": [self.time.now - 60, self.time.now - 120], "Values": [value, 99.0]}
                for name, value in values.items()
            ]
        }

    def _route(self, request: Any) -> tuple[str, str, Callable[[Request], Answer]]:  # noqa: ANN401 - botocore's
        target = request.headers.get("X-Amz-Target")
        if target is None:
            return super()._route(request)
        words = target.decode() if isinstance(target, bytes) else target
        operation = words.rpartition(".")[2]
        return operation, request.url, lambda _: self._say(operation)

    def _say(self, operation: str) -> Answer:
        said = self.said.get(operation, {})
        if operation == "GetParameter":
            said = {"Parameter": {"Name": PARAMETER, "Value": json.dumps(self.configuration.to_dict())}}
        headers = {"Content-Type": "application/json", "Date": formatdate(self.time.now + self.skew, usegmt=True)}
        return 200, headers, json.dumps(said).encode()


def endpoint_description(status: str = "InService", instances: int = 1, desired: int = 1) -> dict[str, Any]:
    """Return what DescribeEndpoint answers."""
    variant = {"VariantName": "AllTraffic", "CurrentInstanceCount": instances, "DesiredInstanceCount": desired}
    return {
        "EndpointName": ENDPOINT,
        "EndpointArn": f"arn:aws:sagemaker:eu-west-1:000000000000:endpoint/{ENDPOINT}",
        "EndpointStatus": status,
        "CreationTime": 0,
        "LastModifiedTime": 0,
        "ProductionVariants": [variant],
    }


class CachingSession:
    """A boto3 session that makes each client once: reading AWS's service models takes longer than a test.

    Its clients talk to whichever fake is :attr:`cloud` now.
    """

    def __init__(self) -> None:
        self.cloud: FakeCloud | None = None
        self._session = boto3.Session(*CREDENTIALS, region_name="eu-west-1")
        self._session.events.register("before-send", self._answer)
        self._clients: dict[object, Any] = {}
        self.region_name = self._session.region_name

    def client(self, service: str, region_name: str | None = None, config: Config | None = None) -> Any:  # noqa: ANN401 - any service's
        """Return a client; those that differ in their retries differ."""
        key = service, region_name, str(getattr(config, "retries", None))
        if key not in self._clients:
            new_client: Any = self._session.client
            self._clients[key] = new_client(service, region_name=region_name, config=config)
        return self._clients[key]

    def get_credentials(self) -> object:
        """Return what boto3 found."""
        return self._session.get_credentials()

    def _answer(self, request: Any, **more: object) -> Any:  # noqa: ANN401 - botocore's
        assert self.cloud is not None
        return self.cloud._answer(request, **more)


@functools.cache
def session() -> Any:  # noqa: ANN401 - as good as a boto3 session
    """Return the session of all tests of a process."""
    return CachingSession()


@dataclass
class CommandLine:
    """Runs commands as somebody would, in a terminal or without one."""

    aws: FakeCloud
    is_terminal: bool = False

    def run(self, *words: str, stdin: str | bytes | None = None, endpoint: str | None = PARAMETER) -> Result:
        """Run one command."""
        surroundings = Surroundings(
            clock=self.aws.time.clock,
            new_session=lambda *_: session(),
            is_terminal=lambda: self.is_terminal,
            heartbeat=one_beat,
            width=80,
        )
        environment = {"ASYNC_INFERENCE_ENDPOINT": endpoint, "COLUMNS": "80", "TERM": "xterm-256color"}
        environment |= dict.fromkeys(("COLORTERM", "FORCE_COLOR", "NO_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"))
        return CliRunner().invoke(
            program,
            list(words),
            input=stdin,
            env=environment,
            prog_name="async-inference",
            color=self.is_terminal,
            obj=surroundings,
        )

    def golden(self, *words: str, stdin: str | bytes | None = None) -> str:
        """Run one command and return all that it said, as a page to review."""
        result = self.run(*words, stdin=stdin)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return "\n".join(
            [
                f"$ async-inference {' '.join(words)}",
                "---- standard output",
                visible(result.stdout),
                "---- standard error",
                visible(result.stderr),
                f"---- exit code {result.exit_code}",
            ]
        )


@contextmanager
def one_beat(beat: Callable[[], None]) -> Iterator[None]:
    """Call ``beat`` once, so that what it does does not depend on how fast a test runs."""
    beat()
    yield


_REDRAWN = re.compile(r"(\r\x1b\[2K)(\x1b\[1A\x1b\[2K)*")
_COLOUR = re.compile(r"\x1b\[([\d;]*)m")


def visible(output: str) -> str:
    """Return what a terminal was sent in readable signs: each redrawing starts below a mark, colours are named."""
    output = _REDRAWN.sub("\n~~~~ redrawn\n", output)
    output = output.replace("\x1b[?25l", "").replace("\x1b[?25h", "")
    return _COLOUR.sub(lambda match: f"<{match[1]}>", output)
