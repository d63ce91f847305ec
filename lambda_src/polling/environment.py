"""What the function is told by its environment variables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from async_inference import ConfigurationError, EndpointConfiguration

if TYPE_CHECKING:
    from collections.abc import Mapping

ENDPOINT_CONFIGURATION: Final = "ENDPOINT_CONFIGURATION"
"""Holds the same JSON as the endpoint's SSM parameter."""


@dataclass(frozen=True, slots=True)
class Environment:
    """The function's settings."""

    endpoint: EndpointConfiguration

    @classmethod
    def from_env(cls, variables: Mapping[str, str]) -> Environment:
        """Read the settings from environment variables.

        Raises:
            ConfigurationError: a variable is missing or malformed; the message names it.
        """
        value = variables.get(ENDPOINT_CONFIGURATION)
        if not value:
            raise ConfigurationError(
                f"the environment variable {ENDPOINT_CONFIGURATION} is not set: deploy the stack again"
            )
        try:
            return cls(EndpointConfiguration.from_json(value))
        except ConfigurationError as error:
            raise ConfigurationError(f"the environment variable {ENDPOINT_CONFIGURATION}: {error}") from error
