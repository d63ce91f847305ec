"""Batches as their callers see them, from recording to results, with AWS in memory."""

from __future__ import annotations

import errno
import json
import os
import resource
import subprocess
import sys
import threading
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import pytest

from async_inference import AsyncEndpoint, BatchBusy, EndpointUnavailable, InvalidRequest, PermissionDenied, S3Location
from async_inference.batches import BatchItem
from async_inference.batches.lease import LEASE_SECONDS
from async_inference.batches.sinks import MARKER
from async_inference.files import replacement
from tests.unit.async_inference.fake_aws import BUCKET, CONFIGURATION, service_error

if TYPE_CHECKING:
    from collections.abc import Callable

    from async_inference.batches import BatchProgress, BatchSummary
    from tests.unit.async_inference.batches.conftest import AnsweringAws

KINDS = [BatchItem(kind, kind.encode()) for kind in ("json", "text", "binary", "nothing", "fail", "never")]
DENIED = service_error(403, "AccessDeniedException", "no")
THROTTLED = service_error(400, "ThrottlingException", "slower")
BROKEN = service_error(500, "InternalFailure", "oh")


def lines(path: Path) -> dict[str, dict[str, Any]]:
    """Return the lines of a results file by the names of their items."""
    found = [json.loads(line) for line in path.read_text().splitlines()]
    assert len({line["item"] for line in found}) == len(found)
    return {line["name"]: line for line in found}


def files(folder: Path) -> set[str]:
    """Return the names of the files of a results directory."""
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()} - {MARKER}


def document(aws: AnsweringAws, name: str) -> dict[str, Any]:
    """Return a JSON object of batch b in S3."""
    found: dict[str, Any] = json.loads(aws.objects[f"s3://{BUCKET}/batches/b/{name}"].content.splitlines()[0])
    return found


def rewrite(aws: AnsweringAws, name: str, **members: object) -> None:
    """Change the first line of an object of batch b."""
    uri = f"s3://{BUCKET}/batches/b/{name}"
    first, *rest = aws.objects[uri].content.splitlines()
    changed = json.dumps(json.loads(first) | members).encode()
    aws.objects[uri] = replace(aws.objects[uri], content=b"\n".join([changed, *rest]) + b"\n")


def test_a_directory_gets_a_file_for_each_result_and_each_failure(answering: AnsweringAws, tmp_path: Path) -> None:
    """The endings say what they are; items that share no fate do not stop each other."""
    summary = answering.endpoint().batch(KINDS, batch_id="b").run(results=tmp_path)

    assert (summary.items, summary.succeeded, summary.failed, summary.unfinished) == (6, 3, 3, 0)
    assert (summary.submissions, summary.unknown, summary.resubmitted) == (6, 0, 0)
    failures = {
        "nothing.error.json": "ResultCorrupt",
        "fail.error.json": "ModelError",
        "never.error.json": "RequestExpired",
    }
    assert files(tmp_path) == {"json.json", "text.txt", "binary.png", *failures}
    assert (tmp_path / "binary.png").read_bytes() == b"\xff\x00"
    for name, error in failures.items():
        assert json.loads((tmp_path / name).read_text())["error"] == error


def test_a_file_of_json_lines_gets_one_for_each_item(answering: AnsweringAws, tmp_path: Path) -> None:
    """The content is under a member that says how it is encoded."""
    path = tmp_path / "out" / "results.jsonl"
    answering.endpoint().batch(KINDS, batch_id="b").run(results=path)

    found = lines(path)
    item = {"batch_id": "b", "item": 0, "name": "json", "status": "succeeded", "content_type": "application/json"}
    assert found["json"] == item | {"json": {"page": 1.5}}
    assert found["text"]["text"] == "Grüße"
    assert found["binary"]["base64"] == "/wA="
    assert found["fail"]["status"] == "failed"
    assert found["fail"]["error"] == "ModelError"
    assert "no image" in found["fail"]["message"]
    assert found.keys() == {item.name for item in KINDS}


