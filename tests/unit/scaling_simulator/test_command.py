"""The command, as ``python -m scaling_simulator`` runs it."""

from __future__ import annotations

import json
import struct
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from scaling_simulator import commands
from scaling_simulator.commands import simulate_command

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result


@pytest.fixture
def written(tmp_path: Path, template: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> Path:
    """AWS's documented recipe in the file ``t.json`` of the current directory."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "t.json"
    path.write_text(json.dumps(template))
    return path


def run(*arguments: object) -> Result:
    """Run the command."""
    return CliRunner().invoke(simulate_command, [str(argument) for argument in arguments])


def test_templates_are_compared_and_drawn(tmp_path: Path, written: Path) -> None:
    """One table, one picture."""
    one, two = (written.rename(tmp_path / "one.template.json"), tmp_path / "two.template.json")
    two.write_text(one.read_text())
    picture = tmp_path / "picture.png"
    result = run(one, "--compare", two, "--pattern", "single", "--picture", picture, "--price", "1.5")
    assert result.exit_code == 0, result.output
    assert result.output.splitlines()[0].split() == ["one", "two"]
    content = picture.read_bytes()
    width, height = struct.unpack(">II", content[16:24])
    assert content.startswith(b"\x89PNG")
    assert (width, height) == (1_500, 600)


def test_the_table_says_how_warm_the_endpoint_begins(written: Path, template: dict[str, Any]) -> None:
    """As many instances as the template starts with."""
    template["Resources"]["Config"]["Properties"]["ProductionVariants"][0]["InitialInstanceCount"] = 3
    written.write_text(json.dumps(template))
    lines = run(written, "--pattern", "single").output.splitlines()
    assert ["instances", "at", "start", "3"] in [line.split() for line in lines]


def test_what_arrives_after_the_end_is_left_out(written: Path) -> None:
    """It was neither stranded nor left unfinished, since it never came."""
    trace = written.with_name("trace.csv")
    trace.write_text("time,service_seconds\n60,30\n7200,30\n")
    figures = json.loads(run(written, "--trace", trace, "--hours", "1", "--json").output)["t"]
    assert [figures[name] for name in ("requests", "completed", "stranded", "unfinished")] == [1, 1, 0, 0]


def test_assumptions_decide(written: Path) -> None:
    """The disputed answer decides whether the job survives."""
    trace = written.with_name("trace.csv")
    trace.write_text("time,service_seconds,bytes\n60,3000,0\n")
    arguments = [written, "--trace", trace, "--json", "--launch", "60", "--assume"]
    killed = run(*arguments, "backlog_counts_running_work=false")
    drained = run(*arguments, "scale_in=drains")
    assert [json.loads(one.output)["t"]["killed"] for one in (killed, drained)] == [1, 0]


def test_of_several_targets_one_is_chosen_for_each_template(written: Path, template: dict[str, Any]) -> None:
    """A template with a single one needs no choice."""
    template["Resources"]["Other"] = template["Resources"]["Target"]
    several = written.with_name("several.json")
    several.write_text(json.dumps(template))
    arguments = [written, "--compare", several, "--pattern", "single"]
    assert "several.json: it has several scalable targets, choose one with --target: Target" in run(*arguments).output
    assert run(*arguments, "--target", "Other").exit_code == 0
    assert "--target Else: no template has it" in run(*arguments, "--target", "Other", "--target", "Else").output


def test_parameters_fill_a_template_in(written: Path, template: dict[str, Any]) -> None:
    """One without a default is asked for by name."""
    template["Parameters"] = {"Most": {"Type": "Number"}}
    template["Resources"]["Target"]["Properties"]["MaxCapacity"] = {"Ref": "Most"}
    written.write_text(json.dumps(template))
    arguments = [written, "--pattern", "burst", "--json"]
    assert "parameters without a value, which --parameter gives: Most" in run(*arguments).output
    few, many = (json.loads(run(*arguments, "--parameter", f"Most={most}").output)["t"] for most in (1, 3))
    assert few["wait_max_seconds"] > many["wait_max_seconds"]
    assert (
        "--parameter Least: no template has it, there is Most"
        in run(*arguments, "--parameter", "Most=1", "--parameter", "Least=1").output
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "no requests: give --trace FILE, or --pattern with one of single, trickle,"),
        (["--pattern", "single", "--trace", "x.csv"], "--trace and --pattern exclude each other"),
        (["--trace", "x.csv"], "x.csv: No such file or directory; expected CSV"),
        (["--pattern", "single", "--assume", "x=1"], "'x' is no assumption: choose among backlog_counts_running_work"),
        (["--pattern", "single", "--assume", "scale_in=maybe"], "choose among kills, drains, requeues"),
        (["--pattern", "single", "--assume", "evaluation_offset_seconds=60"], "not within 0 and less than 60 s"),
        (["--pattern", "single", "--launch", "soon"], "duration 'soon' is none of"),
        (["--pattern", "single", "--compare", "missing.json"], "missing.json: No such file or directory; expected a"),
        (["--pattern", "single", "--hours", "1"], "--hours 1: the first request comes after 4.0 hours"),
        (["--pattern", "single", "--hours", "inf"], "inf is not in the range"),
        (["--pattern", "single", "--price", "nan"], "nan is not a finite number"),
        (["--pattern", "single", "--parameter", "x"], "'x' is not NAME=VALUE"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(written: Path, arguments: list[str], message: str) -> None:
    """As wrong usage, without a traceback."""
    result = run(written, *arguments)
    assert result.exit_code == 2
    error = result.output.splitlines()[-1]
    assert error.startswith("Error: ")
    assert message in error


@pytest.mark.parametrize(
    ("picture", "message"),
    [
        (".", "picture .: is a directory, name a file in it"),
        ("no/where.png", "picture no/where.png: there is no directory no, make it first"),
    ],
)
def test_a_picture_that_cannot_be_written_is_refused_before_simulating(
    written: Path, monkeypatch: pytest.MonkeyPatch, picture: str, message: str
) -> None:
    """Rather than after minutes."""
    monkeypatch.setattr(commands, "simulate", lambda *_: pytest.fail("was simulated"))
    result = run(written, "--pattern", "single", "--picture", picture)
    assert result.output.splitlines()[-1] == f"Error: {message}"
