"""Templates of the app as it is deployed: with the flags of cdk.json, one synthesis per stage."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
# The library's own validation takes seconds; `cdk synth` and one test have it on.
os.environ.setdefault("CDK_VALIDATION", "false")
if (CHECKOUT / ".venv/bin/node").exists():
    os.environ.setdefault("JSII_NODE", str(CHECKOUT / ".venv/bin/node"))

import aws_cdk as cdk  # noqa: E402 - jsii starts Node when it is imported
from aws_cdk import assertions  # noqa: E402

from constructs_lib.encryption import CustomerManagedKey, Encryption  # noqa: E402
from stacks.inference_stack import add_stacks  # noqa: E402
from stacks.stages import STAGES, stage_settings  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable

    from stacks.settings import StageSettings

Template = dict[str, Any]


@pytest.fixture(scope="session")
def new_app() -> Callable[[], cdk.App]:
    """Make apps with the context that the CLI passes on."""
    context = json.loads((CHECKOUT / "cdk.json").read_text())["context"]
    return lambda: cdk.App(context=context)


@pytest.fixture(scope="session")
def synthesize(new_app: Callable[[], cdk.App]) -> Callable[[StageSettings], Template]:
    """Synthesize the only stack of a stage."""

    def synthesize(stage: StageSettings) -> Template:
        (stack,) = add_stacks(new_app(), stage)
        return dict(assertions.Template.from_stack(stack).to_json())

    return synthesize


@pytest.fixture(scope="session")
def templates(synthesize: Callable[[StageSettings], Template]) -> dict[str, Template]:
    """The template of every stage."""
    return {name: synthesize(stage_settings(name)) for name in STAGES}


@pytest.fixture(params=sorted(STAGES))
def stage_name(request: pytest.FixtureRequest) -> str:
    """Every stage in turn."""
    name: str = request.param
    return name


@pytest.fixture
def template(templates: dict[str, Template], stage_name: str) -> Template:
    """The template of every stage in turn."""
    return templates[stage_name]


@pytest.fixture(scope="session")
def dev_template(templates: dict[str, Template]) -> Template:
    """The template of the development stage."""
    return templates["dev"]


@pytest.fixture(scope="session")
def prod_template(templates: dict[str, Template]) -> Template:
    """The template of the production stage."""
    return templates["prod"]


@pytest.fixture(scope="session")
def counting_stage() -> StageSettings:
    """The development stage, whose clients publish how many jobs they wait for."""
    stage = stage_settings("dev")
    (endpoint,) = stage.endpoints
    counting = replace(endpoint, scaling=replace(endpoint.scaling, count_jobs_in_flight=True))
    return replace(stage, endpoints=(counting,))


@pytest.fixture
def new_stack(new_app: Callable[[], cdk.App]) -> cdk.Stack:
    """An empty stack for a construct on its own."""
    return cdk.Stack(new_app(), "Stack")


@pytest.fixture
def aws_keys(new_stack: cdk.Stack) -> Encryption:
    """Encryption with keys of AWS."""
    return Encryption(new_stack, "Encryption", settings=None, retain=False)


@pytest.fixture
def own_key(new_stack: cdk.Stack) -> Encryption:
    """Encryption with a key of the customer."""
    return Encryption(new_stack, "Encryption", settings=CustomerManagedKey(), retain=True)
