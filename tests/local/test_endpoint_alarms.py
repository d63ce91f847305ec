"""Every alarm of the deployed app rings when its cause is provoked, and recovers when the cause is gone.

The causes are real ones: a container that fails or does not start, rights taken away, a consumer that rejects notices.
They are provoked one after another, those first whose alarms count for longest, so that alarms recover meanwhile.
"""

from __future__ import annotations

import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from local_cloud.container_commands import REFERENCE_IMAGE
from local_cloud.deployment import bootstrap, deploy
from local_cloud.process import ACCOUNT, REGION, local_cloud

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from local_cloud.process import RunningLocalCloud

PATIENCE_SECONDS = 90.0


class Stack:
    """The deployed stack in its owner's hands, who can break it."""

    def __init__(self, outputs: dict[str, str], client: Callable[[str], Any], refusal: Path) -> None:
        self.outputs = outputs
        self.client = client
        self.refusal = refusal
        """While this file is there, containers do not start."""
        self.topic = outputs["AlarmTopicArn"]
        roles = [role["RoleName"] for role in client("iam").list_roles()["Roles"]]
        self.execution_role = next(role for role in roles if "ModelExecutionRole" in role)
        self.function = outputs["PollingFunctionName"]

    def submit(self, **members: object) -> None:
        """Submit a request."""
        self.client("sagemaker-runtime").invoke_endpoint_async(
            EndpointName=self.outputs["EndpointName"], InvocationTimeoutSeconds=3_600, **members
        )

    def instances(self) -> int:
        """Return how many instances are in service."""
        described = self.client("sagemaker").describe_endpoint(EndpointName=self.outputs["EndpointName"])
        count: int = described["ProductionVariants"][0]["CurrentInstanceCount"]
        return count

    def queue(self, name: str) -> str:
        """Return the URL of the queue whose name has ``name`` in it."""
        (url,) = [url for url in self.client("sqs").list_queues()["QueueUrls"] if name in url]
        return str(url)

    def states(self) -> dict[str, str]:
        """Return the states of the alarms that are announced, by their section of the runbook."""
        described = self.client("cloudwatch").describe_alarms()["MetricAlarms"]
        announced = [alarm for alarm in described if self.topic in alarm["AlarmActions"]]
        return {section_of(alarm["AlarmDescription"]): alarm["StateValue"] for alarm in announced}

    @contextmanager
    def denied(self, action: str) -> Iterator[None]:
        """Deny the execution role an action while the context lasts."""
        iam, name = self.client("iam"), "Denied"
        statement = {"Effect": "Deny", "Action": action, "Resource": "*"}
        document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        iam.put_role_policy(RoleName=self.execution_role, PolicyName=name, PolicyDocument=document)
        yield
        iam.delete_role_policy(RoleName=self.execution_role, PolicyName=name)