def test_bad_inputs_fail_alone(answering: AnsweringAws, tmp_path: Path) -> None:
    """Each with the reason; the rest is worked on."""
    (tmp_path / "good.txt").write_bytes(b"good")
    (tmp_path / "empty.txt").touch()
    with (tmp_path / "huge.txt").open("wb") as file:
        file.truncate(1_000_000_001)
    inputs: list[Any] = [
        *(tmp_path / f"{name}.txt" for name in ("good", "missing", "empty", "huge")),
        BatchItem("type", b"x", content_type="text/plain; café"),
        S3Location("elsewhere", "input/page"),
        BatchItem("none", None),
    ]
    summary = answering.endpoint().batch(inputs, batch_id="b").run(results=tmp_path / "out.jsonl")

    found = lines(tmp_path / "out.jsonl")
    assert (summary.succeeded, summary.failed, summary.submissions) == (1, 6, 1)
    assert found["good.txt"]["text"] == "good"
    for name, reason in {
        "missing.txt": "cannot read",
        "empty.txt": "is empty",
        "huge.txt": "at most 1,000,000,000",
        "type": "content_type: has characters",
        "page": "is not an object below",
        "none": "is None",
    }.items():
        assert found[name]["error"] == "InvalidRequest"
        assert reason in found[name]["message"]


def test_what_the_service_refuses_fails_alone(answering: AnsweringAws) -> None:
    """It was not submitted."""
    answering.fail("InvokeEndpointAsync", service_error(400, "ValidationError", "bad"))
    summary = answering.endpoint().batch([b"a", b"b"]).run()

    assert (summary.succeeded, summary.failed, summary.submissions) == (1, 1, 1)


def test_an_item_that_was_refused_is_not_waited_for_because_of_an_earlier_attempt(answering: AnsweringAws) -> None:
    """That one may have arrived, but the item is settled; other items outlast its deadline."""
    answering.fail("InvokeEndpointAsync", BROKEN, service_error(400, "ValidationError", "bad"))
    summary = answering.endpoint().batch([b"1", b"never"], max_unfinished=1).run()

    assert (summary.failed, summary.submissions, summary.unknown) == (2, 2, 1)


def test_large_inputs_are_uploaded_before_the_batch_exists(answering: AnsweringAws, tmp_path: Path) -> None:
    """The file may be gone when the batch is worked on."""
    page = tmp_path / "page.png"
    page.write_bytes(b"x" * 200_000)
    batch = answering.endpoint().batch([page], batch_id="b")
    page.unlink()

    assert batch.run().succeeded == 1
    location = answering.sent("InvokeEndpointAsync")[0].headers["x-amzn-sagemaker-inputlocation"]
    assert location.startswith(f"s3://{BUCKET}/input/b/")
    assert answering.objects[location].content == b"x" * 200_000


def test_results_come_back_from_s3_when_they_are_deleted_here(answering: AnsweringAws, tmp_path: Path) -> None:
    """On another machine, for example; nothing is submitted for it, and what is there is not fetched again."""
    endpoint = answering.endpoint()
    endpoint.batch(KINDS, batch_id="b").run(results=tmp_path / "first")
    answering.requests.clear()

    summary = endpoint.resume("b").run(results=tmp_path / "second")
    endpoint.resume("b").run(results=tmp_path / "second.jsonl")

    assert answering.sent("InvokeEndpointAsync") == []
    assert files(tmp_path / "second") == files(tmp_path / "first")
    assert len(lines(tmp_path / "second.jsonl")) == summary.items
    answering.requests.clear()
    endpoint.resume("b").run(results=tmp_path / "second")
    assert not [one for one in answering.sent("GetObject") if "/output/" in one.location]


def test_items_that_stand_in_each_other_s_way_all_arrive(answering: AnsweringAws, tmp_path: Path) -> None:
    """A file cannot be where a folder is: whoever comes second is called by its number, and stays so."""
    endpoint = answering.endpoint()
    inputs = [BatchItem(name, b"text") for name in ("x", "x.txt/y", "x.txt/y.txt/z", "other")]
    summary = endpoint.batch(inputs, batch_id="b").run(results=tmp_path / "out")

    assert (summary.succeeded, summary.unfinished) == (4, 0)
    there = files(tmp_path / "out")
    assert len(there) == 4
    assert "other.txt" in there
    for item, (usual, numbered) in enumerate(
        [("x.txt", "00000000-x.txt"), ("x.txt/y.txt", "00000001-y.txt"), ("x.txt/y.txt/z.txt", "00000002-z.txt")]
    ):
        assert len(there & {usual, numbered}) == 1, item
    answering.requests.clear()
    endpoint.resume("b").run(results=tmp_path / "out")
    assert files(tmp_path / "out") == there
    assert not [one for one in answering.sent("GetObject") if "/output/" in one.location]


