"""mypy reads those modules of the CDK that are imported, and passes over the rest."""

from __future__ import annotations

import ast
import tomllib
from importlib.util import find_spec
from pathlib import Path
from typing import Final

CHECKOUT: Final = Path(__file__).resolve().parents[2]
FOLDERS: Final = ("benchmarks", "constructs_lib", "local_cloud", "stacks", "tests")


def _imported(module: ast.Module) -> set[str]:
    """Return the modules of the CDK that are imported, or may be."""
    found = {"aws_cdk"}
    for node in ast.walk(module):
        match node:
            case ast.ImportFrom(module="aws_cdk", names=names):
                found.update(f"aws_cdk.{alias.name}" for alias in names if alias.name.islower())
            case ast.ImportFrom(module=str(name)) if name.startswith("aws_cdk."):
                found.add(name)
            case ast.Import(names=names):
                found.update(alias.name for alias in names if alias.name.startswith("aws_cdk."))
    return found


def _interfaces_of(modules: set[str]) -> set[str]:
    """Return what ``IKey`` and its like inherit from: without it, every attribute of them would be right."""
    found = find_spec("aws_cdk")
    assert found is not None
    (folder,) = map(Path, found.submodule_search_locations or ())
    there = {each.stem for each in (folder / "interfaces").iterdir()}
    services = {name.rpartition(".")[2] for name in modules}
    return {"aws_cdk.interfaces", *(f"aws_cdk.interfaces.{name}" for name in services & there)}


def test_every_module_of_the_cdk_that_is_imported_is_type_checked() -> None:
    """One that is missing in pyproject.toml would be ``Any``, and no call of it wrong."""
    overrides = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["tool"]["mypy"]["overrides"]
    (read,) = (one["module"] for one in overrides if one.get("follow_imports") == "normal")
    files = [CHECKOUT / "app.py", *(file for folder in FOLDERS for file in (CHECKOUT / folder).rglob("*.py"))]

    imported = set().union(*(_imported(ast.parse(file.read_text())) for file in files))

    assert sorted(imported | _interfaces_of(imported)) == sorted(read)
