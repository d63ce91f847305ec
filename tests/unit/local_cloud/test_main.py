"""The command line."""

from __future__ import annotations

import pytest

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
        ["--port", "4566", "--container", "image:1"],
        ["--port", "4566", "--container", "=python serve.py"],
        ["--port", "4566", "--enforce-nothing"],
    ],
)
def test_bad_arguments_end_with_usage(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing starts, and the usage says what is allowed."""
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert "usage: python -m local_cloud" in capsys.readouterr().err