def test_a_name_that_is_too_long_for_this_disk_is_cut(
    answering: AnsweringAws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some file systems take fewer characters than others; the item's number keeps it apart."""

    def limited(path: Path) -> Any:  # noqa: ANN401 - a context
        if len(os.fsencode(path.name)) > 143:
            raise OSError(errno.ENAMETOOLONG, "File name too long", str(path))
        return replacement(path)

    monkeypatch.setattr("async_inference.downloads.replacement", limited)
    monkeypatch.setattr("async_inference.batches.sinks.replacement", limited)
    endpoint = answering.endpoint()
    inputs = [BatchItem("folder/" + "é" * 99, b"text"), BatchItem("b" * 199, b"fail")]
    endpoint.batch(inputs, batch_id="b").run(results=tmp_path / "out")

    there = {f"00000000-{'é' * 50}.txt", f"00000001-{'b' * 100}.error.json"}
    assert files(tmp_path / "out") == there
    endpoint.resume("b").run(results=tmp_path / "out")
    assert files(tmp_path / "out") == there


def test_a_path_that_this_disk_cannot_even_look_up_is_not_there(answering: AnsweringAws, tmp_path: Path) -> None:
    """Where the directory is so deep that the whole path is too long."""
    endpoint = answering.endpoint()
    deep = tmp_path
    while len(str(deep)) < os.pathconf(tmp_path, "PC_PATH_MAX") - 600:
        deep /= "d" * 200
    endpoint.batch([BatchItem("/".join(["e" * 190] * 5), b"text")], batch_id="b").run()

    endpoint.resume("b").run(results=deep)

    assert files(deep) == {f"00000000-{'e' * 100}.txt"}


def test_names_that_differ_only_in_case_all_arrive_where_case_does_not_count(
    answering: AnsweringAws, tmp_path: Path
) -> None:
    """The second would take the first one's place without an error."""
    out = tmp_path / "out"
    out.mkdir()
    endpoint = answering.endpoint()
    inputs = [BatchItem(name, name.encode()) for name in ("page", "Page", "other")]
    batch = endpoint.batch(inputs, batch_id="b")
    batch.run()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("async_inference.batches.sinks.ignores_case", lambda _: True)
        for _ in range(2):
            endpoint.resume("b").run(results=out)

    there = files(out)
    assert "other.txt" in there
    assert len({name.lower() for name in there}) == 3
    assert {(out / name).read_text() for name in there} == {"page", "Page", "other"}


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EACCES, errno.EIO])
def test_a_disk_that_takes_nothing_stops_the_run(
    answering: AnsweringAws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """It is no matter of one item's name: every other would go the same way."""

    def refuse(path: Path) -> NoReturn:
        raise OSError(number, os.strerror(number), str(path))

    batch = answering.endpoint().batch([b"1"], batch_id="b")
    monkeypatch.setattr("async_inference.downloads.replacement", refuse)

    with pytest.raises(InvalidRequest, match=rf"^results: item 0 cannot be written: {os.strerror(number)}"):
        batch.run(results=tmp_path / "out")
    monkeypatch.undo()
    assert answering.endpoint().resume("b").run(results=tmp_path / "out").submissions == 1
    assert files(tmp_path / "out") == {"00000000.txt"}


def test_results_may_be_named_by_a_text(answering: AnsweringAws, tmp_path: Path) -> None:
    """As with open()."""
    batch = answering.endpoint().batch([b"1"], batch_id="b")
    batch.run(results=str(tmp_path / "out"))
    batch.run(results=str(tmp_path / "out.jsonl"))

    assert files(tmp_path / "out") == {"00000000.txt"}
    assert lines(tmp_path / "out.jsonl").keys() == {"00000000"}


def test_what_a_killed_process_left_half_written_is_removed(answering: AnsweringAws, tmp_path: Path) -> None:
    """If it is old enough to be nobody's work any more, and has the form that this library gives it."""
    endpoint, now = answering.endpoint(), answering.time.now
    endpoint.batch([BatchItem("a/b", b"1")], batch_id="b").run(results=tmp_path)
    part = f".{'0af' * 10}12.part"
    ages = {part: 7_200.0, f"a/{part}": 7_200.0, f".{'1' * 32}.part": 1_800.0, ".mine.part": 7_200.0}
    for name, age in ages.items():
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (now - age, now - age))

    endpoint.resume("b").run(results=tmp_path)

    assert files(tmp_path) == {"a/b.txt", f".{'1' * 32}.part", ".mine.part"}


