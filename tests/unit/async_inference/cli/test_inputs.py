"""What a batch is made of: directories, patterns, files, manifests."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path
from typing import Any

import pytest

from async_inference import InvalidRequest, S3Location
from async_inference.cli.inputs import find_inputs


def found(*sources: str | Path) -> list[tuple[str, object]]:
    """Return names and payloads."""
    return [(item.name, item.payload) for item in find_inputs(tuple(map(str, sources)))]


@pytest.fixture
def pages(tmp_path: Path) -> Path:
    """A directory with files in folders, hidden ones among them."""
    for name in ("b.png", "a.png", "2026/c.png", "2026/.hidden", ".git/config", "notes.txt"):
        path = tmp_path / "pages" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    return tmp_path / "pages"


def test_a_directory_is_taken_with_its_folders_and_without_hidden_files(pages: Path) -> None:
    """By relative names, in order."""
    names = [name for name, _ in found(pages)]

    assert names == ["a.png", "b.png", "notes.txt", "2026/c.png"]
    assert ("2026/c.png", pages / "2026/c.png") in found(pages)


def test_pipes_dead_links_and_linked_folders_are_left_out(pages: Path) -> None:
    """The first would wait for ever, the last could lead in a circle."""
    os.mkfifo(pages / "pipe")
    (pages / "dead").symlink_to(pages / "nowhere")
    (pages / "circle").symlink_to(pages, target_is_directory=True)
    (pages / "itself").symlink_to(pages / "itself")
    (pages / "link.png").symlink_to(pages / "a.png")

    assert {name for name, _ in found(pages)} == {"a.png", "b.png", "link.png", "notes.txt", "2026/c.png"}


def test_results_of_an_earlier_batch_are_no_inputs(pages: Path) -> None:
    """Where they lie among the inputs; by themselves they are what was asked for."""
    (pages / "results/2026").mkdir(parents=True)
    for name in ("results/.async-inference-batch", "results/a.png.json", "results/2026/c.png.json"):
        (pages / name).write_text("{}")

    assert not [name for name, _ in found(pages) if name.startswith("results")]
    assert [name for name, _ in found(pages / "results")] == ["a.png.json", "2026/c.png.json"]


def lock(monkeypatch: pytest.MonkeyPatch, folder: Path, *, is_listed: bool) -> None:
    """Let a folder be one that may not be entered, and perhaps not even listed, by anybody."""
    scandir, stat = os.scandir, os.stat

    def refuse(path: str | Path) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    def guarded_scandir(path: str | Path) -> Any:  # noqa: ANN401 - a context
        if Path(path) == folder and not is_listed:
            refuse(path)
        return scandir(path)

    def guarded_stat(path: str | Path, **options: Any) -> os.stat_result:  # noqa: ANN401 - those of os.stat
        if folder in Path(path).parents:
            refuse(path)
        return stat(path, **options)

    monkeypatch.setattr("os.scandir", guarded_scandir)
    monkeypatch.setattr("os.stat", guarded_stat)


@pytest.mark.parametrize(("is_listed", "payload"), [(True, "locked/1.png"), (False, "locked")])
def test_a_folder_that_cannot_be_read_is_one_input_that_fails(
    pages: Path,
    monkeypatch: pytest.MonkeyPatch,
    is_listed: bool,  # noqa: FBT001 - a table
    payload: str,
) -> None:
    """Recording finds out why; all others are inputs as ever."""
    (pages / "locked").mkdir()
    for name in ("locked/1.png", "locked/2.png"):
        (pages / name).touch()
    lock(monkeypatch, pages / "locked", is_listed=is_listed)

    inputs = found(pages)

    assert [name for name, _ in inputs] == ["a.png", "b.png", "notes.txt", "2026/c.png", "locked"]
    assert inputs[-1] == ("locked", pages / payload)


def test_a_pattern_goes_past_a_folder_that_cannot_be_entered(pages: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is one input that fails here, too."""
    (pages / "locked").mkdir()
    for name in ("locked/1.png", "locked/2.png"):
        (pages / name).touch()
    lock(monkeypatch, pages / "locked", is_listed=True)

    assert found(pages / "*" / "*.png") == [("2026/c.png", pages / "2026/c.png"), ("locked", pages / "locked/1.png")]


@pytest.mark.parametrize("source", ["pages", "pages/*.png", "pages/a.png"])
@pytest.mark.parametrize("is_listed", [True, False])
def test_what_was_named_and_cannot_be_read_is_refused(
    pages: Path,
    monkeypatch: pytest.MonkeyPatch,
    is_listed: bool,  # noqa: FBT001 - a table
    source: str,
) -> None:
    """In one line, and without recording anything."""
    lock(monkeypatch, pages, is_listed=is_listed)

    with pytest.raises(InvalidRequest, match=r"cannot be read: Permission denied|there is no input"):
        found(pages.parent / source)


