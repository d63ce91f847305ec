"""What a client has to know of a deployed endpoint: the document that the stack stores in one SSM parameter.

The stack writes it, the client and the Lambda read it, so its shape lives here, once.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

from async_inference import configuration_checks
from async_inference.exceptions import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

SCHEMA: Final = 1
"""The newest form of the document that this code reads and the one that it writes."""


CLIENT_NAMESPACE: Final = "AsyncInference"
"""The CloudWatch namespace of what clients publish."""

JOBS_IN_FLIGHT: Final = "JobsInFlight"
"""The metric in it, of dimension ``EndpointName``: how many jobs a client waits for."""


def parameter_name(stage: str, endpoint: str) -> str:
    """Return the name of the SSM parameter that describes ``endpoint`` of ``stage``."""
    return f"/async-inference/{stage}/{endpoint}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Prefixes:
    """Where in the endpoint's bucket things lie; each ends with a slash."""

    input: str = "input/"
    output: str = "output/"
    failure: str = "failure/"
    batches: str = "batches/"
    """Inputs, journal and lease of recorded batches. Documents of before there were batches leave it out."""


@dataclass(frozen=True, kw_only=True, slots=True)
class InputLocation:
    """Another bucket in which inputs may lie."""

    bucket: str
    prefix: str = ""
    """What their keys start with, ending with a slash; anything if empty."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Consumer:
    """A reader of results with a queue of its own, subscribed to inference ids that start with ``<consumer>-``."""

    queue_url: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """What one request may take, in seconds."""

    max_job_seconds: int
    """The longest that the model may work on a request, 1 to 3,600; sent as ``InvocationTimeoutSeconds`` unless the
    caller asks for less."""

    request_ttl_seconds: int
    """How long a request may wait in the queue unless its caller asks for anything else from 60 to 21,600; sent as
    ``RequestTTLSeconds``."""


@dataclass(frozen=True, kw_only=True, slots=True)
class EndpointConfiguration:
    """A deployed endpoint as its callers see it.

    No value is checked on construction: while a stack is synthesized, the names are still tokens.
    Reading one checks them all.

    Example:
        >>> EndpointConfiguration.from_dict(configuration.to_dict()) == configuration
        True
        >>> configuration.limits.max_job_seconds
        1800
    """

    endpoint_name: str
    region: str
    bucket: str
    limits: Limits
    prefixes: Prefixes
    consumers: Mapping[str, Consumer]
    count_jobs_in_flight: bool = False
    """Whether clients publish how many jobs they wait for, for the endpoint not to rest meanwhile. Documents of before
    clients could do that leave it out."""

    input_locations: tuple[InputLocation, ...] = ()
    """Where inputs may lie besides below ``prefixes.input``. Documents of before there were any leave it out."""

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON-able form that :meth:`from_dict` reads."""
        return {"schema": SCHEMA} | asdict(self) | {"input_locations": [asdict(each) for each in self.input_locations]}

    @classmethod
    def from_json(cls, text: str) -> EndpointConfiguration:
        """Read the JSON text of the form that :meth:`to_dict` writes.

        Raises:
            ConfigurationError: it is no JSON object, or :meth:`from_dict` refuses it.
        """
        try:
            document = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise ConfigurationError(f"the endpoint's configuration is not JSON ({error}): deploy it again") from error
        if not isinstance(document, dict):
            raise ConfigurationError(
                f"the endpoint's configuration is of type {type(document).__name__}, expected an object: deploy again"
            )
        return cls.from_dict(document)

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> EndpointConfiguration:
        """Read the form that :meth:`to_dict` writes.

        Raises:
            ConfigurationError: the document is of another schema, or a member is missing, unknown or malformed.
        """
        schema = document.get("schema")
        if type(schema) is not int or schema != SCHEMA:
            raise ConfigurationError(
                f"the endpoint's configuration has schema {schema!r}, this client reads {SCHEMA}: "
                "install the async_inference that came with the deployment"
            )
        configuration_checks.check(document)
        return cls(
            endpoint_name=document["endpoint_name"],
            region=document["region"],
            bucket=document["bucket"],
            limits=Limits(**document["limits"]),
            prefixes=Prefixes(**document["prefixes"]),
            consumers={name: Consumer(**consumer) for name, consumer in document["consumers"].items()},
            count_jobs_in_flight=document.get("count_jobs_in_flight", False),
            input_locations=tuple(InputLocation(**each) for each in document.get("input_locations", ())),
        )
