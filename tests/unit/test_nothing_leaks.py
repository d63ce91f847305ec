"""Nothing of a payload, a result or the credentials reaches a log, standard error or the text of an error.

An error of the model is the exception: its message holds an excerpt of what the model answered, for which the caller
asked. botocore's own loggers at DEBUG are another: they write whole requests and responses, for whoever turns them on.
"""

from __future__ import annotations

import io
import json
import logging
import traceback
from contextlib import closing, redirect_stderr
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import boto3
import pytest
from botocore.exceptions import ConnectionClosedError, EndpointConnectionError

from async_inference import Clients, ModelError
from lambda_src.polling import polling
from tests.unit.async_inference.cli.fake_cloud import CREDENTIALS as ASSUMED
from tests.unit.async_inference.cli.fake_cloud import CommandLine, FakeCloud
from tests.unit.async_inference.fake_aws import BUCKET, FAILURE, OUTPUT, FakeAws, broken_off, s3_error, service_error

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

PAYLOAD: Final = "marker-of-the-payload"
ANSWER: Final = "marker-of-the-answer"
CREDENTIALS: Final = ("MARKEROFTHEACCESSKEY", "marker-of-the-secret-key", "marker-of-the-session-token")
SECRETS: Final = (PAYLOAD, ANSWER, *CREDENTIALS)

WIRE: Final = ("boto3", "botocore", "s3transfer", "urllib3")
"""Loggers that are not ours, and stay at their caller's level."""

ENDED: Final = "https://runtime.sagemaker.eu-west-1.amazonaws.com"
TOO_LARGE_FOR_A_REQUEST: Final = PAYLOAD * 10_000


@dataclass
class Heard:
    """What a run let others hear."""

    records: list[logging.LogRecord] = field(default_factory=list)
    errors: list[BaseException] = field(default_factory=list)
    stderr: str = ""

    def logged(self) -> str:
        """Return all records as a log would have them, with their tracebacks and what was attached to them."""
        formatter = logging.Formatter("%(name)s %(message)s")
        return "\n".join(f"{formatter.format(record)} {vars(record)}" for record in self.records)

    def raised(self) -> str:
        """Return the errors as an uncaught one is shown, with the causes of each; Lambda logs them like that."""
        return "\n".join("".join(traceback.format_exception(error)) for error in self.errors)

    def all(self) -> str:
        """Return everything."""
        return f"{self.logged()}\n{self.raised()}\n{self.stderr}"


class _Recorder(logging.Handler):
    def __init__(self, records: list[logging.LogRecord]) -> None:
        super().__init__(logging.DEBUG)
        self._records = records

    def emit(self, record: logging.LogRecord) -> None:
        self._records.append(record)


@pytest.fixture
def heard() -> Iterator[Heard]:
    """Everything that is logged from here on, ours at DEBUG and the SDK's at INFO."""
    heard = Heard()
    recorder = _Recorder(heard.records)
    levels = {"": logging.DEBUG, polling.logger.name: logging.DEBUG} | dict.fromkeys(WIRE, logging.INFO)
    before = {name: logging.getLogger(name).level for name in levels}
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)
    logging.getLogger().addHandler(recorder)
    yield heard
    logging.getLogger().removeHandler(recorder)
    for name, level in before.items():
        logging.getLogger(name).setLevel(level)


@pytest.fixture(scope="module")
def marked_clients() -> Clients:
    """Clients that sign with the marked credentials."""
    return Clients.connect("eu-west-1", boto3.Session(*CREDENTIALS))


@pytest.fixture
def aws(marked_clients: Clients) -> Iterator[FakeAws]:
    """AWS in memory, which is asked with the marked credentials."""
    aws = FakeAws()
    aws.clients = marked_clients
    for client in (marked_clients.sagemaker_runtime, marked_clients.s3, marked_clients.s3_uploads):
        aws.serve(client.meta.events)
    yield aws
    aws.close()


def _answers(content: bytes, content_type: str = "application/json", at: str = OUTPUT) -> Callable[[FakeAws], None]:
    return lambda aws: aws.put(at, content, content_type, after=60)


def _fails(operation: str, *faults: Any) -> Callable[[FakeAws], None]:  # noqa: ANN401 - errors and answers
    def prepare(aws: FakeAws) -> None:
        aws.put(OUTPUT, json.dumps(ANSWER).encode())
        aws.fail(operation, *faults)

    return prepare


EVENTS: Final[dict[str, dict[str, Any]]] = {
    "inline": {"payload": {"text": PAYLOAD}, "inference_id": "id-1"},
    "text": {"payload": PAYLOAD, "content_type": "text/plain"},
    "uploaded": {"payload": TOO_LARGE_FOR_A_REQUEST},
}

