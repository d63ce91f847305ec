"""The command line."""

from __future__ import annotations

import pytest

from local_cloud import foreground
from local_cloud.__main__ import main


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--port", "0"],
        ["--port", "65536"],
        ["--port", "http"],
        ["--port", "4566", "--time-scale", "0"],
        ["--port", "4566", "--time-scale", "10001"],
        ["--port", "4566", "--time-scale", "nan"],
        ["--port", "4566", "--container", "image:1"],
        ["--port", "4566", "--container", "=python serve.py"],
        ["--port", "4566", "--container", "image:1=python '"],
        ["--port", "4566", "--assume", "repeated_filename"],
        ["--port", "4566", "--capacity", "ml.g5.xlarge"],
        ["--port", "4566", "--capacity", "ml.g5.xlarge=-1"],
        ["--port", "4566", "--capacity", "ml.g5.xlrge=1"],
        ["--port", "4566", "--enforce-nothing"],
    ],
)
def test_bad_arguments_end_with_usage(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing starts, and the usage says what is allowed."""
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert "usage: python -m local_cloud" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--port", "http"], "argument --port: 'http' is no port: it must be 1 to 65535"),
        (
            ["--port", "4566", "--time-scale", "0"],
            "argument --time-scale: '0' is no time scale: it must be above 0 and at most 10000",
        ),
        (
            ["--port", "4566", "--container", "image:1"],
            "argument --container: 'image:1' is no container: it must be IMAGE_URI=COMMAND",
        ),
        (
            ["--port", "4566", "--assume", "repeated_filename=maybe"],
            "argument --assume: 'maybe' is no value of repeated_filename: choose among overwrites, fails",
        ),
        (
            ["--port", "4566", "--capacity", "ml.g5.xlarge=none"],
            "argument --capacity: 'ml.g5.xlarge=none' is no capacity: it must be TYPE=COUNT, such as ml.g5.xlarge=0",
        ),
        (
            ["--port", "4566", "--capacity", "ml.g5.xlrge=0"],
            "argument --capacity: 'ml.g5.xlrge' is no instance type of endpoints: is it misspelt?",
        ),
    ],
)
def test_the_last_line_says_what_is_allowed(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The line names the argument, its value and the bounds."""
    with pytest.raises(SystemExit):
        main(arguments)
    assert capsys.readouterr().err.endswith(f"error: {message}\n")


def test_the_deployed_local_cloud_takes_capacities_as_well(capsys: pytest.CaptureFixture[str]) -> None:
    """What is none is refused before anything starts."""
    with pytest.raises(SystemExit):
        foreground.main(["--capacity", "ml.g5.xlarge=0", "--capacity", "ml.g5.xlarge=all"])
    message = "'ml.g5.xlarge=all' is no capacity: it must be TYPE=COUNT, such as ml.g5.xlarge=0\n"
    assert capsys.readouterr().err.endswith(message)


def test_the_deployed_local_cloud_takes_assumptions_as_well(capsys: pytest.CaptureFixture[str]) -> None:
    """What it does not know is refused before anything starts."""
    with pytest.raises(SystemExit):
        foreground.main(["--assume", "scale_in=drains", "--assume", "scale_in=waits"])
    message = "argument --assume: 'waits' is no value of scale_in: choose among kills, drains, requeues\n"
    assert capsys.readouterr().err.endswith(message)
