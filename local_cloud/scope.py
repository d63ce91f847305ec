"""The account and region that own a resource: AWS keeps nothing in common between two of them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Scope:
    """One region of one account.

    Attributes:
        account: twelve digits.
        region: such as ``us-east-1``.
    """

    account: str
    region: str

    def arn(self, service: str, resource: str) -> str:
        """Return the ARN of ``resource`` (such as ``endpoint/ocr``) of ``service`` in this scope."""
        return f"arn:aws:{service}:{self.region}:{self.account}:{resource}"
