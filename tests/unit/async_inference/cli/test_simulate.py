"""The command ``simulate`` as the program shows it, page by page."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from syrupy.assertion import SnapshotAssertion

    from tests.unit.async_inference.cli.fake_cloud import CommandLine

PEERS = Path(__file__).resolve().parents[4] / "benchmarks/templates_of_peers"
PAIR, OTHER = "aws-documented-pair.json", "target-tracking-only.json"


@pytest.fixture(autouse=True)
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current directory, with two templates, a trace and files that are none."""
    monkeypatch.chdir(tmp_path)
    for name in (PAIR, OTHER):
        shutil.copy(PEERS / name, tmp_path)
    (tmp_path / "cdk.out").mkdir()
    shutil.copy(PEERS / PAIR, tmp_path / "cdk.out/pair.template.json")
    (tmp_path / "template.yaml").write_text("Resources:\n  Target: !Ref Other\n")
    (tmp_path / "trace.csv").write_text("time,service_seconds\n20000,60\n30,120\n")
    (tmp_path / "epoch.csv").write_text("time,service_seconds\n1767225600,60\n")
    return tmp_path


@pytest.mark.parametrize(
    "words",
    [
        [PAIR, "--trace", "trace.csv"],
        [PAIR, "--compare", OTHER, "--pattern", "single", "--price", "1.21", "--always-on", "2"],
        [PAIR, "--trace", "trace.csv", "--json", "--price", "1.21"],
    ],
    ids=" ".join,
)
def test_figures(plain: CommandLine, snapshot: SnapshotAssertion, words: list[str]) -> None:
    """A table for people, a document for programs."""
    assert snapshot == plain.golden("simulate", *words)


@pytest.mark.parametrize(
    "words",
    [
        [],
        [PAIR],
        [PAIR, "--trace", "trace.csv", "--pattern", "single"],
        [PAIR, "--pattern", "weekly"],
        [PAIR, "--trace", "nowhere.csv"],
        [PAIR, "--trace", "epoch.csv"],
        ["nowhere.json", "--pattern", "single"],
        ["cdk.out", "--pattern", "single"],
        ["template.yaml", "--pattern", "single"],
        [PAIR, "--pattern", "single", "--assume", "scale_in=maybe"],
        [PAIR, "--pattern", "single", "--picture", "no/where.png"],
        [PAIR, "--pattern", "single", "--target", "Other"],
        [PAIR, "--json"],
    ],
    ids=lambda words: " ".join(words) or "nothing",
)
def test_wrong_usage_is_told_in_one_line(plain: CommandLine, snapshot: SnapshotAssertion, words: list[str]) -> None:
    """With a remedy that names this command."""
    page = plain.golden("simulate", *words)
    assert "\nremedy: async-inference simulate --help says what is expected.\n" in page
    assert page.endswith("exit code 2")
    assert snapshot == page
