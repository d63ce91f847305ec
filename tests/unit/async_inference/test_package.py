"""The package as it is imported: its names, its errors, its weight."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import async_inference
from async_inference import AsyncInferenceError, ResultTimeout, exceptions, remedies

ERRORS = [
    value for value in vars(exceptions).values() if isinstance(value, type) and issubclass(value, AsyncInferenceError)
]


def test_every_public_name_is_there_and_in_order() -> None:
    """The list is what the package offers: constants, classes, functions."""
    ordered = sorted(async_inference.__all__, key=lambda name: (not name.isupper(), not name[0].isupper(), name))
    assert ordered == async_inference.__all__
    assert all(hasattr(async_inference, name) for name in async_inference.__all__)


def test_the_package_is_typed() -> None:
    """Type checkers look for this file."""
    assert Path(async_inference.__file__).with_name("py.typed").is_file()


def test_importing_the_package_does_not_load_boto3() -> None:
    """Programs that only describe requests, and stacks, do not pay for the SDK."""
    program = "import sys, async_inference; sys.exit('boto3' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


@pytest.mark.parametrize("error", ERRORS)
def test_every_error_is_public_drawn_and_carries_job_and_remedy(error: type[AsyncInferenceError]) -> None:
    """With a message of one line, below which tracebacks show the remedy."""
    raised = error("message")

    assert error.__name__ in async_inference.__all__
    assert error.__name__ in (exceptions.__doc__ or "")
    assert (str(raised), raised.job) == ("message", None)
    assert [f"remedy: {raised.remedy}"] == raised.__notes__


def test_a_timeout_is_one_for_python_too() -> None:
    """So that callers can catch the built-in error."""
    assert issubclass(ResultTimeout, TimeoutError)


@pytest.mark.parametrize("name", [name for name in vars(remedies) if name.isupper()])
def test_every_remedy_is_one_line_that_ends(name: str) -> None:
    """As it stands below a message."""
    remedy = getattr(remedies, name)

    assert remedy.isprintable()
    assert remedy.endswith(".")