def test_an_endpoint_that_answers_elsewhere_stops_the_run_and_fails_no_item(answering: AnsweringAws) -> None:
    """Its paths have changed since its configuration was read, so that every item would go the same way."""
    endpoint = answering.endpoint()
    moved = replace(CONFIGURATION, prefixes=replace(CONFIGURATION.prefixes, output="elsewhere/"))
    stale = AsyncEndpoint(moved, clients=answering.clients, clock=answering.time.clock)
    batch = stale.batch([b"%d" % number for number in range(50)], batch_id="b")

    with pytest.raises(EndpointUnavailable, match=r"accepted inference id .* but answers to "):
        batch.run()

    before = endpoint.batch_summary("b")
    assert (before.failed, before.unfinished, before.unknown) == (0, 50, 5)
    assert endpoint.resume("b").run().succeeded == 50


def test_a_run_that_is_stopped_while_it_reads_the_journal_changes_nothing(answering: AnsweringAws) -> None:
    """Reading that of a huge batch takes minutes."""
    endpoint, stop = answering.endpoint(), threading.Event()
    batch = endpoint.batch([b"1", b"2"], batch_id="b")
    answering.fail("InvokeEndpointAsync", DENIED)
    with pytest.raises(PermissionDenied):
        batch.run()
    answering.requests.clear()
    stop.set()

    assert endpoint.resume("b").run(stop=stop).unfinished == 2
    assert not [one for one in answering.sent("PutObject") if "/journal/" in one.location]
    assert document(answering, "lease.json")["is_released"]
    assert endpoint.resume("b").run().succeeded == 2


def test_a_result_that_s3_has_no_more_is_a_failure_here(answering: AnsweringAws, tmp_path: Path) -> None:
    """The others are brought back all the same."""
    endpoint = answering.endpoint()
    endpoint.batch([BatchItem("one", b"1"), BatchItem("two", b"2")], batch_id="b").run()
    gone = next(uri for uri in answering.objects if uri.endswith("/00000000-001"))
    del answering.objects[gone]

    endpoint.resume("b").run(results=tmp_path)

    assert files(tmp_path) == {"one.error.json", "two.txt"}


def test_a_line_that_was_cut_off_is_written_again(answering: AnsweringAws, tmp_path: Path) -> None:
    """The others stay as they are."""
    endpoint, path = answering.endpoint(), tmp_path / "out.jsonl"
    endpoint.batch([b"1", b"2"], batch_id="b").run(results=path)
    whole = path.read_bytes()
    path.write_bytes(whole[:-7])

    endpoint.resume("b").run(results=path)

    assert path.read_bytes() == whole


def test_a_full_disk_stops_the_run_in_order(answering: AnsweringAws, tmp_path: Path) -> None:
    """With an error that names the file's trouble; once there is room again, every line is there once."""
    path = tmp_path / "out.jsonl"
    batch = answering.endpoint().batch([letter * 300 for letter in (b"a", b"b", b"c")], batch_id="b")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (600, limits[1]))
    try:
        with pytest.raises(InvalidRequest, match=r"^results: item \d cannot be written: File too large"):
            batch.run(results=path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert batch.run(results=path).submissions == 3

    assert {name: line["text"][0] for name, line in lines(path).items()} == {
        "00000000": "a",
        "00000001": "b",
        "00000002": "c",
    }


@pytest.mark.parametrize("content", [b"notes", b'{"batch_id": "other", "item": 0}\n', b"[]\n", b'{"batch_id": "o'])
def test_a_file_of_something_else_is_left_alone(answering: AnsweringAws, tmp_path: Path, content: bytes) -> None:
    """Whether its last line ends or not."""
    path = tmp_path / "out.jsonl"
    path.write_bytes(content)

    with pytest.raises(InvalidRequest, match=r"pass another file"):
        answering.endpoint().batch([b"1"], batch_id="b").run(results=path)
    assert path.read_bytes() == content


def test_a_directory_of_something_else_is_left_alone(answering: AnsweringAws, tmp_path: Path) -> None:
    """Files of the same names would be taken for results; likewise those of another batch."""
    endpoint = answering.endpoint()
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "1.txt").touch()
    endpoint.batch([b"1"], batch_id="a").run(results=tmp_path / "a")
    batch = endpoint.batch([b"1"], batch_id="b")

    with pytest.raises(InvalidRequest, match=r"not empty and not of this batch"):
        batch.run(results=tmp_path / "notes")
    with pytest.raises(InvalidRequest, match=r"holds results of another batch"):
        batch.run(results=tmp_path / "a")
    (tmp_path / "file").touch()
    with pytest.raises(InvalidRequest, match=r"cannot be used"):
        batch.run(results=tmp_path / "file")


