"""Runs the demo; the exit status is 0 only if every document fared as expected."""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING, Final

from botocore.exceptions import BotoCoreError

from async_inference import AsyncInferenceError
from local_cloud.demo.documents import broken_page, photograph, scanned_page
from local_cloud.demo.monitor import EndpointMonitor, Observation
from local_cloud.demo.senders import PATIENCE_SECONDS, ClientSender, LambdaSender
from local_cloud.demo.submissions import Submission, count
from local_cloud.deployment import DeploymentError, bootstrap, deploy
from local_cloud.process import ACCOUNT, REGION, LocalCloudError, RunningLocalCloud, local_cloud

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

STAGE: Final = "local"
TIME_SCALE: Final = 60.0
"""One simulated minute, which is one period of the alarms, passes each second."""

INTERRUPTED: Final = 130
"""The exit status after Ctrl-C, as shells have it."""


class DemoError(RuntimeError):
    """Something did not go as the demo expects."""


def main() -> int:
    """Run the demo and return the exit status."""
    started_at = time.monotonic()
    try:
        with local_cloud(time_scale=TIME_SCALE, enforce_iam=True) as cloud:
            try:
                submissions = _run(cloud)
            except DemoError as error:
                raise DemoError(
                    "; the local cloud said: ".join(filter(None, [f"{error}", cloud.last_words()]))
                ) from error
    except KeyboardInterrupt:
        _say("interrupted; nothing is left running")
        return INTERRUPTED
    except (DemoError, DeploymentError, LocalCloudError, AsyncInferenceError, BotoCoreError) as error:
        _say(f"error: {error}")
        return 1
    _say(f"nothing is left running; {time.monotonic() - started_at:.0f} s in all")
    done, failed = count(submissions)
    _say(f"demo: {len(submissions)} submitted, {done} succeeded, {failed} failed")
    return 0 if all(submission.as_expected for submission in submissions) else 1


def _run(cloud: RunningLocalCloud) -> Sequence[Submission]:
    """Deploy, send all documents from zero instances, show what becomes of them, and see the endpoint rest again."""
    _say(f"local cloud at {cloud.endpoint_url}, one simulated minute a second")
    os.environ.update(cloud.environment)
    _say("cdk bootstrap")
    bootstrap(cloud.environment, account=ACCOUNT, region=REGION)
    _say(f"cdk deploy -c stage={STAGE}")
    (outputs,) = deploy(cloud.environment, stage=STAGE).values()
    monitor = EndpointMonitor(outputs["EndpointName"], cloud)
    _say(f"endpoint {outputs['EndpointName']} is in service; waiting until it rests at zero instances")
    _watch(monitor, (), until=lambda seen: seen.at_rest)
    submissions = _submit(outputs)
    _watch(monitor, submissions, until=lambda _: all(submission.text.done() for submission in submissions))
    for submission in submissions:
        _say(str(submission))
    _say("waiting until the endpoint rests again")
    _watch(monitor, submissions, until=lambda seen: seen.at_rest)
    return submissions


def _submit(outputs: dict[str, str]) -> Sequence[Submission]:
    client = ClientSender.of_parameter(outputs["ParameterName"])
    function = LambdaSender(
        outputs["PollingFunctionName"],
        bucket=outputs["BucketName"],
        input_prefix=client.endpoint.configuration.prefixes.input,
    )
    sent = ((scanned_page(), client), (photograph(), client), (scanned_page(), function), (broken_page(), client))
    for document, sender in sent:
        _say(f"submitting {document.name} ({len(document.content):,} bytes) through the {sender.name}")
    return tuple(Submission.start(document, sender) for document, sender in sent)


def _watch(
    monitor: EndpointMonitor, submissions: Sequence[Submission], *, until: Callable[[Observation], bool]
) -> None:
    """Show the endpoint whenever it has changed, until ``until`` holds.

    Raises:
        DemoError: it did not come to hold.
    """
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    shown = ""
    while True:
        seen = monitor.observe()
        finished = until(seen)
        done, failed = count(submissions)
        line = f"instances {seen.instances}, backlog {seen.backlog}, done {done}, failed {failed}"
        if line != shown:
            _say(f"  {seen.simulated_time:%H:%M} (simulated)  {line}")
            shown = line
        if finished:
            return
        if time.monotonic() > give_up_at:
            raise DemoError(f"gave up after {PATIENCE_SECONDS:.0f} s; last seen: {seen.status}, {line}")
        time.sleep(0.5)


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
