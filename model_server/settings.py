"""What may differ between two runs of the same image: read once from the environment, checked at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_PORT: Final = 65_535
MAX_WORKERS: Final = 64
MAX_TIMEOUT_SECONDS: Final = 86_400


class SettingsError(ValueError):
    """An environment variable has a value that cannot work; the message names it and what is allowed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """How this server listens and how much it does at once."""

    host: str
    """``MODEL_SERVER_HOST``: the address to listen on, default 127.0.0.1, which keeps a laptop closed; the image
    sets 0.0.0.0."""

    port: int
    """``SAGEMAKER_BIND_TO_PORT``: default 8080; SageMaker sets it for images with the accept-bind-to-port
    label."""

    workers: int
    """``SAGEMAKER_MODEL_SERVER_WORKERS``: documents recognized at the same time, 1 to 64, default 1: one uses all
    processors."""

    timeout_seconds: int
    """``SAGEMAKER_MODEL_SERVER_TIMEOUT``: seconds that an invocation may take, waiting for a worker included.
    Default 3600, the longest that SageMaker waits for an asynchronous invocation: later, nobody reads the answer."""

    @classmethod
    def from_env(cls, environment: Mapping[str, str]) -> Settings:
        """Read the settings from environment variables; an absent or empty one has its default.

        Raises:
            SettingsError: a value is not a whole number or out of bounds.
        """
        return cls(
            host=environment.get("MODEL_SERVER_HOST") or "127.0.0.1",
            port=_whole_number(environment, "SAGEMAKER_BIND_TO_PORT", default=8080, maximum=MAX_PORT),
            workers=_whole_number(environment, "SAGEMAKER_MODEL_SERVER_WORKERS", default=1, maximum=MAX_WORKERS),
            timeout_seconds=_whole_number(
                environment, "SAGEMAKER_MODEL_SERVER_TIMEOUT", default=3600, maximum=MAX_TIMEOUT_SECONDS
            ),
        )


def _whole_number(environment: Mapping[str, str], name: str, *, default: int, maximum: int) -> int:
    value = environment.get(name) or str(default)
    if not (value.isascii() and value.isdigit() and 1 <= int(value) <= maximum):
        raise SettingsError(f"{name} is {value!r}: set a whole number from 1 to {maximum}")
    return int(value)