def test_two_runs_do_not_write_to_one_file(answering: AnsweringAws, tmp_path: Path) -> None:
    """Their lines would double."""
    endpoint, path = answering.endpoint(), tmp_path / "out.jsonl"
    batch = endpoint.batch([b"1"], batch_id="b")
    refusals: list[str] = []

    def resume_too(_: BatchProgress) -> None:
        with pytest.raises(InvalidRequest) as refusal:
            endpoint.resume("b", take_over=True).run(results=path)
        refusals.append(str(refusal.value))

    batch.run(results=path, progress=resume_too)

    assert set(refusals) == {f"results: another process writes to {path}"}


def test_a_second_run_meets_a_live_lease(answering: AnsweringAws) -> None:
    """It is told who works on the batch and how long ago that process gave a sign of life."""
    endpoint = answering.endpoint()
    batch = endpoint.batch([b"1"], batch_id="b")
    refusals: list[BatchBusy] = []

    def resume_too(_: BatchProgress) -> None:
        with pytest.raises(BatchBusy, match=r"batch b is worked on by process \d+ on ") as refusal:
            endpoint.resume("b").run()
        refusals.append(refusal.value)

    assert batch.run(progress=resume_too).succeeded == 1
    assert refusals
    assert refusals[0].owner.startswith("process ")
    assert document(answering, "lease.json")["is_released"]
    assert endpoint.resume("b").run().succeeded == 1


def test_who_is_taken_over_stops(answering: AnsweringAws) -> None:
    """And whoever took over brings the batch to its end; no item is submitted twice that was recorded."""
    endpoint = answering.endpoint()
    batch = endpoint.batch([b"1", b"2"], batch_id="b")
    summaries: list[BatchSummary] = []

    def take_over(progress: BatchProgress) -> None:
        if progress.submitted and not summaries:
            summaries.append(endpoint.resume("b", take_over=True).run())

    with pytest.raises(BatchBusy):
        batch.run(progress=take_over)
    assert [(one.succeeded, one.submissions - one.resubmitted) for one in summaries] == [(2, 2)]


@pytest.mark.parametrize(("age", "is_busy"), [(LEASE_SECONDS - 1, True), (LEASE_SECONDS, False)])
def test_a_lease_ends_when_its_owner_is_silent(answering: AnsweringAws, age: float, is_busy: bool) -> None:  # noqa: FBT001
    """By S3's clock."""
    endpoint = answering.endpoint()
    endpoint.batch([b"1"], batch_id="b").run()
    rewrite(answering, "lease.json", is_released=False)
    answering.time.advance(answering.objects[f"s3://{BUCKET}/batches/b/lease.json"].since + age - answering.time.now)

    if is_busy:
        with pytest.raises(BatchBusy) as busy:
            endpoint.resume("b").run()
        assert busy.value.silent_seconds == age
    assert endpoint.resume("b", take_over=is_busy).run().unfinished == 0


def test_an_attempt_whose_owner_died_is_unknown_and_submitted_again(answering: AnsweringAws) -> None:
    """Its output is looked for where it should be, and counts if it comes."""
    endpoint = answering.endpoint()
    endpoint.batch([b"1"], batch_id="b").run()
    journal = sorted(uri for uri in answering.objects if "/journal/" in uri)
    for uri in journal[2:]:  # as if the process had died right after the intent was written
        del answering.objects[uri]

    summary = endpoint.resume("b").run()

    assert (summary.succeeded, summary.submissions, summary.unknown, summary.resubmitted) == (1, 2, 1, 1)
    assert endpoint.batch_summary("b") == summary
    names = [one.headers["x-amzn-sagemaker-filename"] for one in answering.sent("InvokeEndpointAsync")]
    assert names == ["00000000-001", "00000000-002"]


