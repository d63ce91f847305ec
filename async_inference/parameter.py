"""Reading an endpoint's description from the SSM parameter that its stack wrote."""

from __future__ import annotations

from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from async_inference import aws_errors
from async_inference.configuration import EndpointConfiguration
from async_inference.exceptions import ConfigurationError

if TYPE_CHECKING:
    from boto3 import Session
    from types_boto3_ssm import SSMClient


def read_configuration(name: str, region: str | None = None, session: Session | None = None) -> EndpointConfiguration:
    """Return the configuration that the parameter ``name`` holds.

    Raises:
        ConfigurationError: there is no such parameter, or it holds something else.
        PermissionDenied: it may not be read.
        EndpointUnavailable: AWS could not be reached.
    """
    import boto3  # noqa: PLC0415 - takes longer to import than all the rest
    from botocore.config import Config  # noqa: PLC0415 - likewise

    retries = Config(retries={"mode": "standard", "total_max_attempts": 3})
    client = (session or boto3.Session()).client("ssm", region_name=region, config=retries)
    value = _value(client, name)
    try:
        return EndpointConfiguration.from_json(value)
    except ConfigurationError as error:
        raise ConfigurationError(f"parameter {name}: {error}") from error


def _value(client: SSMClient, name: str) -> str:
    try:
        return client.get_parameter(Name=name)["Parameter"]["Value"]
    except (BotoCoreError, ClientError) as error:
        if isinstance(error, ClientError) and aws_errors.code(error) == "ParameterNotFound":
            raise ConfigurationError(
                f"there is no parameter {name} in {client.meta.region_name}: is the stack deployed there?"
            ) from error
        aws_errors.raise_for_caller(error, action="ssm:GetParameter", resource=f"parameter {name}")
