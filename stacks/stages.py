"""The settings file: every stage and its endpoints. This is the file to edit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from constructs_lib.encryption import CustomerManagedKey
from constructs_lib.model import ContainerModel, HuggingFaceModel
from constructs_lib.polling_function import PollingFunctionSettings
from constructs_lib.scaling_settings import ScalingSettings
from stacks.settings import EndpointSettings, StageSettings

if TYPE_CHECKING:
    from collections.abc import Callable


class UnknownSettingError(TypeError):
    """A stage names a setting that there is not, or leaves out one that there has to be."""


class UnknownStageError(LookupError):
    """The app was asked for a stage that :data:`STAGES` does not have."""


def local() -> StageSettings:
    """The reference model in the local cloud: no account, no charge."""
    return StageSettings(
        name="local",
        account="000000000000",
        region="us-east-1",
        endpoints=(
            EndpointSettings(
                name="ocr",
                model=ContainerModel(image_uri="000000000000.dkr.ecr.us-east-1.amazonaws.com/async-inference/ocr:1"),
                instance_type="ml.c7i.large",
                # Half a minute at the time scale of the demo: enough for a page on a busy machine, and soon at rest.
                max_job_seconds=1_800,
                scaling=ScalingSettings(max_instances=2),
            ),
        ),
    )


def dev() -> StageSettings:
    """A small public model on one CPU instance, in the account and region of the credentials at hand."""
    return StageSettings(
        name="dev",
        endpoints=(
            EndpointSettings(
                name="sentiment",
                model=HuggingFaceModel(
                    model_id="distilbert/distilbert-base-uncased-finetuned-sst-2-english", task="text-classification"
                ),
                instance_type="ml.m5.xlarge",
            ),
        ),
    )


def prod() -> StageSettings:
    """The reference model as a container of one's own: build it from ``model_server`` and put your account in."""
    return StageSettings(
        name="prod",
        production=True,
        account="111122223333",
        region="eu-west-1",
        endpoints=(
            EndpointSettings(
                name="ocr",
                model=ContainerModel(image_uri="111122223333.dkr.ecr.eu-west-1.amazonaws.com/async-inference/ocr:1"),
                instance_type="ml.c7i.xlarge",
                network_isolation=True,
                customer_managed_key=CustomerManagedKey(),
                polling_function=PollingFunctionSettings(reserved_concurrency=20),
                scaling=ScalingSettings(max_instances=4),
            ),
        ),
    )


STAGES: Final[dict[str, Callable[[], StageSettings]]] = {"local": local, "dev": dev, "prod": prod}


def stage_settings(name: str) -> StageSettings:
    """Return the settings of a stage.

    Raises:
        UnknownStageError: there is no such stage.
        UnknownSettingError: a setting is misspelt or missing.
        SettingError: one of its settings is not allowed.
    """
    if name not in STAGES:
        raise UnknownStageError(f"stage is {name!r}, allowed is one of {', '.join(STAGES)}: -c stage=dev")
    try:
        return STAGES[name]()
    except TypeError as error:
        if "__init__()" not in str(error):
            raise
        # Python's own words name the settings and the one that they do not have, or lack.
        raise UnknownSettingError(f"stage {name}: {error}; stacks/settings.py says which settings there are") from error
