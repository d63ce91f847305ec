"""The program as a whole: its help, its errors in one line, its exit codes."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import EndpointConnectionError, NoCredentialsError, NoRegionError

from async_inference import remedies
from tests.unit.async_inference.cli.fake_cloud import PARAMETER, CommandLine, FakeCloud
from tests.unit.async_inference.fake_aws import s3_error, service_error

if TYPE_CHECKING:
    from pathlib import Path

    from syrupy.assertion import SnapshotAssertion

COMMANDS = ["submit", "wait", "batch", "resume", "status", "doctor", "simulate"]


@pytest.mark.parametrize("words", [[], *([command] for command in COMMANDS)], ids=["all", *COMMANDS])
def test_help(plain: CommandLine, snapshot: SnapshotAssertion, words: list[str]) -> None:
    """Every command says what it takes, and the program what its exit codes mean."""
    assert snapshot == plain.golden(*words, "--help")


@pytest.mark.parametrize(
    "words",
    [
        ["sumbit"],
        ["submit"],
        ["submit", "page.png", "--colour"],
        ["submit", "nowhere.png"],
        ["submit", "page.png", "--request-ttl", "59"],
        ["submit", "page.png", "--inference-id", "x" * 65],
        ["submit", "page.png", "--custom-attributes", "Grüße"],
        ["submit", "s3://another-bucket/page.png"],
        ["wait", "nowhere.json"],
        ["status", "-"],
        ["batch", "nowhere"],
        ["batch", "*.tif"],
        ["batch", "old.jsonl"],
    ],
    ids=" ".join,
)
def test_bad_usage_is_told_in_one_line(  # noqa: PLR0917 - what surrounds a command
    cloud: FakeCloud,
    plain: CommandLine,
    snapshot: SnapshotAssertion,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    words: list[str],
) -> None:
    """With a remedy, and nothing was submitted."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "page.png").write_bytes(b"page")
    (tmp_path / "old.jsonl").write_text('{"schema": 7}\n')

    assert snapshot == plain.golden(*words)
    assert "InvokeEndpointAsync" not in cloud.operations()


@pytest.mark.parametrize(
    ("fault", "code", "message"),
    [
        (service_error(400, "ParameterNotFound"), 3, f"there is no parameter {PARAMETER} in eu-west-1"),
        (
            service_error(400, "AccessDeniedException", "User is not authorized to perform: ssm:GetParameter"),
            3,
            f"AWS does not allow ssm:GetParameter on parameter {PARAMETER}",
        ),
        (NoCredentialsError(), 3, "Unable to locate credentials"),
        (NoRegionError(), 3, "You must specify a region."),
    ],
)
def test_a_wrong_region_and_missing_rights_are_told_in_one_line(
    cloud: FakeCloud, plain: CommandLine, fault: Exception, code: int, message: str
) -> None:
    """For people on standard error, for programs on standard output."""
    cloud.fail("GetParameter", fault)

    result = plain.run("status", "--json")

    assert code == result.exit_code
    assert result.stderr.startswith(f"error: {message}")
    assert result.stderr.splitlines()[1].startswith("remedy: ")
    assert len(result.stderr.splitlines()) == 2
    assert json.loads(result.stdout)["error"]["message"].startswith(message)


@pytest.mark.parametrize(
    ("operation", "fault", "code", "message"),
    [
        (
            "InvokeEndpointAsync",
            service_error(400, "ValidationError", "Endpoint ocr-endpoint of account not found."),
            3,
            "endpoint ocr-endpoint cannot be invoked: Endpoint ocr-endpoint of account not found.",
        ),
        (
            "InvokeEndpointAsync",
            EndpointConnectionError(endpoint_url="https://runtime.sagemaker"),
            3,
            "sagemaker:InvokeEndpointAsync on endpoint ocr-endpoint failed: Could not connect",
        ),
        ("PutObject", s3_error(404, "NoSuchBucket", "The bucket does not exist"), 3, "s3:PutObject on s3://"),
    ],
)
def test_what_aws_refuses_is_told_in_one_line(  # noqa: PLR0917 - a table
    cloud: FakeCloud, plain: CommandLine, operation: str, fault: Exception, code: int, message: str
) -> None:
    """An unknown endpoint, a network that does not reach it, a missing bucket."""
    cloud.fail(operation, *[fault] * 100)

    result = plain.run("submit", "-", stdin=b"x" * (200_000 if operation == "PutObject" else 1))

    assert code == result.exit_code
    assert result.stderr.startswith(f"error: {message}")
    assert result.stderr.count("\n") == 2


def test_the_endpoint_must_be_named(plain: CommandLine) -> None:
    """By option or environment."""
    result = plain.run("status", endpoint=None)

    assert result.exit_code == 2
    assert result.stderr.startswith("error: Missing option '--endpoint'")


def test_ctrl_c_is_told(plain: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    """As shells count it, without a traceback."""

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("async_inference.parameter.read_configuration", interrupted)

    result = plain.run("status")

    assert (result.exit_code, result.stderr.splitlines()[-2:][0]) == (130, "error: interrupted")


def test_a_defect_shows_its_traceback(plain: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    """What nobody foresaw is not dressed up as an error of the user's."""
    monkeypatch.setattr("async_inference.parameter.read_configuration", lambda *_: 1 / 0)

    assert isinstance(plain.run("status").exception, ZeroDivisionError)


@pytest.mark.parametrize("module", ["click", "rich"])
def test_a_missing_extra_says_how_to_install_it(module: str) -> None:
    """In one line, as everything else."""
    program = (
        f"import sys, importlib.util as util; find = util.find_spec; "
        f"util.find_spec = lambda name, *rest: None if name == {module!r} else find(name, *rest); "
        f"from async_inference.cli import main; main()"
    )

    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)

    assert run.returncode == 1
    assert run.stderr == f"error: {module} is not installed\nremedy: pip install 'async-inference[cli]'\n"


def test_help_loads_neither_the_sdk_nor_the_drawing() -> None:
    """So that it is there at once."""
    program = (
        "import sys, contextlib\n"
        "from async_inference.cli.main import program\n"
        "with contextlib.suppress(SystemExit):\n"
        "    program(['--help'])\n"
        "sys.exit(bool({'boto3', 'botocore.session', 'rich'} & set(sys.modules)))\n"
    )

    assert subprocess.run([sys.executable, "-c", program], stdout=subprocess.DEVNULL, check=False).returncode == 0


def test_the_library_does_without_the_command_line() -> None:
    """A Lambda function has neither click nor rich."""
    program = (
        "import sys, async_inference.endpoint, async_inference.batches, async_inference.doctor\n"
        "sys.exit(bool({'click', 'rich'} & set(sys.modules)))\n"
    )

    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_the_module_is_the_program() -> None:
    """Where the command is not on the path."""
    run = subprocess.run(
        [sys.executable, "-m", "async_inference", "--version"], capture_output=True, text=True, check=False
    )

    assert (run.returncode, run.stderr) == (0, "")
    assert run.stdout[0].isdigit()


def test_the_remedy_of_usage_names_the_command(plain: CommandLine) -> None:
    """And not the program in general."""
    document = json.loads(plain.run("submit", "--json").stdout)

    assert document["error"]["remedy"] == "async-inference submit --help says what is expected."
    assert remedies.INVALID_REQUEST not in document["error"]["remedy"]