def test_an_unknown_attempt_can_be_waited_for_instead(answering: AnsweringAws) -> None:
    """Then it is submitted again only when no result can come any more; here one comes."""
    answering.fail("InvokeEndpointAsync", BROKEN)
    endpoint = answering.endpoint()
    batch = endpoint.batch([b"1"], batch_id="b", on_unknown="wait")
    expected = f"s3://{BUCKET}/output/batches/b/{document(answering, 'manifest.json')['recording']}/00000000-001"
    answering.put(expected, b"it had arrived", "text/plain", after=100.0)

    summary = batch.run()

    assert (summary.succeeded, summary.submissions, summary.unknown, summary.resubmitted) == (1, 1, 1, 0)


def test_an_expired_item_is_submitted_again_only_if_asked(answering: AnsweringAws) -> None:
    """And counted."""
    summary = answering.endpoint().batch([b"never"], max_attempts=3).run()

    assert (summary.failed, summary.submissions, summary.resubmitted) == (1, 3, 2)


def test_a_refusal_by_permission_stops_the_batch_and_it_can_be_resumed(answering: AnsweringAws) -> None:
    """Nothing that was submitted is forgotten, nothing is submitted twice."""
    endpoint = answering.endpoint()
    batch = endpoint.batch([b"1", b"2", b"3"], batch_id="b")
    answering.fail("InvokeEndpointAsync", DENIED)
    with pytest.raises(PermissionDenied):
        batch.run()
    before = endpoint.batch_summary("b")
    assert (before.unfinished, before.submissions, before.unknown) == (3, 2, 0)

    assert endpoint.resume("b").run().succeeded == 3
    assert len(answering.inputs()) == 4  # with the one that was refused
    assert set(answering.inputs()) == {b"1", b"2", b"3"}


def test_an_endpoint_that_is_closed_meanwhile_fails_no_item(answering: AnsweringAws) -> None:
    """It refuses whatever it is sent, which says nothing of the input."""
    endpoint = answering.endpoint()
    batch = endpoint.batch([b"%d" % number for number in range(50)], batch_id="b")

    with pytest.raises(InvalidRequest, match=r"closed"):
        batch.run(progress=lambda progress: endpoint.close() if progress.submitted else None)
    assert answering.endpoint().batch_summary("b").failed == 0
    assert answering.endpoint().resume("b", take_over=True).run().succeeded == 50