@pytest.mark.parametrize(
    ("pattern", "names"),
    [("*.png", ["a.png", "b.png"]), ("**/*.png", ["2026/c.png", "a.png", "b.png"]), ("20??/*", ["2026/c.png"])],
)
def test_a_pattern_is_expanded(pages: Path, pattern: str, names: list[str]) -> None:
    """As the shell would, but by names relative to its fixed part."""
    assert names == [name for name, _ in found(pages / pattern)]


def test_files_are_called_relative_to_what_they_have_in_common(pages: Path) -> None:
    """As the shell has expanded a pattern."""
    assert [name for name, _ in found(pages / "b.png", pages / "2026/c.png")] == ["b.png", "2026/c.png"]
    assert [name for name, _ in found(pages / "b.png")] == ["b.png"]


def test_relative_files_keep_their_relative_paths(pages: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is sent is what was named."""
    monkeypatch.chdir(pages)

    assert found("a.png", "b.png") == [("a.png", Path("a.png")), ("b.png", Path("b.png"))]


@pytest.mark.parametrize(
    ("source", "message"),
    [("nowhere", "is no file; expected one directory"), ("*.tif", "there is no input"), ("empty", "there is no input")],
)
def test_nothing_is_no_input(pages: Path, source: str, message: str) -> None:
    """A typing error must not look like an empty batch."""
    (pages / "empty").mkdir()

    with pytest.raises(InvalidRequest, match=message):
        found(pages / source)


def test_a_directory_among_files_is_refused(pages: Path) -> None:
    """The shell expands * to folders too."""
    with pytest.raises(InvalidRequest, match="2026: is no file"):
        found(pages / "a.png", pages / "2026")


def manifest(folder: Path, *lines: object) -> Path:
    """Write a manifest and return its path."""
    path = folder / "inputs.jsonl"
    path.write_text("\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines))
    return path


def test_a_manifest_names_files_places_and_payloads(tmp_path: Path) -> None:
    """Each with a name of its own or a usual one."""
    path = manifest(
        tmp_path,
        {"schema": 1},
        {"input": "pages/1.png"},
        "",
        {"input": "s3://my-bucket/input/page-2", "name": "two", "content_type": "image/png"},
        {"payload": {"inputs": ["a"]}},
        {"payload": "s3://text/of-a-stranger", "name": "text"},
    )

    items = list(find_inputs((str(path),)))

    assert [(item.name, item.payload, item.content_type) for item in items] == [
        ("1.png", tmp_path / "pages/1.png", None),
        ("two", S3Location("my-bucket", "input/page-2"), "image/png"),
        ("line-5", {"inputs": ["a"]}, None),
        ("text", b"s3://text/of-a-stranger", "text/plain; charset=utf-8"),
    ]


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([], 'line 1: is not {"schema": 1}, expected it above the inputs'),
        ([{"input": "a"}], 'line 1: is not {"schema": 1}, expected it above the inputs'),
        ([{"schema": 2}], "line 1: has schema '2', this version of async_inference reads 1"),
        ([{"schema": True}], "line 1: has schema 'True', this version of async_inference reads 1"),
        ([{"schema": 1}, "{"], "line 2: is no JSON"),
        ([{"schema": 1}, []], "line 2: is no object"),
        ([{"schema": 1}, {"inptu": "a"}], "line 2: the member 'inptu' is unknown"),
        ([{"schema": 1}, {"name": "a"}], "line 2: expected either input or payload"),
        ([{"schema": 1}, {"input": "a", "payload": 1}], "line 2: expected either input or payload"),
        ([{"schema": 1}, {"input": 7}], "line 2: input is of type int, expected a text"),
        (
            [{"schema": 1}, {"input": "s3://bucket"}],
            "line 2: input: got 's3://bucket', expected a string like s3://bucket/key",
        ),
        ([{"schema": 1}, {"payload": 7, "name": None}], "line 2: name is of type NoneType, expected a text"),
    ],
)
def test_a_malformed_manifest_is_refused_by_its_line(tmp_path: Path, lines: list[object], message: str) -> None:
    """In one line."""
    path = manifest(tmp_path, *lines)

    with pytest.raises(InvalidRequest) as caught:
        found(path)

    assert str(caught.value) == f"manifest {path}, {message}"


def test_a_manifest_that_is_no_text_is_refused(tmp_path: Path) -> None:
    """By its name."""
    path = tmp_path / "inputs.jsonl"
    path.write_bytes(b'{"schema": 1}\n\xff\xfe')

    with pytest.raises(InvalidRequest, match="is no text in UTF-8"):
        found(path)


def test_a_manifest_may_start_with_the_mark_of_its_encoding(tmp_path: Path) -> None:
    """As some editors write it."""
    path = tmp_path / "inputs.jsonl"
    path.write_text('{"schema": 1}\n{"payload": "Grüße"}\n', encoding="utf-8-sig")

    assert found(path) == [("line-2", "Grüße".encode())]
