"""What the Lambda bundle consists of, and that it is what was locked."""

from __future__ import annotations

import base64
import hashlib
import importlib.metadata
import re
from typing import TYPE_CHECKING

import pytest
from packaging.utils import canonicalize_name

from constructs_lib.python_bundle import CHECKOUT, SDK_DISTRIBUTIONS, write_bundle

if TYPE_CHECKING:
    from pathlib import Path

    from syrupy.assertion import SnapshotAssertion

OWN_PACKAGES = ("async_inference", "polling")
_LICENCE = re.compile(r"LICEN[SC]E", re.IGNORECASE)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The function's code, assembled as at synth."""
    output = tmp_path_factory.mktemp("bundle")
    write_bundle(output, [CHECKOUT / "lambda_src" / "polling", CHECKOUT / "async_inference"])
    return output


def _locked_versions() -> dict[str, str]:
    return dict(re.findall(r"^([\w.-]+)==(\S+)", (CHECKOUT / "requirements.txt").read_text(), re.MULTILINE))


def test_the_bundle_is_as_reviewed(bundle: Path, snapshot: SnapshotAssertion) -> None:
    """Its distributions with their versions, and the names that it puts on the path."""
    contents = {
        "distributions": {name: importlib.metadata.version(name) for name in SDK_DISTRIBUTIONS},
        "top-level names": sorted(path.name for path in bundle.iterdir() if path.suffix != ".dist-info"),
    }

    assert contents == snapshot


@pytest.mark.parametrize("name", SDK_DISTRIBUTIONS)
def test_each_distribution_is_the_locked_one(name: str) -> None:
    """In its version; the lock has its hashes."""
    assert _locked_versions()[canonicalize_name(name)] == importlib.metadata.version(name)


def test_each_file_is_as_its_distribution_recorded_it_or_our_own(bundle: Path) -> None:
    """Byte for byte: what was changed after installing, or came from elsewhere, is not shipped unseen."""
    recorded = {
        str(file): file.hash.value
        for name in SDK_DISTRIBUTIONS
        for file in importlib.metadata.files(name) or []
        if file.hash is not None
    }
    shipped = {
        str(path.relative_to(bundle)): base64.urlsafe_b64encode(hashlib.sha256(path.read_bytes()).digest())
        for path in bundle.rglob("*")
        if path.is_file() and path.relative_to(bundle).parts[0] not in OWN_PACKAGES
    }

    assert shipped
    assert {path for path, value in shipped.items() if recorded.get(path) != value.decode().rstrip("=")} == set()


def test_our_own_files_are_sources(bundle: Path) -> None:
    """Nothing that lies about in a checkout goes along."""
    own = [path for package in OWN_PACKAGES for path in (bundle / package).rglob("*") if path.is_file()]

    assert {path.name for path in own if path.suffix != ".py"} == {"py.typed"}


@pytest.mark.parametrize("name", SDK_DISTRIBUTIONS)
def test_each_distribution_brings_its_licence(bundle: Path, name: str) -> None:
    """Which its licence asks of whoever passes it on."""
    folder = f"{name.replace('-', '_')}-{importlib.metadata.version(name)}.dist-info"

    assert [path for path in (bundle / folder).rglob("*") if _LICENCE.match(path.name)]
