"""What has to run for a model: which program stands for its image, with which environment and limits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from local_cloud.sagemaker.undocumented import DEFAULT_CONTAINER_STARTUP_SECONDS, DEFAULT_MAX_CONCURRENCY

if TYPE_CHECKING:
    from collections.abc import Mapping

    from local_cloud.sagemaker.endpoint_logs import EndpointLogs
    from local_cloud.sagemaker.model_data import ModelData
    from local_cloud.sagemaker.resources import EndpointConfig, Model


class ContainerError(Exception):
    """A container did not come up, or there was no instance for it; the message says why."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ContainerSpecification:
    """What to run.

    Attributes:
        command: program and arguments.
        environment: its variables, besides those that say where it runs.
        max_concurrency: invocations at a time.
        startup_seconds: real seconds within which ``/ping`` has to answer 200.
        download_seconds: real seconds within which the model's files have to be there; ``None`` for any.
        data: fills the folder that stands for ``/opt/ml/model``; ``None`` leaves it empty.
        logs: takes what the container writes; ``None`` keeps it from everybody.
        variant_name: names the streams in ``logs``.
    """

    command: tuple[str, ...]
    environment: Mapping[str, str]
    max_concurrency: int
    startup_seconds: float
    download_seconds: float | None = None
    data: ModelData | None = None
    logs: EndpointLogs | None = None
    variant_name: str = ""


def container_specification(
    config: EndpointConfig, model: Model, commands: Mapping[str, tuple[str, ...]]
) -> ContainerSpecification:
    """Return what to run for ``model`` under ``config``.

    Raises:
        ContainerError: no program stands for the model's image.
    """
    command = commands.get(model.image)
    if command is None:
        hint = f"start the local cloud with --container '{model.image}=COMMAND'"
        raise ContainerError(f"no program stands for the image {model.image}: {hint}")
    max_concurrency = config.asynchronous.max_concurrency if config.asynchronous else None
    startup_seconds = config.variant.get("ContainerStartupHealthCheckTimeoutInSeconds")
    download_seconds = config.variant.get("ModelDataDownloadTimeoutInSeconds")
    return ContainerSpecification(
        command=command,
        environment=model.environment,
        max_concurrency=max_concurrency or DEFAULT_MAX_CONCURRENCY,
        startup_seconds=float(startup_seconds or DEFAULT_CONTAINER_STARTUP_SECONDS),
        download_seconds=download_seconds,
    )
