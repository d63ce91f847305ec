"""The image is built from what is here and starts what the tests start."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[3] / "model_server"


def arguments(instruction: str) -> list[str]:
    """Return the arguments of every use of an instruction, continuation lines joined."""
    text = (FOLDER / "Dockerfile").read_text().replace("\\\n", " ")
    return [line.partition(" ")[2] for line in text.splitlines() if line.startswith(f"{instruction} ")]


def test_copied_files_exist() -> None:
    """Everything that is copied is in the build context."""
    patterns = [source for copy in arguments("COPY") for source in copy.split()[:-1]]

    assert patterns == ["requirements.txt", "*.py"]
    assert [pattern for pattern in patterns if not list(FOLDER.glob(pattern))] == []


def test_whole_package_is_copied() -> None:
    """The package has no subfolder, which ``*.py`` would leave out."""
    assert [path for path in FOLDER.rglob("*.py") if path.parent != FOLDER] == []


def test_entry_point() -> None:
    """SageMaker's ``docker run IMAGE serve`` starts this package, without a shell that would keep SIGTERM."""
    assert [["python", "-m", FOLDER.name]] == [json.loads(entry) for entry in arguments("ENTRYPOINT")]
    assert (FOLDER / "__main__.py").is_file()


@pytest.mark.parametrize(
    ("instruction", "expected"),
    [
        ("LABEL", "com.amazonaws.sagemaker.capabilities.accept-bind-to-port=true"),
        ("EXPOSE", "8080"),
        ("CMD", '["serve"]'),
    ],
)
def test_contract(instruction: str, expected: str) -> None:
    """The image declares what SageMaker needs to know."""
    assert [expected] == arguments(instruction)


def test_listens_to_the_outside() -> None:
    """In the container, unlike on a laptop, the server listens on all addresses."""
    assert "MODEL_SERVER_HOST=0.0.0.0" in arguments("ENV")[0].split()


def test_dependencies_are_locked() -> None:
    """Nothing is installed whose hash is not in the lock file."""
    (install,) = arguments("RUN")

    assert {"--require-hashes", "--no-deps"} <= set(install.split())
