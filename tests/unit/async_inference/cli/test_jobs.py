"""``submit``, ``wait`` and ``status``: single jobs, from one process to the next."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from async_inference import remedies
from async_inference.configuration import Consumer
from async_inference.locations import S3Location
from tests.unit.async_inference.cli.fake_cloud import QUEUE_URL, CommandLine, FakeCloud, endpoint_description
from tests.unit.async_inference.fake_aws import BUCKET, CONFIGURATION, ENDPOINT, FAILURE, OUTPUT, service_error

if TYPE_CHECKING:
    from pathlib import Path

    from syrupy.assertion import SnapshotAssertion

DENIED = service_error(400, "AccessDeniedException", "User: u is not authorized to perform: x:Y on resource: r")


def document(number: int = 1) -> dict[str, Any]:
    """Return a job's document: the first has the fake AWS's own locations."""
    output, failure = (
        (OUTPUT, FAILURE)
        if number == 1
        else (f"s3://{BUCKET}/output/{number}.out", f"s3://{BUCKET}/failure/{number}.out")
    )
    return {
        "schema": 1,
        "endpoint_name": ENDPOINT,
        "inference_id": f"job-{number}",
        "output_location": output,
        "failure_location": failure,
        "submitted_at": "2027-01-15T08:00:00+00:00",
        "request_ttl_seconds": 7_200,
        "invocation_timeout_seconds": 1_800,
    }


@pytest.fixture
def jobs(tmp_path: Path) -> Path:
    """A file of three jobs."""
    path = tmp_path / "jobs.jsonl"
    path.write_text("".join(json.dumps(document(number)) + "\n" for number in (1, 2, 3)))
    return path


def test_submit_prints_a_job_that_wait_takes(cloud: FakeCloud, command_line: CommandLine, tmp_path: Path) -> None:
    """One line, so that it can be piped; the result comes out byte for byte."""
    page = tmp_path / "page.png"
    page.write_bytes(b"\x89PNG")
    cloud.put(OUTPUT, b"\x00\xff result", after=7.0)

    submitted = command_line.run("submit", str(page), "--inference-id", "job-1")
    waited = command_line.run("wait", stdin=submitted.stdout)

    assert json.loads(submitted.stdout) == document()
    assert submitted.stderr == ""
    assert (waited.exit_code, waited.stdout_bytes) == (0, b"\x00\xff result")
    assert cloud.sent("InvokeEndpointAsync")[0].headers["x-amzn-sagemaker-content-type"] == "image/png"


def test_submitting(command_line: CommandLine, snapshot: SnapshotAssertion) -> None:
    """The same document for people and for programs."""
    words = ["submit", "-", "--inference-id", "job-1"]

    assert snapshot == command_line.golden(*words, stdin="page")
    assert command_line.run(*words, "--json", stdin="page").stdout == command_line.run(*words, stdin="page").stdout


def test_submit_takes_standard_input_and_fields(cloud: FakeCloud, plain: CommandLine) -> None:
    """Under the names that the library has."""
    words = ["--content-type", "a/b", "--accept", "c/d", "--custom-attributes", "e", "--invocation-timeout", "60"]

    plain.run("submit", "-", *words, "--request-ttl", "61", stdin=b"standard input")

    (request,) = cloud.sent("InvokeEndpointAsync")
    fields = {name.removeprefix("x-amzn-sagemaker-"): value for name, value in request.headers.items()}
    assert request.body == b"standard input"
    assert [fields[name] for name in ("content-type", "accept", "custom-attributes")] == ["a/b", "c/d", "e"]
    assert [fields[name] for name in ("invocationtimeoutseconds", "requestttlseconds")] == ["60", "61"]


def test_submit_prints_each_job_before_the_next_is_submitted(
    cloud: FakeCloud, plain: CommandLine, tmp_path: Path
) -> None:
    """What was submitted is known, whatever happens to the rest."""
    page = tmp_path / "page.png"
    page.write_bytes(b"x")
    elsewhere = S3Location(BUCKET, "elsewhere/page.png")

    result = plain.run("submit", str(page), str(page), str(elsewhere))

    assert (result.exit_code, len(result.stdout.splitlines())) == (2, 2)
    assert len(cloud.sent("InvokeEndpointAsync")) == 2


def test_a_bad_input_is_told_before_any_is_submitted(cloud: FakeCloud, plain: CommandLine, tmp_path: Path) -> None:
    """By its name: whoever corrects it and repeats the command submits nothing twice."""
    good, empty = tmp_path / "good.txt", tmp_path / "empty.txt"
    good.write_text("page")
    empty.touch()

    result = plain.run("submit", str(good), str(empty))

    assert (result.exit_code, result.stdout) == (2, "")
    assert f"{empty}: payload: is empty" in result.stderr
    assert "InvokeEndpointAsync" not in cloud.operations()


def test_a_result_in_a_terminal_is_not_drawn_over(
    cloud: FakeCloud, command_line: CommandLine, monkeypatch: pytest.MonkeyPatch, jobs: Path
) -> None:
    """Progress is in lines then, and the result ends with one of its own."""
    monkeypatch.setattr("async_inference.cli.wait.is_terminal", lambda: True)
    cloud.put(OUTPUT, b"one", after=3.0)
    job = jobs.parent / "job.json"
    job.write_text(jobs.read_text().splitlines()[0])

    result = command_line.run("wait", str(job))

    assert result.stdout == "one\n"
    assert "\x1b[" not in result.stderr


def test_waiting_for_several_jobs(
    cloud: FakeCloud,
    command_line: CommandLine,
    snapshot: SnapshotAssertion,
    jobs: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Progress until each has ended, then a status that says that one failed."""
    monkeypatch.chdir(jobs.parent)
    cloud.metrics(backlog=2.0, age=80.0)
    cloud.put(OUTPUT, b"one", after=3.0)
    cloud.put(f"s3://{BUCKET}/failure/2.out", b"no image", after=11.0)
    cloud.put(f"s3://{BUCKET}/output/3.out", b"three", after=25.0)

    assert snapshot == command_line.golden("wait", "jobs.jsonl", "--output", "results")
    assert {path.name: path.read_bytes() for path in (jobs.parent / "results").iterdir()} == {
        "job-1": b"one",
        "job-3": b"three",
    }