COURSES: Final[dict[str, Callable[[FakeAws], None]]] = {
    "JSON": _answers(json.dumps({"text": ANSWER}).encode()),
    "text": _answers(ANSWER.encode(), "text/plain"),
    "bytes": _answers(b"\xff" + ANSWER.encode(), "application/octet-stream"),
    "no JSON, called so": _answers(b"{" + ANSWER.encode()),
    "not UTF-8, called so": _answers(ANSWER.encode() + b"\xff", "text/plain; charset=utf-8"),
    "in an unknown character set": _answers(ANSWER.encode(), "text/plain; charset=no-such"),
    "nothing": _answers(b""),
    "no outcome": lambda _: None,
    "broken off": _fails("GetObject", *[broken_off(ANSWER.encode(), size=1_000)] * 9),
    "reading is forbidden": _fails("GetObject", *[s3_error(403, "AccessDenied")] * 9),
    "S3 fails for a while": _fails("GetObject", *[s3_error(503, "SlowDown")] * 5),
    "S3 is away": _fails("GetObject", *[EndpointConnectionError(endpoint_url=ENDED)] * 500),
    "uploading is forbidden": _fails("PutObject", s3_error(403, "AccessDenied")),
    "SageMaker throttles": _fails("InvokeEndpointAsync", *[service_error(429, "ThrottlingException")] * 3),
    "SageMaker fails": _fails("InvokeEndpointAsync", service_error(500, "InternalFailure")),
    "SageMaker hangs up": _fails("InvokeEndpointAsync", ConnectionClosedError(endpoint_url=ENDED)),
    "SageMaker is away": _fails("InvokeEndpointAsync", *[EndpointConnectionError(endpoint_url=ENDED)] * 500),
    "the token is old": _fails("InvokeEndpointAsync", service_error(403, "ExpiredTokenException", "it expired")),
    "a defect": _fails("InvokeEndpointAsync", RuntimeError("a defect")),
}


def _invoke(aws: FakeAws, event: object, heard: Heard) -> dict[str, Any] | None:
    end = aws.time.monotonic + 900
    try:
        with redirect_stderr(io.StringIO()) as stderr:
            return polling.answer(event, endpoint=aws.endpoint(), seconds_left=lambda: end - aws.time.monotonic)
    except Exception as error:  # noqa: BLE001 - whatever it is, Lambda logs it
        heard.errors.append(error)
        return None
    finally:
        heard.stderr += stderr.getvalue()


def _assert_silent_on(secrets: tuple[str, ...], text: str) -> None:
    assert [secret for secret in secrets if secret.casefold() in text.casefold()] == []


@pytest.mark.parametrize("course", COURSES)
@pytest.mark.parametrize("event", EVENTS)
def test_the_function_keeps_what_it_is_given_and_answered(aws: FakeAws, heard: Heard, event: str, course: str) -> None:
    """Whatever comes of a request, and it is logged that something did."""
    COURSES[course](aws)

    answer = _invoke(aws, EVENTS[event], heard)

    assert aws.requests, "nothing was sent, so nothing was tried"
    assert heard.records or heard.errors
    assert (answer is None) == bool(heard.errors)
    _assert_silent_on(SECRETS, heard.all())


@pytest.mark.parametrize("body", [f"no image: {ANSWER}", json.dumps({"message": ANSWER})])
def test_the_models_failure_is_told_to_the_caller_and_not_logged_by_us(aws: FakeAws, heard: Heard, body: str) -> None:
    """Its words are in the error that the caller asked for; what he sent is not."""
    aws.put(FAILURE, body.encode())

    _invoke(aws, EVENTS["inline"], heard)

    [error] = heard.errors
    assert isinstance(error, ModelError)
    assert ANSWER in str(error)
    _assert_silent_on((PAYLOAD, *CREDENTIALS), heard.all())
    _assert_silent_on(SECRETS, heard.logged() + heard.stderr)


REFUSED: Final[dict[str, object]] = {
    "a text": PAYLOAD,
    "a list": [PAYLOAD],
    "no source": {"paylod": PAYLOAD},
    "two sources": {"payload": PAYLOAD, "input_location": f"s3://{BUCKET}/input/{PAYLOAD}"},
    "an unknown field": {"payload": PAYLOAD, "inferenceid": PAYLOAD},
    "a field of another type": {"payload": PAYLOAD, "request_ttl_seconds": [1]},
    "a field out of bounds": {"payload": PAYLOAD, "request_ttl_seconds": 1},
    "an ambiguous text": {"payload": f"s3://{PAYLOAD}"},
    "no JSON": {"payload": {"text": PAYLOAD, "number": float("nan")}},
    "an object of Python": {"payload": {"text": PAYLOAD, PAYLOAD: object()}},
    "not Unicode": {"payload": f"{PAYLOAD}\ud800"},
    "not Unicode within": {"payload": {"text": f"{PAYLOAD}\ud800"}},
    "a job that is a text": {"job": PAYLOAD},
    "a job of something else": {"job": {"payload": PAYLOAD}},
}


