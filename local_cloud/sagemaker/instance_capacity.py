"""How many instances of a type are to be had, which all endpoints share."""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


class InstanceCapacity:
    """Counts the instances of all endpoints, and has no more of a type than there are.

    Args:
        limits: how many instances there are of a type, those in use included; any number of a type that is not named.

    Attributes:
        limits: may change at any time; what is in use stays in use.
    """

    def __init__(self, limits: Mapping[str, int]) -> None:
        self.limits = dict(limits)
        self._in_use: Counter[str] = Counter()

    def take(self, instance_type: str) -> bool:
        """Take an instance of a type; return whether there was one."""
        if self._in_use[instance_type] >= self.limits.get(instance_type, math.inf):
            return False
        self._in_use[instance_type] += 1
        return True

    def give_back(self, instance_type: str) -> None:
        """Give an instance back that was taken."""
        self._in_use[instance_type] -= 1
