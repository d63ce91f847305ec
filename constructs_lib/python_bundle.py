"""Assembles a Lambda's code from this checkout and from the distributions installed beside it.

No Docker and no network: the SDK is copied as it is installed and locked here, because the one in Lambda's runtime may
be too old to know the inline ``Body`` of InvokeEndpointAsync. Same sources and same lock give the same bytes.
"""

from __future__ import annotations

import importlib.metadata
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import jsii
from aws_cdk import AssetHashType, BundlingOptions, DockerImage, ILocalBundling
from aws_cdk import aws_lambda as lambda_

if TYPE_CHECKING:
    from collections.abc import Sequence

CHECKOUT: Final = Path(__file__).resolve().parent.parent

SDK_DISTRIBUTIONS: Final = ("boto3", "botocore", "jmespath", "python-dateutil", "s3transfer", "six", "urllib3")
"""boto3 and all that it requires; all of them pure Python, so the bundle runs on every architecture."""

SDK_SERVICES: Final = ("cloudwatch", "s3", "sagemaker-runtime")
"""The services whose models are copied: those of all services are several times the rest of the bundle."""


def bundle_function(function_directory: Path, *, packages: Sequence[str]) -> lambda_.AssetCode:
    """Return a function's code, assembled at synth.

    Args:
        function_directory: The function's own package; becomes a top-level package of the same name.
        packages: Packages of this checkout that it imports.
    """
    sources = [function_directory, *(CHECKOUT / package for package in packages)]
    return lambda_.Code.from_asset(
        str(function_directory),
        asset_hash_type=AssetHashType.OUTPUT,
        bundling=BundlingOptions(image=DockerImage.from_registry("never-pulled"), local=_LocalBundling(sources)),
    )


def write_bundle(output: Path, sources: Sequence[Path]) -> None:
    """Copy packages and the SDK into ``output``."""
    for source in sources:
        shutil.copytree(source, output / source.name, ignore=shutil.ignore_patterns("__pycache__", "*.pyc"))
    for distribution in SDK_DISTRIBUTIONS:
        _copy_distribution(distribution, output)


@jsii.implements(ILocalBundling)
class _LocalBundling:
    def __init__(self, sources: Sequence[Path]) -> None:
        self._sources = sources

    def try_bundle(self, output_dir: str, *, image: DockerImage, **_options: Any) -> bool:  # noqa: ANN401, ARG002 - the interface passes every bundling option
        write_bundle(Path(output_dir), self._sources)
        return True


def _copy_distribution(name: str, output: Path) -> None:
    files = importlib.metadata.files(name)
    if files is None:
        raise FileNotFoundError(f"the distribution {name} has no list of its files: install requirements.txt again")
    for file in files:
        if _belongs_in_bundle(file):
            target = output / file
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(str(file.locate()), target)


def _belongs_in_bundle(file: importlib.metadata.PackagePath) -> bool:
    top = file.parts[0]
    if top == ".." or file.suffix == ".pyc":
        return False
    if top.endswith(".dist-info"):
        return file.name.upper().startswith(("LICENSE", "NOTICE"))
    if file.parts[:2] == ("botocore", "data") and len(file.parts) > len(("botocore", "data", "file")):
        return file.parts[2] in SDK_SERVICES
    return True
