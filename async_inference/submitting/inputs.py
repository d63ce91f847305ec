"""Where inputs may lie that are in S3 already."""

from __future__ import annotations

from typing import TYPE_CHECKING

from async_inference.limits import HEADER_LENGTH, HEADER_PATTERN
from async_inference.locations import require_inside
from async_inference.submitting.requests import check_text

if TYPE_CHECKING:
    from async_inference.configuration import EndpointConfiguration
    from async_inference.locations import S3Location


def require_input(location: S3Location, configuration: EndpointConfiguration) -> None:
    """Refuse what the endpoint's role cannot read, and what the request cannot name.

    Raises:
        InvalidRequest: it lies neither below the input prefix nor where the configuration says that inputs may lie.
    """
    bucket, prefix = configuration.bucket, configuration.prefixes.input
    for other in configuration.input_locations:
        if location.bucket == other.bucket and location.key.startswith(other.prefix):
            bucket, prefix = other.bucket, other.prefix
    require_inside(location, bucket=bucket, prefix=prefix, field="input_location")
    check_text("input_location", str(location), HEADER_LENGTH, HEADER_PATTERN)