@pytest.mark.parametrize("event", REFUSED)
def test_a_refusal_does_not_quote_the_payload(aws: FakeAws, heard: Heard, event: str) -> None:
    """Nor does the traceback, with all that led to it; and nothing was sent."""
    _invoke(aws, REFUSED[event], heard)

    assert len(heard.errors) == 1
    assert aws.requests == []
    _assert_silent_on(SECRETS, heard.all())


def test_what_the_library_hands_out_hides_what_it_holds(aws: FakeAws) -> None:
    """Jobs and endpoints are printed and logged by those who use them."""
    endpoint = aws.endpoint()
    job = endpoint.submit({"text": PAYLOAD})
    large = endpoint.submit(TOO_LARGE_FOR_A_REQUEST)

    _assert_silent_on(SECRETS, f"{job!r} {large!r} {endpoint!r} {aws.clients!r} {job.to_dict()}")


def test_the_sdk_at_debug_would_show_it(aws: FakeAws, heard: Heard) -> None:
    """Which is why it is for its caller to turn on; and it shows that the markers are really sent and signed with."""
    logging.getLogger("botocore").setLevel(logging.DEBUG)

    _invoke(aws, EVENTS["inline"], heard)

    assert PAYLOAD in heard.logged()
    assert CREDENTIALS[-1] in heard.logged()


@pytest.fixture
def cloud() -> Iterator[FakeCloud]:
    """AWS in memory, with an endpoint that the command line finds."""
    with closing(FakeCloud()) as cloud:
        yield cloud


def _run(command_line: CommandLine, heard: Heard, *words: str, stdin: str | None = None) -> str:
    result = command_line.run(*words, stdin=stdin)
    heard.stderr += result.stderr
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        heard.errors.append(result.exception)
    return result.stdout


def _submit_and_wait(command_line: CommandLine, heard: Heard, page: Path) -> None:
    job = _run(command_line, heard, "submit", str(page))
    if job:
        _run(command_line, heard, "wait", stdin=job)


def _run_batch(command_line: CommandLine, heard: Heard, page: Path) -> None:
    _run(command_line, heard, "batch", str(page), "--output", str(page.parent / "results"))


COMMANDS: Final = {"submit and wait": _submit_and_wait, "batch": _run_batch}


@pytest.mark.parametrize("is_terminal", [False, True], ids=["plain", "terminal"])
@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("course", [course for course in COURSES if course != "no outcome"])  # hours of nothing to tell
def test_the_command_line_tells_names_and_no_contents(
    cloud: FakeCloud, heard: Heard, tmp_path: Path, course: str, command: str, *, is_terminal: bool
) -> None:
    """On standard error, in logs and in what ends it; results go to standard output and to files."""
    page = tmp_path / "page.txt"
    page.write_text(PAYLOAD)
    COURSES[course](cloud)

    COMMANDS[command](CommandLine(cloud, is_terminal), heard, page)

    assert "error:" in heard.stderr or any(PAYLOAD.encode() in request.body for request in cloud.requests)
    _assert_silent_on((PAYLOAD, ANSWER, *ASSUMED), heard.all())


@pytest.mark.parametrize(
    "manifest", ['{"payload": "%s"', '{"payload": "%s", "colour": 1}', '"%s"', '{"input": ["%s"]}']
)
def test_a_refused_manifest_is_not_quoted(cloud: FakeCloud, heard: Heard, tmp_path: Path, manifest: str) -> None:
    """Its line has a number."""
    path = tmp_path / "inputs.jsonl"
    path.write_text('{"schema": 1}\n' + manifest % PAYLOAD + "\n")

    _run(CommandLine(cloud), heard, "batch", str(path), "--output", str(tmp_path / "results"))

    assert "line 2" in heard.stderr
    _assert_silent_on((PAYLOAD, *ASSUMED), heard.all())


def test_a_manifest_without_its_first_line_is_not_quoted(cloud: FakeCloud, heard: Heard, tmp_path: Path) -> None:
    """Its first line is an input then."""
    path = tmp_path / "inputs.jsonl"
    path.write_text(json.dumps({"payload": PAYLOAD}))

    _run(CommandLine(cloud), heard, "batch", str(path), "--output", str(tmp_path / "results"))

    assert "line 1" in heard.stderr
    _assert_silent_on((PAYLOAD,), heard.all())
