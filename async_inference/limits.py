"""The bounds that SageMaker puts on an asynchronous request.

Source: the service model of ``InvokeEndpointAsync`` and ``CreateEndpointConfig`` as shipped in botocore 1.44.5, except
where a constant says otherwise. botocore itself checks minimums and types only, so callers have to check the rest.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Bounds:
    """An inclusive range of whole numbers."""

    minimum: int
    maximum: int

    def __contains__(self, value: object) -> bool:
        return isinstance(value, int) and not isinstance(value, bool) and self.minimum <= value <= self.maximum

    def __str__(self) -> str:
        return f"{self.minimum} to {self.maximum}"


MAX_INLINE_BYTES: Final = 128_000
"""Bytes of an inline ``Body`` after encoding."""

MAX_PAYLOAD_BYTES: Final = 1_000_000_000
"""Bytes of an input object in S3: the documentation says 1 GB."""

REQUEST_TTL_SECONDS: Final = Bounds(60, 21_600)
"""How long a request may wait in the queue."""

DEFAULT_REQUEST_TTL_SECONDS: Final = 21_600
"""What SageMaker assumes where a request names no ``RequestTTLSeconds``."""

INVOCATION_TIMEOUT_SECONDS: Final = Bounds(1, 3_600)
"""How long the model may work on a request."""

DEFAULT_INVOCATION_TIMEOUT_SECONDS: Final = 900
"""What SageMaker assumes where a request names no ``InvocationTimeoutSeconds``."""

MAX_CONCURRENT_INVOCATIONS_PER_INSTANCE: Final = Bounds(1, 1_000)
"""Requests that one instance's container is sent at a time."""

ENDPOINT_NAME_LENGTH: Final = Bounds(1, 63)
"""Characters of an endpoint's name."""

ENDPOINT_NAME_PATTERN: Final = r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}"
"""What an endpoint may be called."""

INFERENCE_ID_LENGTH: Final = Bounds(1, 64)
"""Characters of an ``InferenceId``."""

INFERENCE_ID_PATTERN: Final = r"[!-~][ -~]*"
"""Printable ASCII that does not start with a space: the id travels in an HTTP header."""

HEADER_LENGTH: Final = Bounds(1, 1_024)
"""Characters of ``ContentType``, ``Accept``, ``CustomAttributes`` and ``InputLocation``."""

HEADER_PATTERN: Final = r"[ -~]+"
"""Printable ASCII: these fields travel in HTTP headers."""

OUTPUT_EXTENSION_LENGTH: Final = Bounds(1, 512)
"""Characters of ``S3OutputPathExtension``."""

OUTPUT_EXTENSION_PATTERN: Final = r"(?!s3:|https:)[a-zA-Z0-9!_.*'()/-]+"
"""What may be appended to the output path."""

FILENAME_LENGTH: Final = Bounds(1, 32)
"""Characters of ``Filename``."""

FILENAME_PATTERN: Final = r"(?!.*\..*\.)[a-zA-Z0-9][a-zA-Z0-9_.-]*"
"""What an output may be called: at most one dot."""
