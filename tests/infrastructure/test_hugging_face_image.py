"""The deep-learning container exists: compared with the image tables that the ``sagemaker`` package ships."""

from __future__ import annotations

import importlib.metadata
import json
from typing import TYPE_CHECKING, Any

import pytest
from aws_cdk import Stack
from aws_cdk.region_info import Fact, FactName, RegionInfo

from constructs_lib.deep_learning_containers import HUGGING_FACE_CPU_TAG, HUGGING_FACE_REPOSITORY, hugging_face_image

if TYPE_CHECKING:
    from collections.abc import Callable

    from aws_cdk import App


@pytest.fixture(scope="module")
def table() -> dict[str, Any]:
    """AWS's table for the newest Hugging Face inference image."""
    (path,) = [
        file
        for file in importlib.metadata.files("sagemaker") or ()
        if file.as_posix().endswith("image_uri_config/huggingface.json")
    ]
    versions = json.loads(path.read_text())["inference"]["versions"]
    version = max(versions, key=lambda version: [int(part) for part in version.split(".")])
    (framework,) = versions[version]["version_aliases"].values()
    table: dict[str, Any] = versions[version][framework] | {"framework": framework, "version": version}
    return table


def test_repository_and_tag_are_in_the_table(table: dict[str, Any]) -> None:
    """The tag has the table's framework, version, Python and operating system."""
    (python,) = table["py_versions"]
    tag = "-".join(
        [
            table["framework"].removeprefix("pytorch"),
            f"transformers{table['version']}",
            "cpu",
            python,
            table["container_version"]["cpu"],
        ]
    )

    assert table["repository"] == HUGGING_FACE_REPOSITORY
    assert tag == HUGGING_FACE_CPU_TAG


def test_accounts_agree_in_every_region(table: dict[str, Any]) -> None:
    """The CDK's region facts name the same registry as the table, wherever both know one."""
    facts = {
        region: account
        for region in Fact.regions
        if (account := RegionInfo.get(region).dlc_repository_account) is not None
    }
    known_to_both = facts.keys() & table["registries"].keys()

    assert len(known_to_both) > 20
    assert {region: table["registries"][region] for region in known_to_both} == {
        region: facts[region] for region in known_to_both
    }


def test_registry_of_an_unknown_region_is_looked_up_at_deployment(new_app: Callable[[], App]) -> None:
    """A stack without a region carries the CDK's own table of registries."""
    stack = Stack(new_app(), "Stack")

    account = stack.resolve(hugging_face_image(stack).account)

    assert account["Fn::FindInMap"][1:] == [{"Ref": "AWS::Region"}, "value"]


def test_registry_of_a_known_region_is_literal(new_app: Callable[[], App]) -> None:
    """A stack with a region names that region's registry."""
    stack = Stack(new_app(), "Stack", env={"account": "111122223333", "region": "eu-west-1"})

    expected = Fact.require_fact("eu-west-1", FactName.DLC_REPOSITORY_ACCOUNT)
    assert hugging_face_image(stack).uri.startswith(f"{expected}.dkr.ecr.eu-west-1.")
