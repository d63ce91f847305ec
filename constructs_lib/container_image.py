"""A container image in Amazon ECR, the only registry that SageMaker pulls from without a VPC."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

ECR_IMAGE_PATTERN: Final = (
    r"(?P<account>\d{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.(?P<url_suffix>amazonaws\.com(?:\.cn)?)"
    r"/(?P<repository>[a-z0-9][a-z0-9._/-]*)(?P<version>:\w[\w.-]{0,127}|@sha256:[0-9a-f]{64})"
)
"""``<account>.dkr.ecr.<region>.<suffix>/<repository>`` with a ``:tag`` or an ``@sha256:digest``."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ContainerImage:
    """The parts of an image's URI; account, region and suffix may be CDK tokens."""

    account: str
    region: str
    url_suffix: str
    repository: str
    version: str
    """``:tag`` or ``@sha256:digest``."""

    @classmethod
    def from_uri(cls, uri: str) -> ContainerImage:
        """Split a URI that matches :data:`ECR_IMAGE_PATTERN`."""
        match = re.fullmatch(ECR_IMAGE_PATTERN, uri, re.ASCII)
        if match is None:
            raise ValueError(f"{uri!r} is no image in Amazon ECR")
        return cls(**match.groupdict())

    @property
    def uri(self) -> str:
        """The URI that SageMaker pulls."""
        return f"{self.account}.dkr.ecr.{self.region}.{self.url_suffix}/{self.repository}{self.version}"
