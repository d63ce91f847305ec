"""The commands of the runbook are commands: nobody should find that out at night."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import jmespath  # type: ignore[import-untyped]
import pytest
from botocore import xform_name
from botocore.model import StructureShape
from botocore.session import Session
from click.testing import CliRunner

from async_inference.cli.main import program

RUNBOOK = (Path(__file__).resolve().parents[2] / "docs/runbook.md").read_text()
BLOCKS = "".join(re.findall(r"^```bash\n(.*?)^```", RUNBOOK, re.MULTILINE | re.DOTALL))
INLINE = re.findall(r"`(aws [^`]+)`", re.sub(r"```bash.*?```", "", RUNBOOK, flags=re.DOTALL))
COMMANDS = sorted({*re.findall(r"aws .*?(?=; \}|; done|$)", BLOCKS, re.MULTILINE), *INLINE})
OF_THE_CLI = {"--query", "--output", "--max-items", "--notification-endpoint"}
"""Options of the AWS CLI itself; the last is its name for a topic's ``Endpoint``."""

SERVICES_OF_THE_CLI = {"s3api": "s3"}


def _words(command: str) -> list[str]:
    """Split a command as a shell does; what the shell would fill in stays one word."""
    filled = re.sub(r"<[^>]+>|\$\([^)]*\)", "filled", " ".join(command.split()))
    return shlex.split(filled.replace("…", "filled"))


@pytest.mark.parametrize("command", COMMANDS)
def test_every_aws_command_is_one_of_its_service(command: str) -> None:
    """Operation, options and query, against the service model of botocore."""
    _, service, operation, *rest = _words(command)
    model = Session().get_service_model(SERVICES_OF_THE_CLI.get(service, service))
    (name,) = [one for one in model.operation_names if xform_name(one, "-") == operation]
    shape = model.operation_model(name).input_shape
    members = set(shape.members) if isinstance(shape, StructureShape) else set()
    options = [word for word in rest if word.startswith("--")]

    assert set(options) - OF_THE_CLI <= {f"--{xform_name(member, '-')}" for member in members}
    if "--query" in rest:
        jmespath.compile(rest[rest.index("--query") + 1].replace("$1", "x").replace("$2", "Sum"))


def test_the_commands_are_found() -> None:
    """The check can fail: it looks at something."""
    assert len(COMMANDS) > 20
    assert BLOCKS.count("aws ") == sum(BLOCKS.count(command) for command in COMMANDS)


@pytest.mark.parametrize("command", re.findall(r"async-inference ([a-z]+ [^`\n]*)", RUNBOOK))
def test_every_command_of_the_client_is_one(command: str) -> None:
    """Its options are known; help keeps it from doing anything."""
    asked = CliRunner().invoke(program, [*_words(command), "--help"])

    assert asked.exit_code == 0, asked.output