def test_a_journal_that_names_files_elsewhere_is_refused(answering: AnsweringAws, tmp_path: Path) -> None:
    """Whoever can write to the bucket must not write to the caller's machine."""
    endpoint = answering.endpoint()
    endpoint.batch([BatchItem("one", b"1")], batch_id="b").run()
    for uri in [uri for uri in answering.objects if "/journal/" in uri]:
        stored = answering.objects[uri]
        answering.objects[uri] = replace(stored, content=stored.content.replace(b'"one"', b'"../one"'))

    with pytest.raises(InvalidRequest, match=r"the name '../one' cannot be used"):
        endpoint.resume("b").run(results=tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_shorter_limit_since_shortens_requests_but_no_deadline(answering: AnsweringAws) -> None:
    """The endpoint was deployed again between two runs."""
    answering.endpoint().batch([b"1"], batch_id="b")
    shorter = replace(CONFIGURATION, limits=replace(CONFIGURATION.limits, max_job_seconds=60))
    endpoint = AsyncEndpoint(shorter, clients=answering.clients, clock=answering.time.clock)

    assert endpoint.resume("b").run().succeeded == 1
    sent = answering.sent("InvokeEndpointAsync")[0]
    assert sent.headers["x-amzn-sagemaker-invocationtimeoutseconds"] == "60"
    assert document(answering, "manifest.json")["options"]["invocation_timeout_seconds"] == 120


def test_trouble_that_may_pass_is_borne_for_a_while(answering: AnsweringAws) -> None:
    """Slower and slower; then the batch stops, and can be resumed."""
    endpoint = answering.endpoint()
    batch = endpoint.batch([b"1"], batch_id="b", on_unknown="resubmit")
    answering.fail("InvokeEndpointAsync", *[BROKEN] * 3)
    assert batch.run().unknown == 3

    stuck = endpoint.batch([b"1"], batch_id="c")
    answering.fail("InvokeEndpointAsync", *[BROKEN] * 100)
    with pytest.raises(EndpointUnavailable) as failure:
        stuck.run()
    assert failure.value.submission_unknown
    answering.faults.clear()
    assert endpoint.resume("c").run().succeeded == 1


def test_stopping_finishes_the_journal(answering: AnsweringAws) -> None:
    """What was submitted is recorded, so nothing is unknown afterwards."""
    endpoint, stop = answering.endpoint(), threading.Event()
    batch = endpoint.batch([b"%d" % number for number in range(50)], batch_id="b")

    def stop_soon(progress: BatchProgress) -> None:
        if progress.submitted:
            stop.set()

    summary = batch.run(stop=stop, progress=stop_soon)

    assert 0 < summary.submissions < 50
    assert summary.unfinished == 50
    summary = endpoint.resume("b").run()
    assert (summary.succeeded, summary.submissions, summary.unknown) == (50, 50, 0)


def test_progress_adds_up_and_ends_complete(answering: AnsweringAws) -> None:
    """Each call tells of a change; unfinished items never exceed the bound."""
    seen: list[BatchProgress] = []
    answering.endpoint().batch([b"%d" % number for number in range(20)], max_unfinished=4).run(progress=seen.append)

    assert all(one.succeeded + one.failed + one.running + one.remaining == one.items for one in seen)
    assert max(one.running for one in seen) <= 4
    assert (seen[-1].succeeded, seen[-1].remaining, seen[-1].running) == (20, 0, 0)
    assert len(set(seen)) == len(seen)


def test_no_thread_is_left(answering: AnsweringAws) -> None:
    """Of those that submit and download."""
    before = threading.active_count()
    answering.endpoint().batch([b"1", b"2"]).run()

    assert threading.active_count() == before


def test_a_batch_of_that_id_is_left_alone(answering: AnsweringAws) -> None:
    """Its inputs too."""
    endpoint = answering.endpoint()
    endpoint.batch([b"1"], batch_id="b")
    before = dict(answering.objects)

    with pytest.raises(InvalidRequest, match=r"there is a batch b already"):
        endpoint.batch([b"2"], batch_id="b")
    assert answering.objects == before


@pytest.mark.parametrize(
    ("inputs", "options", "message"),
    [
        ([], {}, "inputs: are empty"),
        ("text", {}, "inputs: got one str"),
        (Path("pages"), {}, "inputs: got one PosixPath"),
        (BatchItem("a", b"1"), {}, "inputs: got one BatchItem"),
        (BytesIO(b"1\n2\n"), {}, "inputs: got one BytesIO"),
        (None, {}, "inputs: got one NoneType"),
        ([b"1"], {"batch_id": "Big"}, "batch_id: got 'Big'"),
        ([b"1"], {"batch_id": "a" * 33}, "batch_id: got"),
        ([b"1"], {"max_unfinished": 0}, "max_unfinished: got 0, expected 1 to 100000"),
        ([b"1"], {"on_unknown": "hope"}, "on_unknown: got 'hope'"),
        ([b"1"], {"max_attempts": True}, "max_attempts: got True"),
        ([b"1"], {"request_ttl_seconds": 59}, "request_ttl_seconds: got 59"),
        ([BatchItem("a", b"1"), BatchItem("a", b"2")], {}, "item 1: the name 'a' cannot be used: another item has it"),
        ([BatchItem("../a", b"1")], {}, "item 0: the name '../a' cannot be used"),
        ([BatchItem("a", b"1"), BatchItem("a.error", b"2")], {}, "called the same"),
    ],
)
def test_what_cannot_be_recorded_is_refused_as_a_whole(
    answering: AnsweringAws,
    inputs: Any,  # noqa: ANN401 - wrong ones
    options: dict[str, Any],
    message: str,
) -> None:
    """No batch exists afterwards."""
    with pytest.raises(InvalidRequest, match=message):
        answering.endpoint().batch(inputs, **options)
    assert not [uri for uri in answering.objects if uri.endswith("manifest.json")]


def newer_manifest(aws: AnsweringAws) -> None:
    """Let another version have recorded it."""
    rewrite(aws, "manifest.json", schema=2)


def other_endpoint(aws: AnsweringAws) -> None:
    """Let it be another endpoint's."""
    rewrite(aws, "manifest.json", endpoint_name="other")


def newer_journal(aws: AnsweringAws) -> None:
    """Let another version have worked on it."""
    rewrite(aws, "journal/00000001.jsonl", schema=2)


def lost_segment(aws: AnsweringAws) -> None:
    """Let the beginning of its journal be gone."""
    del aws.objects[f"s3://{BUCKET}/batches/b/journal/00000001.jsonl"]


def odd_event(aws: AnsweringAws) -> None:
    """Let its journal say what nobody knows."""
    uri = f"s3://{BUCKET}/batches/b/journal/00000002.jsonl"
    aws.objects[uri] = replace(aws.objects[uri], content=aws.objects[uri].content + b'{"event": "dreamt"}\n')


def impossible_event(aws: AnsweringAws) -> None:
    """Let its journal say what cannot be."""
    uri = f"s3://{BUCKET}/batches/b/journal/00000002.jsonl"
    line = b'{"event": "refused", "item": 0, "attempt": 7}\n'
    aws.objects[uri] = replace(aws.objects[uri], content=aws.objects[uri].content + line)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (newer_manifest, "batch b: its manifest has schema 2, this version of async_inference reads 1"),
        (other_endpoint, "batch b is one of endpoint 'other', this endpoint is"),
        (newer_journal, "segment 00000001.jsonl of its journal has schema 2, this version of async_inference reads 1"),
        (lost_segment, "segment 00000001.jsonl of its journal is missing, though there is 00000002.jsonl"),
        (odd_event, "segment 00000002.jsonl of its journal is malformed: .* is no event"),
        (impossible_event, "item 0, attempt 7: cannot be refused after what came before it"),
    ],
)
def test_a_batch_of_another_version_or_endpoint_or_damaged_is_refused(
    answering: AnsweringAws, damage: Callable[[AnsweringAws], None], message: str
) -> None:
    """By name; nothing is submitted."""
    endpoint = answering.endpoint()
    endpoint.batch([b"1"], batch_id="b").run()
    damage(answering)
    answering.requests.clear()

    with pytest.raises(InvalidRequest, match=message):
        endpoint.resume("b").run()
    with pytest.raises(InvalidRequest, match=message):
        endpoint.batch_summary("b")
    assert answering.sent("InvokeEndpointAsync") == []