@pytest.mark.parametrize(("inference_id", "name"), [(".", "%2E"), ("..", "%2E%2E"), ("a..b", "a..b"), ("a/b", "a%2Fb")])
def test_inference_ids_that_are_no_names_of_files_are_encoded(
    cloud: FakeCloud, plain: CommandLine, tmp_path: Path, inference_id: str, name: str
) -> None:
    """As in an address, so that they can be read and stay different."""
    cloud.put(OUTPUT, b"one")
    cloud.put(f"s3://{BUCKET}/output/2.out", b"two")
    documents = [document(1) | {"inference_id": inference_id}, document(2)]

    result = plain.run("wait", "-o", str(tmp_path / "out"), stdin="\n".join(map(json.dumps, documents)))

    assert result.exit_code == 0
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == {name: b"one", "job-2": b"two"}


def test_waiting_for_programs(
    cloud: FakeCloud,
    command_line: CommandLine,
    snapshot: SnapshotAssertion,
    jobs: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A line of JSON for each job; without an output, results stay where they are."""
    monkeypatch.chdir(jobs.parent)
    cloud.put(OUTPUT, b"one")
    cloud.put(f"s3://{BUCKET}/failure/2.out", b"no image")
    cloud.put(f"s3://{BUCKET}/output/3.out", b"")

    assert snapshot == command_line.golden("wait", "jobs.jsonl", "--json")


def test_a_timeout_says_that_the_job_goes_on(command_line: CommandLine, snapshot: SnapshotAssertion) -> None:
    """With an exit code of its own."""
    assert snapshot == command_line.golden("wait", "--timeout", "20", stdin=json.dumps(document()))


def test_one_result_goes_to_a_file(cloud: FakeCloud, plain: CommandLine, tmp_path: Path) -> None:
    """And nothing to standard output."""
    cloud.put(OUTPUT, b"result")

    result = plain.run("wait", "--output", str(tmp_path / "page.json"), stdin=json.dumps(document()))

    assert (result.exit_code, result.stdout) == (0, "")
    assert (tmp_path / "page.json").read_bytes() == b"result"


def test_a_result_that_cannot_be_written_is_told_in_one_line(
    cloud: FakeCloud, plain: CommandLine, tmp_path: Path
) -> None:
    """It is still in S3."""
    cloud.put(OUTPUT, b"result")

    result = plain.run("wait", "--output", str(tmp_path / "no" / "folder"), stdin=json.dumps(document()))

    assert result.exit_code == 2
    assert [line.partition(" ")[0] for line in result.stderr.splitlines()[-2:]] == ["error:", "remedy:"]


def test_several_results_need_a_directory(plain: CommandLine, jobs: Path) -> None:
    """Bytes of several results in a row could not be told apart."""
    result = plain.run("wait", str(jobs))

    assert result.exit_code == 2
    assert "has 3 jobs, whose results need --output DIRECTORY" in result.stderr


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "line 1: is no JSON, expected what submit printed"),
        ("[]", "line 1: job: got list, expected the object that to_dict() returned"),
        ('{"schema": 9}', "line 1: job.schema: got '9', this version of async_inference reads 1"),
    ],
)
def test_what_is_no_job_is_refused_by_its_line(plain: CommandLine, text: str, message: str) -> None:
    """As with everything that somebody else wrote."""
    result = plain.run("wait", stdin=text)

    assert (result.exit_code, result.stderr.splitlines()[0]) == (2, f"error: -, {message}")


def test_the_state_of_jobs(
    cloud: FakeCloud, command_line: CommandLine, snapshot: SnapshotAssertion, jobs: Path
) -> None:
    """What S3 knows is certain, the rest is marked."""
    cloud.put(OUTPUT, b"one")
    cloud.put(f"s3://{BUCKET}/failure/2.out", b"no image")
    cloud.said["DescribeEndpoint"] = endpoint_description("Updating", 0, 1)

    assert snapshot == command_line.golden("status", "-", stdin=jobs.read_text())
    assert snapshot == command_line.golden("status", "-", "--json", stdin=jobs.read_text())


def test_what_cannot_be_inferred_is_unknown(cloud: FakeCloud, plain: CommandLine) -> None:
    """A young job of an endpoint with instances is queued or running."""
    cloud.metrics(backlog=3.0, age=30.0)

    result = plain.run("status", "-", stdin=json.dumps(document()))

    assert result.stdout == "job-1  unknown  queued or running: it is younger than what is known of the queue\n"


def test_the_endpoint_is_not_asked_about_jobs_that_have_ended(cloud: FakeCloud, plain: CommandLine) -> None:
    """S3 knows all there is to know."""
    cloud.put(OUTPUT, b"one")

    plain.run("status", "-", stdin=json.dumps(document()))

    assert "DescribeEndpoint" not in cloud.operations()


def test_the_state_of_the_endpoint(cloud: FakeCloud, command_line: CommandLine, snapshot: SnapshotAssertion) -> None:
    """Instances, backlog and the age of the oldest request."""
    cloud.metrics(backlog=7.0, age=80.0)
    cloud.said["DescribeEndpoint"] = endpoint_description("Updating", 1, 2)

    assert snapshot == command_line.golden("status")
    assert snapshot == command_line.golden("status", "--json")


def test_what_may_not_be_seen_is_unknown_and_said(
    cloud: FakeCloud, command_line: CommandLine, snapshot: SnapshotAssertion
) -> None:
    """With the action that it would take."""
    cloud.fail("DescribeEndpoint", DENIED)
    cloud.fail("GetMetricData", DENIED)

    assert snapshot == command_line.golden("status")


def test_the_newest_metric_counts(cloud: FakeCloud, plain: CommandLine) -> None:
    """Whatever order CloudWatch answers in."""
    cloud.metrics(backlog=7.0)

    document = json.loads(plain.run("status", "--json").stdout)

    assert (document["endpoint"]["backlog"], document["endpoint"]["oldest_age_seconds"]) == (7, None)
    (request,) = cloud.sent("GetMetricData")
    dimensions = [
        query["MetricStat"]["Metric"]["Dimensions"] for query in json.loads(request.body)["MetricDataQueries"]
    ]
    assert dimensions == [[{"Name": "EndpointName", "Value": ENDPOINT}]] * 2


def test_failed_jobs_have_remedies(cloud: FakeCloud, plain: CommandLine) -> None:
    """Those that exceptions have."""
    cloud.put(FAILURE, b"no image")

    result = plain.run("wait", stdin=json.dumps(document()))

    assert result.exit_code == 1
    assert f"remedy: {remedies.MODEL_FAILED}" in result.stderr.splitlines()


def test_jobs_of_the_same_label_have_files_of_their_own(cloud: FakeCloud, plain: CommandLine, tmp_path: Path) -> None:
    """Inference ids are labels, which callers may repeat; the same job twice is one."""
    documents = [
        document(1),
        document(2) | {"inference_id": "job-1"},
        document(3) | {"inference_id": "a/b"},
        document(1),
    ]
    for number, location in enumerate((OUTPUT, f"s3://{BUCKET}/output/2.out", f"s3://{BUCKET}/output/3.out"), 1):
        cloud.put(location, b"%d" % number)

    result = plain.run("wait", "-o", str(tmp_path / "out"), stdin="\n".join(map(json.dumps, documents)))

    assert result.exit_code == 0
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == {
        "job-1": b"1",
        "job-1+2": b"2",
        "a%2Fb": b"3",
    }


def test_a_consumer_labels_its_jobs(cloud: FakeCloud, plain: CommandLine) -> None:
    """So that their notices reach its queue."""
    cloud.configuration = replace(CONFIGURATION, consumers={"reports": Consumer(queue_url=QUEUE_URL)})

    submitted = plain.run("submit", "-", "--consumer", "reports", stdin="x")

    assert json.loads(submitted.stdout)["inference_id"].startswith("reports-")


def test_an_unknown_consumer_is_told_in_one_line(plain: CommandLine) -> None:
    """As the library words it."""
    result = plain.run("submit", "-", "--consumer", "reports", stdin="x")

    assert result.exit_code == 3
    assert "reports" in result.stderr.splitlines()[0]


def test_a_reader_that_has_gone_is_no_error(plain: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    """As with every program in a pipe."""
    closed: list[int] = []

    def gone(*_: object, **__: object) -> None:
        raise BrokenPipeError

    monkeypatch.setattr("click.echo", gone)
    monkeypatch.setattr("async_inference.cli.main.close_output", lambda: closed.append(1))

    result = plain.run("status")

    assert (result.exit_code, result.output, closed) == (2, "", [1])