class OnCall:
    """Somebody who has subscribed to the alarms' topic, and remembers what was announced.

    A state may last for a second here; announcements stay, however slow the test is.
    """

    def __init__(self, stack: Stack) -> None:
        self.sqs, arn = stack.client("sqs"), f"arn:aws:sqs:{REGION}:{ACCOUNT}:on-call"
        topic_only = {"ArnEquals": {"aws:SourceArn": stack.topic}}
        allowed = {"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage"}
        policy = {"Version": "2012-10-17", "Statement": [{**allowed, "Resource": arn, "Condition": topic_only}]}
        self.url = self.sqs.create_queue(QueueName="on-call", Attributes={"Policy": json.dumps(policy)})["QueueUrl"]
        stack.client("sns").subscribe(TopicArn=stack.topic, Protocol="sqs", Endpoint=arn)
        self.announced: list[tuple[str, str]] = []
        """Section and new state, in their order."""

    def listen(self) -> list[tuple[str, str]]:
        """Return what has been announced up to now."""
        while messages := self.sqs.receive_message(QueueUrl=self.url, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                told = json.loads(json.loads(message["Body"])["Message"])
                self.announced.append((section_of(told["AlarmDescription"]), told["NewStateValue"]))
                self.sqs.delete_message(QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"])
        return self.announced

    def last(self, section: str) -> str:
        """Return the state that was announced last of an alarm; OK if none was."""
        return dict(self.listen()).get(section, "OK")

    def hears(self, sections: set[str], since: int) -> set[str]:
        """Return which alarms ring in time after so many announcements."""

        def rang() -> set[str]:
            return {section for section, state in self.listen()[since:] if state == "ALARM"} & sections

        wait_for(lambda: rang() == sections)
        return rang()


def section_of(description: str) -> str:
    """Return the runbook's section that an alarm's description ends with."""
    return description.partition("Runbook: docs/runbook.md#")[2]


@contextmanager
def container_that_fails(stack: Stack) -> Iterator[None]:
    """Have the container answer 500 to every request."""
    for _ in range(5):
        stack.submit(Body=b"fail 500")
    yield


@contextmanager
def events_that_are_malformed(stack: Stack) -> Iterator[None]:
    """Call the polling function with nothing to do, at the same time: one after another could take too long."""
    functions = stack.client("lambda")
    with ThreadPoolExecutor(8) as callers:
        calls = [callers.submit(functions.invoke, FunctionName=stack.function, Payload=b"{}") for _ in range(8)]
    assert all(call.result()["FunctionError"] for call in calls)
    yield


@contextmanager
def event_that_nobody_waits_for(stack: Stack) -> Iterator[None]:
    """Call the polling function asynchronously with nothing to do; then take the failure from its queue."""
    sqs, failed = stack.client("sqs"), stack.queue("FailedInvocations")
    stack.client("lambda").invoke(FunctionName=stack.function, InvocationType="Event", Payload=b"{}")
    yield
    (message,) = sqs.receive_message(QueueUrl=failed)["Messages"]
    sqs.delete_message(QueueUrl=failed, ReceiptHandle=message["ReceiptHandle"])


@contextmanager
def function_without_concurrency(stack: Stack) -> Iterator[None]:
    """Let the polling function run not even once at a time."""
    functions = stack.client("lambda")
    functions.put_function_concurrency(FunctionName=stack.function, ReservedConcurrentExecutions=0)
    with pytest.raises(functions.exceptions.TooManyRequestsException):
        functions.invoke(FunctionName=stack.function, Payload=b"{}")
    yield
    functions.delete_function_concurrency(FunctionName=stack.function)


@contextmanager
def input_that_is_not_there(stack: Stack) -> Iterator[None]:
    """Submit a request without its input."""
    stack.submit(InputLocation=f"s3://{stack.outputs['BucketName']}/input/missing")
    yield


@contextmanager
def role_that_may_not_write(stack: Stack) -> Iterator[None]:
    """Take the right to store results away from the endpoint."""
    with stack.denied("s3:PutObject"):
        stack.submit(Body=b"lost")
        yield


@contextmanager
def role_that_may_not_publish(stack: Stack) -> Iterator[None]:
    """Take the right to publish notices away from the endpoint."""
    with stack.denied("sns:Publish"):
        stack.submit(Body=b"quiet")
        yield


@contextmanager
def consumer_that_rejects(stack: Stack) -> Iterator[None]:
    """Have a consumer give its notice back until the queue is tired of it; then take it from the dead letters."""
    sqs, queue, dead = stack.client("sqs"), stack.queue("defaultQueue"), stack.queue("defaultDeadLetters")
    stack.submit(Body=b"heard", InferenceId="default-1")
    for _ in range(5):
        (message,) = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=20)["Messages"]
        sqs.change_message_visibility(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=0)
    assert "Messages" not in sqs.receive_message(QueueUrl=queue)
    yield
    (message,) = sqs.receive_message(QueueUrl=dead)["Messages"]
    sqs.delete_message(QueueUrl=dead, ReceiptHandle=message["ReceiptHandle"])


@contextmanager
def rest_that_is_switched_off(stack: Stack) -> Iterator[None]:
    """Disable the actions of the alarm that lets the endpoint rest, and have it wake."""
    cloudwatch = stack.client("cloudwatch")
    (rest,) = [
        alarm["AlarmName"]
        for alarm in cloudwatch.describe_alarms()["MetricAlarms"]
        if "lets it rest" in alarm["AlarmDescription"]
    ]
    cloudwatch.disable_alarm_actions(AlarmNames=[rest])
    stack.submit(Body=b"awake")
    yield
    cloudwatch.enable_alarm_actions(AlarmNames=[rest])


@contextmanager
def container_that_does_not_start(stack: Stack) -> Iterator[None]:
    """Keep the endpoint at zero instances while one request waits long and another one must not wait long."""
    wait_for(lambda: stack.instances() == 0)
    stack.refusal.touch()
    stack.submit(Body=b"patient")
    stack.submit(Body=b"hasty", RequestTTLSeconds=60)
    yield
    stack.refusal.unlink()


CAUSES: dict[Callable[[Stack], AbstractContextManager[None]], set[str]] = {
    container_that_fails: {"failed-invocations", "failed-invocations-share"},
    events_that_are_malformed: {"function-errors"},
    event_that_nobody_waits_for: {"failed-function-invocations"},
    function_without_concurrency: {"function-throttles"},
    input_that_is_not_there: {"download-failures"},
    role_that_may_not_write: {"upload-failures"},
    role_that_may_not_publish: {"notification-failures"},
    consumer_that_rejects: {"dead-letters"},
    rest_that_is_switched_off: {"idle-instances"},
    container_that_does_not_start: {"backlog-without-capacity", "oldest-request", "expired-requests"},
}
"""Each cause with the alarms that it sets off."""

SECTIONS = sorted(set().union(*CAUSES.values()))


def wait_for(condition: Callable[[], bool]) -> bool:
    """Return whether ``condition`` comes to hold in time."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


@pytest.fixture(scope="module")
def refusal(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file that keeps containers from starting."""
    return tmp_path_factory.mktemp("container") / "refuse"


@pytest.fixture(scope="module")
def cloud(refusal: Path) -> Iterator[RunningLocalCloud]:
    """A bootstrapped local cloud that enforces policies, in which an hour takes six seconds."""
    container = (sys.executable, str(Path(__file__).with_name("stubborn_container.py")), str(refusal))
    with local_cloud(time_scale=600.0, enforce_iam=True, containers={REFERENCE_IMAGE: container}) as running:
        bootstrap(running.environment, account=ACCOUNT, region=REGION)
        yield running


@pytest.fixture(scope="module")
def stack(cloud: RunningLocalCloud, client: Callable[[str], Any], refusal: Path) -> Stack:
    """The deployed local stage."""
    (outputs,) = deploy(cloud.environment, stage="local").values()
    return Stack(outputs, client, refusal)


@pytest.fixture(scope="module")
def on_call(stack: Stack) -> OnCall:
    """Who hears of all alarms."""
    return OnCall(stack)


@pytest.fixture(scope="module")
def rang(stack: Stack, on_call: OnCall) -> set[str]:
    """The alarms that were quiet before their cause was provoked, and rang after it."""
    rang: set[str] = set()
    for cause, sections in CAUSES.items():
        quiet = {section for section in sections if on_call.last(section) == "OK"}
        since = len(on_call.listen())
        with cause(stack):
            rang |= on_call.hears(quiet, since)
    return rang


def test_every_alarm_has_a_cause(stack: Stack) -> None:
    """The table has all alarms of the template that are announced."""
    assert sorted(stack.states()) == SECTIONS


@pytest.mark.parametrize("section", SECTIONS)
def test_an_alarm_rings_when_its_cause_is_provoked(rang: set[str], section: str) -> None:
    """It was quiet before, and whoever subscribed to the topic is told, with the section of the runbook."""
    assert section in rang


@pytest.mark.parametrize("section", SECTIONS)
def test_an_alarm_recovers_when_its_cause_is_gone(stack: Stack, on_call: OnCall, rang: set[str], section: str) -> None:
    """Without anybody resetting it, and that is told, too."""
    assert section in rang
    assert wait_for(lambda: on_call.last(section) == "OK")
    assert wait_for(lambda: stack.states()[section] == "OK")