def test_a_batch_that_is_not_there_is_named(answering: AnsweringAws) -> None:
    """With where it would be."""
    with pytest.raises(InvalidRequest, match=rf"there is no batch b at s3://{BUCKET}/batches/b/manifest.json"):
        answering.endpoint().resume("b")


def test_names_come_from_files_and_are_unique(answering: AnsweringAws, tmp_path: Path) -> None:
    """A second file of the same name gets its number, and names of the caller's may make folders."""
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "page.txt").write_bytes(b"x")
    inputs: list[Any] = [
        tmp_path / "a" / "page.txt",
        tmp_path / "b" / "page.txt",
        BatchItem("deep/er", b"x"),
        {"page": 1},
    ]
    answering.endpoint().batch(inputs).run(results=tmp_path / "out")

    assert files(tmp_path / "out") == {"page.txt.txt", "00000001-page.txt.txt", "deep/er.txt", "00000003.txt"}


def test_many_items_take_few_requests(answering: AnsweringAws) -> None:
    """Inputs and journal are written in groups; waiting takes no request for each item."""
    answering.endpoint().batch([b"%d" % number for number in range(500)], max_unfinished=500).run()

    assert len(answering.sent("InvokeEndpointAsync")) == 500
    assert len([one for one in answering.sent("PutObject") if "/items/" in one.location]) == 1
    assert len([one for one in answering.sent("PutObject") if "/journal/" in one.location]) < 60
    assert len(answering.sent("ListObjectsV2")) < 30


def test_batches_load_when_they_are_used() -> None:
    """A Lambda function that runs none does not pay for them."""
    program = "import sys, async_inference; sys.exit('async_inference.batches' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_a_document_without_the_prefix_of_batches_is_read() -> None:
    """It was written before there were any."""
    written = CONFIGURATION.to_dict()
    assert written["prefixes"].pop("batches") == "batches/"

    assert type(CONFIGURATION).from_dict(written) == CONFIGURATION
