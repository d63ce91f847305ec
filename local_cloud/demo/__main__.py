"""Runs the demo; the exit status is 0 only if every document fared as expected."""

from __future__ import annotations

import os
import sys
import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from rich.console import Console

from async_inference import AsyncInferenceError, ModelError
from local_cloud.demo.documents import broken_page, photograph, scanned_page
from local_cloud.demo.monitor import EndpointMonitor
from local_cloud.demo.senders import ClientSender, LambdaSender
from local_cloud.deployment import DeploymentError, bootstrap, deploy
from local_cloud.process import ACCOUNT, REGION, LocalCloudError, local_cloud

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from local_cloud.demo.documents import Document
    from local_cloud.demo.senders import Sender

STAGE: Final = "local"
TIME_SCALE: Final = 60.0
"""One simulated minute, which is one period of the alarms, passes each second."""

_LONGEST_WAIT_SECONDS: Final = 180.0
_console: Final = Console(highlight=False, soft_wrap=True)


class DemoError(RuntimeError):
    """Something did not go as the demo expects."""


@dataclass(frozen=True, slots=True)
class Submission:
    """One document on its way."""

    document: Document
    sender: Sender
    text: Future[str]


def main() -> int:
    """Run the demo and return the exit status."""
    started_at = time.monotonic()
    try:
        with local_cloud(time_scale=TIME_SCALE) as cloud:
            _say(f"local cloud at {cloud.endpoint_url}, one simulated minute a second")
            os.environ.update(cloud.environment)
            _say("cdk bootstrap")
            bootstrap(cloud.environment, account=ACCOUNT, region=REGION)
            _say(f"cdk deploy -c stage={STAGE}")
            (outputs,) = deploy(cloud.environment, stage=STAGE).values()
            as_expected = _run(outputs, EndpointMonitor(outputs["EndpointName"], cloud))
    except (DemoError, DeploymentError, LocalCloudError, AsyncInferenceError) as error:
        _say(f"error: {error}")
        return 1
    _say(f"nothing is left running; {time.monotonic() - started_at:.0f} s in all")
    return 0 if as_expected else 1


def _run(outputs: dict[str, str], monitor: EndpointMonitor) -> bool:
    _say(f"endpoint {outputs['EndpointName']} is in service; waiting until it rests at zero instances")
    _watch(monitor, (), until=lambda: monitor.observe().at_rest)
    client = ClientSender.of_parameter(outputs["ParameterName"])
    function = LambdaSender(
        outputs["PollingFunctionName"],
        bucket=outputs["BucketName"],
        input_prefix=client.endpoint.configuration.prefixes.input,
    )
    with ThreadPoolExecutor() as executor:

        def submit(document: Document, sender: Sender) -> Submission:
            _say(f"submitting {document.name} ({len(document.content):,} bytes) through the {sender.name}")
            return Submission(document, sender, executor.submit(sender.read, document))

        submissions = (
            submit(scanned_page(), client),
            submit(photograph(), client),
            submit(scanned_page(), function),
            submit(broken_page(), client),
        )
        _watch(monitor, submissions, until=lambda: all(submission.text.done() for submission in submissions))
    as_expected = [_show(submission) for submission in submissions]
    _say("waiting until the endpoint rests again")
    _watch(monitor, submissions, until=lambda: monitor.observe().at_rest)
    done, failed = _count(submissions)
    _console.print(f"demo: {len(submissions)} submitted, {done} succeeded, {failed} failed")
    return all(as_expected)


def _watch(monitor: EndpointMonitor, submissions: Sequence[Submission], *, until: Callable[[], bool]) -> None:
    """Show the endpoint whenever it has changed, until ``until`` holds."""
    give_up_at = time.monotonic() + _LONGEST_WAIT_SECONDS
    shown = ""
    while True:
        finished = until()
        seen = monitor.observe()
        done, failed = _count(submissions)
        backlog = "?" if seen.backlog is None else seen.backlog
        line = f"instances {seen.instances}, backlog {backlog}, done {done}, failed {failed}"
        if line != shown:
            _console.print(f"  {seen.simulated_time:%H:%M} (simulated)  {line}")
            shown = line
        if finished:
            return
        if time.monotonic() > give_up_at:
            raise DemoError(f"gave up after {_LONGEST_WAIT_SECONDS:.0f} s; last seen: {seen.status}, {line}")
        time.sleep(0.5)


def _count(submissions: Sequence[Submission]) -> tuple[int, int]:
    ended = [submission.text for submission in submissions if submission.text.done()]
    failed = sum(text.exception() is not None for text in ended)
    return len(ended) - failed, failed


def _show(submission: Submission) -> bool:
    """Print what became of a submission, and return whether it was as expected."""
    name = f"{submission.document.name} through the {submission.sender.name}"
    expected = submission.document.expected
    error = submission.text.exception()
    if error is None:
        text = submission.text.result()
        _say(f"{name}: {' / '.join(text.splitlines())}")
        return expected is not None and expected in text
    if not isinstance(error, ModelError):
        raise DemoError(f"{name}: {error}") from error
    _say(f"{name}: {'failed as it should' if expected is None else 'failed'}: {error}")
    return expected is None


def _say(line: str) -> None:
    _console.print(line, markup=False)


if __name__ == "__main__":
    sys.exit(main())
