"""The licences of what is shipped are those that pyproject.toml allows."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from importlib.metadata import Distribution, distributions, requires
from pathlib import Path
from typing import Any, Final

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

CHECKOUT: Final = Path(__file__).resolve().parents[2]
RULES: Final[dict[str, Any]] = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["tool"]["pip-licenses"]
EXTRAS: Final = ("", "cli", "pictures")


def _required(name: str, extras: tuple[str, ...] = ("",)) -> set[str]:
    """Return the distributions that one brings along, itself among them."""
    needed = {
        requirement.name
        for requirement in map(Requirement, requires(name) or [])
        if requirement.marker is None or any(requirement.marker.evaluate({"extra": extra}) for extra in extras)
    }
    return {canonicalize_name(name)}.union(*(_required(other) for other in needed))


def _installed(environment: Path) -> set[str]:
    [packages] = environment.glob("lib/python3.*/site-packages")
    found: list[Distribution] = list(distributions(path=[str(packages)]))
    return {canonicalize_name(distribution.name) for distribution in found}


SHIPPED: Final = {
    # The Lambda bundle is a part of it: boto3 and what that requires.
    ".venv": _required("async-inference", EXTRAS) - {"async-inference"},
    ".venv-model-server": _installed(CHECKOUT / ".venv-model-server"),
}


def _check(environment: str, *options: str) -> subprocess.CompletedProcess[str]:
    python = str(CHECKOUT / environment / "bin/python")
    command = [sys.executable, "-m", "piplicenses", "--python", python, "--format", "json", "--with-system"]
    return subprocess.run(
        [*command, *options, "--packages", *sorted(SHIPPED[environment])],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("environment", SHIPPED)
def test_what_is_shipped_has_an_allowed_licence(environment: str) -> None:
    """Each distribution of it, or it is an exception with a reason."""
    run = _check(environment)

    assert (run.returncode, run.stderr) == (0, "")
    checked = {canonicalize_name(found["Name"]) for found in json.loads(run.stdout)}
    assert checked == SHIPPED[environment] - set(RULES["ignore-packages"])
    assert len(checked) > 5


def test_an_exception_is_needed() -> None:
    """It is shipped, and refused where it is no exception."""
    shipped = set().union(*SHIPPED.values())

    assert set(RULES["ignore-packages"]) <= shipped
    for name in RULES["ignore-packages"]:
        run = _check_alone(name)
        assert run.returncode == 1, name
        assert "not in allow-only" in run.stderr


def _check_alone(name: str) -> subprocess.CompletedProcess[str]:
    [environment] = [environment for environment, names in SHIPPED.items() if name in names]
    return _check(environment, "--ignore-packages", *(set(RULES["ignore-packages"]) - {name}))
